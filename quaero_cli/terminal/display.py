"""What the session tells a terminal, and the one function that chooses how it is shown.

A `Display` is handed what a follower of the store hands out, in that order. It is synchronous, does no waiting of
its own but for the terminal to take the text, and may be used from any one thread at a time. Entries are data and
go to stdout; words (notices, the end of a job) go to stderr. BrokenPipeError (the reader has gone) and OutputError
are let out of every method: what they mean is for the caller to say.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import ClassVar, Literal, Protocol, Self, TextIO

from quaero_cli.model import Counts, LogsView, StatusView
from quaero_cli.stream.events import Gap
from quaero_cli.terminal.console import Terminal

Mode = Literal["live", "plain", "json", "raw", "quiet"]

# Seconds between two calls of `Display.tick`: eight pictures a second, and an entry never waits longer.
TICK_S = 0.125


class Display(Protocol):
    """Shows one or several jobs, from the first entry to the end. A context manager: leaving tidies the terminal."""

    reads: ClassVar[bool]
    """Whether it shows entries: else they need not be read for it."""

    @property
    def moves(self) -> bool:
        """Whether it draws on the screen, so that `suspend` has something to tidy."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def logs(self, view: LogsView) -> None:
        """Show a batch of entries. What a call brings may be written by a later call or `tick`."""

    def status(self, view: StatusView) -> None:
        """Take note of the state of a job and its steps."""

    def ended(self, job_id: str, status: str, exit_code: int, counts: Counts | None = None) -> None:
        """A job has ended, and all of its entries have been handed over; `counts` are of all of them."""

    def gap(self, event: Gap) -> None:
        """Say that entries are missing."""

    def notice(self, text: str) -> None:
        """Say something that is not data, on stderr, one line or several."""

    def tick(self) -> None:
        """Let time pass: to be called every `TICK_S` seconds while the display is open. Cheap when nothing moved."""

    def suspend(self) -> None:
        """Give the terminal back as it was: this process is about to be stopped, and another one has the screen."""

    def abandon(self) -> None:
        """Give the terminal back as it was: the process leaves at once. From any thread; waits for nothing."""


def choose_mode(out: Terminal, *, json: bool = False, raw: bool = False, quiet: bool = False) -> Mode:
    """Return the mode for the given options: what was asked for, else live on a terminal that can, else plain."""
    if json:
        return "json"
    if raw:
        return "raw"
    if quiet:
        return "quiet"
    return "live" if out.animated else "plain"


def open_display(
    *, mode: Mode, out: Terminal, err: Terminal, many: bool = False, announce_end: bool = True, mark: str = ""
) -> Display:
    """Return the display for `mode`; use it as a context manager.

    `out` and `err` are stdout and stderr. `many`: several jobs are followed, so each line says whose it is.
    `announce_end`: say on stderr how each job ended; `run` does not, because its summary follows.
    `mark`: a text to make visible in messages, where there is colour.
    """
    if mode == "live":
        from quaero_cli.terminal.live import LiveDisplay

        return LiveDisplay(out, err, many=many, announce_end=announce_end, mark=mark)
    if mode == "json":
        from quaero_cli.terminal.ndjson import JsonDisplay

        return JsonDisplay(out, err)
    from quaero_cli.terminal.plain import PlainDisplay, QuietDisplay, RawDisplay

    if mode == "raw":
        return RawDisplay(out, err)
    if mode == "quiet":
        return QuietDisplay(out, err)
    return PlainDisplay(out, err, many=many, announce_end=announce_end, mark=mark)


def terminals(
    out: TextIO, err: TextIO, env: Mapping[str, str], *, color: bool | None = None
) -> tuple[Terminal, Terminal]:
    """Return stdout and stderr as terminals that follow `env`; `color` overrules it where given."""
    return Terminal(out, env, color=color), Terminal(err, env, color=color)
