"""`quaero jobs`: the list of jobs. Imports no event loop: it answers at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.cli.completing import complete_status
from quaero_cli.cli.definitions import require_definition
from quaero_cli.errors import UsageError

if TYPE_CHECKING:
    from quaero_cli.settings import Settings
    from quaero_cli.store.reader import Reader

EPILOG = "Example: quaero jobs --status failed --limit 10"
MAX_LIMIT = 10_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("jobs", epilog=EPILOG)(jobs)


def jobs(
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="Only jobs in this state (repeatable).",
                     autocompletion=complete_status),
    ] = None,
    definition: Annotated[
        str | None,
        typer.Option("--definition", metavar="DEF", help="Only jobs of this definition.",
                     autocompletion=common.complete_definition),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=MAX_LIMIT, help="At most so many.")] = 30,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing them, until Ctrl-C.")] = False,
    json: common.Json = False,
    home: common.Home = None,
) -> None:  # fmt: skip
    """List jobs, newest first."""
    from quaero_cli.store.reader import open_reader
    from quaero_cli.terminal.tables import json_array, write_jobs

    _check_statuses(status or ())
    if watch:
        _watch(home, status or [], definition, limit, json=json)
        return
    settings = common.swept_settings(home)
    with open_reader(settings.database) as reader:
        found = reader.list_jobs(statuses=status or (), definition=definition, limit=limit)
        if definition is not None:
            _require(reader, definition, settings)
    out = common.out()
    if json:
        out.write(json_array(found))
    elif found:
        write_jobs(out, found)
    else:
        common.err().write(_nothing(status or (), definition))


def _check_statuses(statuses: Sequence[str]) -> None:
    from quaero_cli.model import JOB_STATUSES

    for each in statuses:
        if each not in JOB_STATUSES:
            problem = "only steps and workers are skipped" if each == "skipped" else f"no status {each!r}"
            raise UsageError(f"--status: {problem}", hint="one of: " + ", ".join(JOB_STATUSES))


def _require(reader: "Reader", definition: str, settings: "Settings") -> None:
    """Raise NotFoundError for a definition of which there is neither a job nor a file."""
    if not reader.last_jobs(definition, 1):
        require_definition(definition, settings)


def _nothing(statuses: Sequence[str], definition: str | None) -> str:
    """Return that there is nothing to list, and what to do about it."""
    of = "" if definition is None else f" of {definition}"
    if statuses:
        return f"no {' or '.join(statuses)} jobs{of}\nhint: quaero jobs lists all\n"
    return f"no jobs{of} yet\nhint: run one with: quaero run {definition or 'hello'}\n"


def _watch(home: str | None, statuses: list[str], definition: str | None, limit: int, *, json: bool) -> None:
    from quaero_cli.store.reader import open_reader

    out = common.out()
    if json or not out.animated:
        raise UsageError("--watch: needs a terminal and a person", hint="scripts follow jobs with: quaero tail")
    settings = common.swept_settings(home)
    if definition is not None:
        with open_reader(settings.database) as reader:
            _require(reader, definition, settings)
    from quaero_cli.cli.loop import run_loop
    from quaero_cli.model import JobSummary
    from quaero_cli.session.watch import watch_jobs
    from quaero_cli.terminal.lists import watched_jobs
    from quaero_cli.terminal.watch import Watch

    def find(reader: "Reader", rows: int) -> list[JobSummary]:
        return reader.list_jobs(statuses=statuses, definition=definition, limit=min(limit, rows))

    run_loop(lambda: watch_jobs(settings, Watch(out), find, watched_jobs))
