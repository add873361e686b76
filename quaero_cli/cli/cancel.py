"""`quaero cancel`: cancel jobs, wherever they run."""

from typing import TYPE_CHECKING, Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.cli.loop import run_loop

if TYPE_CHECKING:
    from quaero_cli.settings import Settings

EPILOG = "Example: quaero cancel last"
# Seconds to wait for the end: a child's grace, and room to store what it said.
PATIENCE = 20.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cancel", epilog=EPILOG)(cancel)


def cancel(
    jobs: common.JobArguments,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Ask, and do not wait for the end.")] = False,
    home: common.Home = None,
) -> None:
    """Cancel jobs and wait for their end; their children get 10 seconds to tidy up."""
    from quaero_cli.store import queue
    from quaero_cli.store.reader import open_reader
    from quaero_cli.stream.nudge import nudge

    settings = common.swept_settings(home)
    with open_reader(settings.database) as reader:
        ids = list(dict.fromkeys(reader.find_job(job) for job in jobs))
    for job_id in ids:
        queue.request_cancel(settings.database, job_id)
    nudge(settings.wake)
    if not no_wait:
        run_loop(lambda: _wait(settings, ids))
    err = common.err()
    with open_reader(settings.database) as reader:
        for job_id in ids:
            err.write(f"{job_id}: {reader.summary(job_id)['status']}\n")


async def _wait(settings: "Settings", ids: list[str]) -> None:
    from quaero_cli.model import Level, LogQuery
    from quaero_cli.session.tail import TailOptions, tail
    from quaero_cli.terminal.display import open_display

    display = open_display(mode="quiet", out=common.out(), err=common.err())
    options = TailOptions(LogQuery(tuple(ids), level=Level.ERROR), limit=0, timeout=PATIENCE)
    await tail(settings, options, display, lambda _: None)
