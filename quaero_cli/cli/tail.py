"""`quaero tail`: follow jobs, wherever they run."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    from quaero_cli.terminal.display import Display, Mode

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
        typer.Option(
            "--worker",
            metavar="NAME",
            help="Only this worker's entries, like fetch-17.",
            autocompletion=complete_worker,
            callback=common.not_empty,
        ),
    ] = None,
    grep: Annotated[
        str | None,
        typer.Option(
            "--grep", metavar="TEXT", help="Only entries whose message contains this.", callback=common.not_empty
        ),
    ] = None,
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
    server: Annotated[
        str | None,
        typer.Option(
            "--server", metavar="URL", help="Follow over HTTP what this server serves, instead of the store."
        ),
    ] = None,
    token: Annotated[
        str | None, typer.Option("--token", metavar="TOKEN", help="The server's token [env: QUAERO_TOKEN].")
    ] = None,
    home: common.Home = None,
) -> None:
    """Follow jobs: their last entries, then live, to the end. Works while nothing serves.

    Ends with the job's exit code. Ctrl-C stops watching; the job goes on.
    """
    from quaero_cli.cli.moments import parse_timeout
    from quaero_cli.model import LogQuery
    from quaero_cli.terminal.display import choose_mode

    if bool(jobs) == service:
        raise UsageError("name the jobs to follow, or give --service", hint="the newest one is: quaero tail last")
    seconds = None if timeout is None else parse_timeout(timeout)
    if token is not None and server is None:
        raise UsageError("--token: only with --server", hint="quaero tail last --server URL --token TOKEN")
    number = None if lines is None else entries_wanted(lines)
    asked = Asked(
        names=tuple(jobs or ()),
        query=LogQuery((), tuple(step or ()), common.level(level), worker, grep),
        lines=lines,
        number=number,
        since=since,
        live=not no_follow,
        timeout=seconds,
        mode=choose_mode(common.out(), json=json, raw=raw),
        show_cursor=show_cursor,
    )
    if server is not None:
        from quaero_cli.cli.tail_remote import tail_server

        raise typer.Exit(tail_server(common.settings(home), server, token, asked))
    raise typer.Exit(_tail_store(home, asked))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user wants to see, before any job was looked for."""

    names: tuple[str, ...]
    query: "LogQuery"  # without the jobs
    lines: str | None
    number: int | None  # of -n; 0: all; None: not given
    since: str | None
    live: bool
    timeout: float | None
    mode: "Mode"
    show_cursor: bool


def _tail_store(home: str | None, asked: Asked) -> int:
    from quaero_cli.session.tail import TailOptions
    from quaero_cli.session.tail import tail as follow_jobs
    from quaero_cli.store.reader import open_reader

    settings = common.swept_settings(home)
    with open_reader(settings.database) as reader:
        query = replace(asked.query, jobs=tuple(dict.fromkeys(reader.find_job(job) for job in asked.names)))
        reader.scope(query)  # unknown steps are told before the screen is touched
        after = _after(asked, query, reader)
    display = display_for(asked, query)
    number = settings.stream.default_limit if asked.number is None else asked.number
    options = TailOptions(query, number, after, asked.timeout, live=asked.live)
    given = home or common.before_command.home
    more = () if given is None else ("--home", given)

    def on_stop(cursor: int) -> None:
        say_how_to_resume(query, _place(settings, cursor), more)

    def on_end(cursor: int) -> None:
        if asked.show_cursor:
            common.err().write(f"cursor: {_place(settings, cursor)}\n")

    return run_loop(lambda: follow_jobs(settings, options, display, on_stop, on_end))


def display_for(asked: Asked, query: "LogQuery") -> "Display":
    """Return the display for what is asked for."""
    from quaero_cli.terminal.display import open_display

    many = len(query.jobs) > 1
    return open_display(mode=asked.mode, out=common.out(), err=common.err(), many=many, mark=query.text or "")


def entries_wanted(lines: str) -> int:
    """Return the number that `-n` gives; 0 for `all`. Raises UsageError."""
    if lines == "all":
        return 0
    if not (lines.isascii() and lines.isdigit() and len(lines) < 10):
        raise UsageError(f"-n: {lines!r} is not a number of entries", hint="give a number, or: -n all")
    return int(lines)


def _after(asked: Asked, query: "LogQuery", reader: "Reader") -> int | None:
    """Return the id to follow from, or None to begin with the newest entries."""
    if asked.since is None:
        return 0 if asked.number == 0 and asked.lines == "all" else None
    from quaero_cli.cli.moments import parse_cursor, parse_moment

    place = parse_cursor(asked.since, reader.epoch)
    if place is None:
        place = reader.cursor_at(query, parse_moment(asked.since))
    if asked.number is None or asked.lines == "all":
        return place
    return max(place, reader.cursor_before_newest(query, asked.number))


def _place(settings: "Settings", cursor: int) -> str:
    from quaero_cli.store.reader import open_reader

    with open_reader(settings.database) as reader:
        return f"{reader.epoch}-{cursor}"


def say_how_to_resume(query: "LogQuery", cursor: str, more: Sequence[str]) -> None:
    """Say, on stderr, that the watching has stopped, and the command that goes on from here."""
    import shlex

    goes_on = {0: "", 1: "; the job goes on"}.get(len(query.jobs), "; the jobs go on")
    words = ["quaero", "tail", *(query.jobs or ["--service"]), "--since", cursor, *more]
    print(f"stopped watching{goes_on}. Resume with: {shlex.join(words)}", file=sys.stderr)
