"""What a stream can show, decided in one place, and the one way of writing to it.

`Terminal` wraps an output stream. It is built from the stream and an environment mapping (the command line hands
in the real one), and everything else asks it: is this a TTY, may there be colour, how large is it now. `NO_COLOR`,
`FORCE_COLOR`, `TERM=dumb`, `COLUMNS` and `LINES` are read here and nowhere else.

Writing goes straight to the file descriptor, whole, with one call per batch: a parent that has set the descriptor
to non-blocking loses us nothing, and a reader that has gone is reported at once, as BrokenPipeError, instead of
when the interpreter exits. A terminal that was closed is such a reader.
"""

import contextlib
import errno
import os
import select
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from quaero_cli.errors import OutputError
from quaero_cli.terminal.ci import Folding, folding_for
from quaero_cli.terminal.echo import Echo
from quaero_cli.terminal.palette import Paint

if TYPE_CHECKING:
    from rich.console import Console

# When nobody knows the size: that of a VT100, as everywhere.
_FALLBACK = (80, 24)
_STDERR = 2


class Terminal:
    """An output stream with what it can show. Not thread-safe; may be used from any one thread at a time."""

    def __init__(
        self, stream: TextIO, env: Mapping[str, str], *, color: bool | None = None, tty: bool | None = None
    ) -> None:
        """Look at `stream`. `color` and `tty`, where given, overrule what the stream and `env` say."""
        self._stream = stream
        self._fd = _descriptor(stream)
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._env = env
        self.tty = stream.isatty() if tty is None else tty
        self.dumb = env.get("TERM", "") in ("dumb", "unknown")
        self.color = self._wants_color() if color is None else color
        self.unicode = self._encoding.lower().replace("-", "").startswith("utf")
        self.paint = Paint(color=self.color)
        self.echo = Echo(self._fd if self.tty else None)

    @property
    def animated(self) -> bool:
        """Whether the cursor can be moved, so that a live region is possible."""
        return self.tty and not self.dumb

    @property
    def foreground(self) -> bool:
        """Whether the screen is ours: not when the shell has put us in the background."""
        if self._fd is None or not self.tty:
            return True
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:  # not our controlling terminal: nobody else is in the foreground of it
            return True

    @property
    def folding(self) -> Folding | None:
        """How lines are grouped for the CI service that shows this output; None where there is none, and in files."""
        if self.tty or (self._fd is not None and stat.S_ISREG(os.fstat(self._fd).st_mode)):
            return None
        return folding_for(self._env)

    @property
    def reflows(self) -> bool:
        """Whether it wraps old lines anew when its width changes. All do, but for a few that tell who they are."""
        if "TMUX" in self._env:
            return True
        return self._env.get("TERM") != "linux" and not {"XTERM_VERSION", "STY"} & self._env.keys()

    @property
    def width(self) -> int | None:
        """Columns to fit pages into; None for a pipe or a file, where nothing is cut, unless `COLUMNS` is set."""
        return self.size()[0] if self.tty or _positive(self._env, "COLUMNS") else None

    def size(self) -> tuple[int, int]:
        """Return columns and rows as they are at this moment."""
        real = self._real_size()
        columns, rows = _positive(self._env, "COLUMNS"), _positive(self._env, "LINES")
        if real is None:
            return columns or _FALLBACK[0], rows or _FALLBACK[1]
        # More than there is would wrap every line of a live region.
        return min(columns or real[0], real[0]), min(rows or real[1], real[1])

    def write(self, text: str) -> None:
        """Write all of `text`, now. Raises BrokenPipeError when the reader has gone, OutputError for a full disk.

        To stderr it raises neither: words that nobody can read are lost, and the exit code goes on to tell the truth.
        """
        if not text:
            return
        if self._fd is None:
            self._stream.write(text)
            self._stream.flush()
            return
        try:
            self._stream.flush()  # what others have printed comes first
            _write_all(self._fd, text.encode(self._encoding, "backslashreplace"))
        except OSError as error:
            if self._fd == _STDERR:
                return
            if isinstance(error, BrokenPipeError):
                raise
            if error.errno == errno.EIO and stat.S_ISCHR(os.fstat(self._fd).st_mode):  # a terminal that was closed
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
            raise OutputError(
                f"stdout cannot be written: {error.strerror}", hint="is there room where it goes?"
            ) from error

    def write_at_once(self, text: str) -> None:
        """Write a few characters if that is possible without waiting; for a process that leaves. Never raises."""
        with contextlib.suppress(OSError, ValueError):
            if self._fd is not None and select.select([], [self._fd], [], 0)[1]:
                os.write(self._fd, text.encode(self._encoding, "backslashreplace"))

    def rich(self) -> "Console":
        """Return a Rich console that makes the same decisions. For rendering only: Rich never writes here."""
        from rich.console import Console

        columns, rows = self.size()
        return Console(
            file=self._stream,
            force_terminal=self.tty,
            color_system="standard" if self.color else None,
            no_color=not self.color,
            width=columns,
            height=rows,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ={},
        )

    def _wants_color(self) -> bool:
        if self._env.get("NO_COLOR"):
            return False
        if self._env.get("FORCE_COLOR", "0") not in ("", "0"):
            return True
        return self.animated

    def _real_size(self) -> tuple[int, int] | None:
        if self._fd is None:
            return None
        try:
            columns, rows = os.get_terminal_size(self._fd)
        except OSError:  # not a terminal
            return None
        return (columns, rows) if columns > 0 and rows > 0 else None


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):  # in memory, closed, or a stand-in
        return None


def _positive(env: Mapping[str, str], name: str) -> int | None:
    value = env.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and int(value) > 0 else None


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # somebody who shares the terminal has made it non-blocking
            select.select([], [fd], [])
