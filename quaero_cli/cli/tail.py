"""`quaero tail`: follow jobs, wherever they run."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.cli.completing import complete_worker
from quaero_cli.cli.loop import run_loop
from quaero_cli.errors import UsageError

if TYPE_CHECKING:
    from quaero_cli.model import LogQuery
    from quaero_cli.settings import Settings
    from quaero_cli.store.reader import Reader

EPILOG = "Example: quaero tail last --level warn"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tail", epilog=EPILOG)(tail)


def tail(
    jobs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="JOB...",
            help="Job IDs, their beginnings, definitions' ids, or `last`.",
            autocompletion=common.complete_job,
        ),
    ] = None,
    lines: Annotated[
        str | None,
        typer.Option("-n", "--lines", metavar="N", help="Entries to begin with: a number, or `all` [default: 100]."),
    ] = None,
    level: common.LevelOption = "info",
    step: common.StepOption = None,
    worker: Annotated[
        str | None,
        typer.Option("--worker", help="Only this worker's entries, like fetch-17.", autocompletion=complete_worker),
    ] = None,
    grep: Annotated[str | None, typer.Option("--grep", metavar="TEXT", help="Only messages with this.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="WHEN", help="Only entries after a cursor or a time, or not older than 10m or 2h."
        ),
    ] = None,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="Print what is stored, then leave.")] = False,
    timeout: Annotated[
        str | None,
        typer.Option("--timeout", metavar="TIME", help="Stop watching after so many seconds, or 10m: exit code 124."),
    ] = None,
    show_cursor: Annotated[
        bool, typer.Option("--show-cursor", help="Say at the end, on stderr, where to go on with --since.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print messages as they are, nothing else.")] = False,
    service: Annotated[bool, typer.Option("--service", help="Follow the service log instead of jobs.")] = False,
    home: common.Home = None,
) -> None:
    """Follow jobs: their last entries, then live, to the end. Works while nothing serves.

    Ends with the job's exit code. Ctrl-C stops watching; the job goes on.
    """
    from quaero_cli.cli.moments import parse_timeout
    from quaero_cli.model import LogQuery
    from quaero_cli.session.tail import TailOptions
    from quaero_cli.session.tail import tail as follow_jobs
    from quaero_cli.store.reader import open_reader
    from quaero_cli.terminal.display import choose_mode, open_display

    if bool(jobs) == service:
        raise UsageError("name the jobs to follow, or give --service", hint="the newest one is: quaero tail last")
    seconds = None if timeout is None else parse_timeout(timeout)
    wanted = None if lines is None else _number(lines)
    settings = common.swept_settings(home)
    number = settings.stream.default_limit if wanted is None else wanted
    with open_reader(settings.database) as reader:
        ids = tuple(dict.fromkeys(reader.find_job(job) for job in jobs or ()))
        query = LogQuery(ids, tuple(step or ()), common.level(level), worker, grep)
        reader.scope(query)  # unknown steps are told before the screen is touched
        after = _after(since, lines, query, reader)
    mode = choose_mode(common.out(), json=json, raw=raw)
    display = open_display(mode=mode, out=common.out(), err=common.err(), many=len(ids) > 1, mark=grep or "")
    options = TailOptions(query, number, after, seconds, live=not no_follow)

    def on_stop(cursor: int) -> None:
        _say_how_to_resume(settings, ids, cursor, home or common.before_command.home)

    def on_end(cursor: int) -> None:
        if show_cursor:
            common.err().write(f"cursor: {_place(settings, cursor)}\n")

    raise typer.Exit(run_loop(lambda: follow_jobs(settings, options, display, on_stop, on_end)))


def _number(lines: str) -> int:
    if lines == "all":
        return 0
    if not (lines.isascii() and lines.isdigit() and len(lines) < 10):
        raise UsageError(f"-n: {lines!r} is not a number of entries", hint="give a number, or: -n all")
    return int(lines)


def _after(since: str | None, lines: str | None, query: "LogQuery", reader: "Reader") -> int | None:
    """Return the id to follow from, or None to begin with the newest entries."""
    if since is None:
        return 0 if lines == "all" else None
    from quaero_cli.cli.moments import parse_cursor, parse_moment

    place = parse_cursor(since, reader.epoch)
    if place is None:
        place = reader.cursor_at(query, parse_moment(since))
    newest = None if lines is None or lines == "all" else _number(lines)
    return place if newest is None else max(place, reader.cursor_before_newest(query, newest))


def _place(settings: "Settings", cursor: int) -> str:
    from quaero_cli.store.reader import open_reader

    with open_reader(settings.database) as reader:
        return f"{reader.epoch}-{cursor}"


def _say_how_to_resume(settings: "Settings", ids: tuple[str, ...], cursor: int, home: str | None) -> None:
    import shlex

    goes_on = {0: "", 1: "; the job goes on"}.get(len(ids), "; the jobs go on")
    words = ["quaero", "tail", *(ids or ["--service"]), "--since", _place(settings, cursor)]
    if home is not None:
        words += ["--home", home]
    print(f"stopped watching{goes_on}. Resume with: {shlex.join(words)}", file=sys.stderr)
