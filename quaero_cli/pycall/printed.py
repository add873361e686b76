"""What a step's function prints, line by line: `sys.stdout` and `sys.stderr` while steps run. Knows no log.

stdout belongs to the command line: a script that reads `quaero run --json` would stumble over a `print` in a step,
and a live display would be torn. So each stream is replaced by one that asks, at each write, whose text this is. Text
of nobody (quaero's own) goes where it always went; whoever holds the real stream, as the displays do, is not
concerned. Bytes written below Python's streams (`sys.stdout.buffer`, a C library's printf) cannot be told apart and
are left alone.
"""

import sys
import threading
from collections.abc import Callable
from typing import Any, Literal, TextIO

from quaero_cli.masking.mask import Mask

Source = Literal["stdout", "stderr"]
# Takes (source, text, continued): a line without its newline; `continued` marks a long one's pieces but the last.
OnLine = Callable[[Source, str, bool], None]

# Characters that are kept of a line without an end; four bytes each at most, so a piece fits into one entry.
MAX_PIECE = 16 * 1024


class Lines:
    """Joins what is printed to lines. Any thread may write. `mask` hides secrets before a long line is cut."""

    def __init__(self, source: Source, on_line: OnLine, mask: Mask | None = None) -> None:
        self._source: Source = source
        self._on_line = on_line
        self._mask = None if mask is None else mask.text_stream()
        self._unfinished = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Take a text; hand over the lines that are complete now."""
        with self._lock:
            self._take(text if self._mask is None else self._mask.feed(text))

    def _take(self, text: str) -> None:
        *lines, rest = (self._unfinished + text).split("\n")
        for line in lines:
            self._on_line(self._source, line.removesuffix("\r"), False)
        while len(rest) > MAX_PIECE:
            self._on_line(self._source, rest[:MAX_PIECE], True)
            rest = rest[MAX_PIECE:]
        self._unfinished = rest

    def finish(self) -> None:
        """Hand over a last line without a newline."""
        with self._lock:
            if self._mask is not None:
                self._take(self._mask.finish())
            if self._unfinished:
                self._on_line(self._source, self._unfinished, False)
                self._unfinished = ""


class Replaced:
    """Stands in for one of Python's standard streams between `install` and `remove`."""

    def __init__(self, source: Source, find: Callable[[Source], Lines | None]) -> None:
        """`find` says whose text is being written right now; None: nobody's, it goes to the real stream."""
        self._source: Source = source
        self._find = find
        self._real: TextIO = getattr(sys, source)

    def install(self) -> None:
        """Take the stream's place."""
        self._real = getattr(sys, self._source)
        setattr(sys, self._source, self)

    def remove(self) -> None:
        """Give the place back, unless somebody else has taken it meanwhile."""
        if getattr(sys, self._source) is self:
            setattr(sys, self._source, self._real)

    def write(self, text: str) -> int:
        """Write a text, as `print` does."""
        lines = self._find(self._source)
        if lines is None:
            return self._real.write(text)
        lines.write(text)
        return len(text)

    def writelines(self, texts: Any) -> None:  # noqa: ANN401  # whatever a stream's own takes
        """Write several texts."""
        for text in texts:
            self.write(text)

    def isatty(self) -> bool:
        """Return false while a step writes: nobody should draw progress bars into a log."""
        return self._find(self._source) is None and self._real.isatty()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the real stream has
        return getattr(self._real, name)
