"""`quaero cancel`: cancel jobs, wherever they run."""

from typing import TYPE_CHECKING, Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.cli.loop import run_loop
from quaero_cli.errors import StateError

if TYPE_CHECKING:
    from quaero_cli.settings import Settings

EPILOG = "Example: quaero cancel last"
# Seconds to wait for the end: a child's grace, and room to store what it said.
PATIENCE = 20.0
STILL_RUNNING = 124


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cancel", epilog=EPILOG, short_help="Cancel jobs, wherever they run, and wait for their end.")(cancel)


def cancel(
    jobs: common.JobArguments,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Ask, and do not wait for the end.")] = False,
    json: common.Json = False,
    home: common.Home = None,
) -> None:
    """Cancel jobs and wait for their end; their children get 10 seconds to tidy up, clean-up steps still run.

    Exit code 2 when one had ended already, 124 when one still runs after 20 seconds.
    """
    from quaero_cli.store import queue
    from quaero_cli.store.reader import open_reader
    from quaero_cli.stream.nudge import nudge

    settings = common.swept_settings(home)
    with open_reader(settings.database) as reader:
        ids = list(dict.fromkeys(reader.find_job(job) for job in jobs))
    asked, ended = [], []
    for job_id in ids:
        try:
            queue.request_cancel(settings.database, job_id)
            asked.append(job_id)
        except StateError as error:  # the others are still to be cancelled
            ended.append(error)
    nudge(settings.wake, errand=True)
    code = run_loop(lambda: _wait(settings, asked)) if asked and not no_wait else 0
    with open_reader(settings.database) as reader:
        states = {job_id: reader.summary(job_id)["status"] for job_id in (ids if json else asked)}
    if json:
        from quaero_cli.terminal.tables import json_array

        common.out().write(json_array({"job_id": job_id, "status": status} for job_id, status in states.items()))
    else:
        common.err().write("".join(f"{job_id}: {status}\n" for job_id, status in states.items()))
    if ended:
        raise ended[0]
    if code == STILL_RUNNING:
        raise typer.Exit(code)


async def _wait(settings: "Settings", ids: list[str]) -> int:
    from quaero_cli.model import Level, LogQuery
    from quaero_cli.session.tail import TailOptions, tail
    from quaero_cli.terminal.display import open_display

    display = open_display(mode="quiet", out=common.out(), err=common.err())
    options = TailOptions(LogQuery(tuple(ids), level=Level.ERROR), limit=0, timeout=PATIENCE)
    return await tail(settings, options, display, lambda _: None)
