"""`quaero search`: entries with a text, over all jobs."""

from typing import TYPE_CHECKING, Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.cli.definitions import require_definition
from quaero_cli.errors import UsageError

if TYPE_CHECKING:
    from quaero_cli.model import Entry
    from quaero_cli.store.reader import Reader

EPILOG = "Example: quaero search 'connection refused' --level warn --since 2d"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("search", epilog=EPILOG, short_help="Look for a text in the entries of all jobs.")(search)


def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the message contains, in upper or lower case.")],
    level: common.LevelOption = "info",
    definition: Annotated[
        str | None,
        typer.Option("--definition", metavar="DEF", help="Only entries of jobs of this definition.",
                     autocompletion=common.complete_definition),
    ] = None,
    job: Annotated[
        list[str] | None,
        typer.Option("--job", metavar="JOB", help="Only entries of this job (repeatable).",
                     autocompletion=common.complete_job),
    ] = None,
    step: common.StepOption = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Only entries after a cursor or a time, or not older than 2d."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="At most so many, the newest.")
    ] = 100,
    json: common.Json = False,
    home: common.Home = None,
) -> None:  # fmt: skip
    """Look for a text in the entries of all jobs; print the newest that have it, oldest first."""
    from quaero_cli.store.reader import open_reader
    from quaero_cli.store.search import Search
    from quaero_cli.terminal.tables import json_array

    if not text:
        raise UsageError("TEXT: is empty", hint="every entry contains that; give what to look for")
    threshold = common.level(level)
    settings = common.prepared_settings(home)
    with open_reader(settings.database) as reader:
        place, time_us = _since(reader, since)
        jobs = tuple(reader.find_job(each) for each in job or ())
        wanted = Search(text, threshold, jobs, definition, tuple(step or ()), place, time_us)
        found = reader.search(wanted, limit)
        if definition is not None and not reader.last_jobs(definition, 1):
            require_definition(definition, settings)
    if json:
        common.out().write(json_array(found["logs"]))
    else:
        _print(found["logs"], text)
    if found["meta"]["has_more"]:
        common.err().write(f"older entries contain it, too: the newest {len(found['logs'])} are shown, see --limit\n")


def _since(reader: "Reader", text: str | None) -> tuple[int | None, int | None]:
    """Return the id, or the time in microseconds, after which to look."""
    from quaero_cli.cli.moments import parse_cursor, parse_moment

    if text is None:
        return None, None
    place = parse_cursor(text, reader.epoch)
    return (None, parse_moment(text)) if place is None else (place, None)


def _print(found: "list[Entry]", text: str) -> None:
    from quaero_cli.terminal.lines import LineFormat
    from quaero_cli.terminal.pager import page

    out = common.out()
    if not found:
        common.err().write("no entry contains that\nhint: --level debug looks at all of them\n")
        return
    form = LineFormat(out.paint, clock="local" if out.tty else "utc", jobs=True, unicode=out.unicode, mark=text)
    if out.width is not None:
        form.fit(out.width)
    page(out, form.batch(found))
