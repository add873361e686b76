"""The log that steps and workers are handed: makes entries of what they say, and emits them.

A message is at most 64 KiB; a longer one is split here, its pieces marked with the field `continued` (all but the
last). Its fields are at most 64 KiB together; longer ones are cut (see `bounds`). A secret place for cleverness this
is not: 400,000 lines a second pass through `write`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from quaero_cli.engine.bounds import bounded
from quaero_cli.engine.lines import Piece
from quaero_cli.masking.mask import Mask
from quaero_cli.model import MAX_ENTRY_BYTES, Fact, Level, LogLine, LogLines, Originator
from quaero_cli.plaindata import as_of_now, text_of

# Longest UTF-8 of a character: below a quarter of the limit no message needs to be measured.
_SURELY_FITS = MAX_ENTRY_BYTES // 4
# The levels as plain integers: SQLite takes one at once, and looks for an adapter for a member of an enumeration,
# which doubles the cost of a row (measured: 3 us).
_DEBUG, _INFO, _WARN, _ERROR = (int(level) for level in (Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR))
_KNOWN = {level: level for level in (_DEBUG, _INFO, _WARN, _ERROR)}

_CONTINUED = {"continued": True}
# Lines from which on one fact for all of them costs the store less than one for each.
_MANY = 8

# What LogLine's own constructor does, without its arguments' way through a second call (measured: 400 -> 150 ns).
_new = tuple.__new__


class JobLog:
    """A log of one originator: the runner's own, a step's or a worker's. Any thread may use it."""

    __slots__ = (
        "__weakref__",
        "_emit",
        "_heard",
        "_job",
        "_mask",
        "_originator",
        "_source",
        "_step",
        "_takes_lines",
        "_worker",
    )

    def __init__(
        self,
        emit: Callable[[Fact], None],
        job: str | None,
        *,
        step: str | None = None,
        worker: int | None = None,
        source: str = "",
        heard: Callable[[str], None] | None = None,
        mask: Mask | None = None,
        takes_lines: bool = False,
    ) -> None:
        """Log for `job`; `heard` is called with each message (the idle timeout listens, and who waits for a line).

        `mask` hides secrets before a message is split or a field is cut; `emit` masks the rest (see `masked`).
        `takes_lines`: it takes LogLines, too.
        """
        self._emit = emit
        self._takes_lines = takes_lines
        self._job = job
        self._step = step
        self._worker = worker
        self._source = source
        self._heard = heard
        self._mask = mask
        self._originator: Originator = "worker" if worker is not None else "step" if step is not None else ""

    def close(self) -> None:
        """The job has ended: what a thread that was left behind still says reaches nobody."""
        self._emit = _nobody

    def debug(self, message: str, /, **fields: object) -> None:
        """Log at level debug."""
        self._say(_DEBUG, message, fields)

    def info(self, message: str, /, **fields: object) -> None:
        """Log at level info."""
        self._say(_INFO, message, fields)

    def warn(self, message: str, /, **fields: object) -> None:
        """Log at level warn."""
        self._say(_WARN, message, fields)

    def error(self, message: str, /, **fields: object) -> None:
        """Log at level error."""
        self._say(_ERROR, message, fields)

    def _say(self, level: int, message: str, fields: Mapping[str, Any]) -> None:
        """Log at a known level: at once what most lines are, short and without fields."""
        if fields or type(message) is not str or len(message) > _SURELY_FITS:
            self.write(level, message, fields=fields)
            return
        now = time.time_ns() // 1000
        if self._heard is not None:
            self._heard(message)
        line = (self._job, self._step, self._worker, now, level, message, self._originator, self._source, None)
        self._emit(_new(LogLine, line))

    def write(
        self, level: int, message: str, *, source: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> None:
        """Log at any level, under another source. A level between two known ones counts as the lower."""
        known = _KNOWN.get(level)
        if known is None:
            known = max((each for each in _KNOWN if each <= level), default=_DEBUG)
        if not isinstance(message, str):
            message = text_of(message)
        fields = bounded(as_of_now(fields), self._mask) if fields else None
        now = time.time_ns() // 1000
        where = self._source if source is None else source
        if self._heard is not None:
            self._heard(message)
        if len(message) > _SURELY_FITS:
            if self._mask is not None:
                message = self._mask.text(message)
            *pieces, message = split_message(message)
            for piece in pieces:
                self._put(now, known, piece, where, {**(fields or {}), "continued": True})
        self._put(now, known, message, where, fields)

    def write_pieces(self, level: int, pieces: Sequence[Piece], source: str) -> None:
        """Log what a child printed at once: each piece is at most 64 KiB, and masked. They share one moment."""
        now = time.time_ns() // 1000
        texts, continued = zip(*pieces, strict=True)
        if self._heard is not None:
            for text in texts:
                self._heard(text)
        if self._takes_lines and len(texts) >= _MANY and True not in continued:
            self._emit(LogLines(self._job, self._step, self._worker, now, level, texts, self._originator, source))
            return
        for text, goes_on in pieces:
            self._put(now, level, text, source, _CONTINUED if goes_on else None)

    def _put(self, now: int, level: int, message: str, source: str, fields: Mapping[str, Any] | None) -> None:
        line = (self._job, self._step, self._worker, now, level, message, self._originator, source, fields)
        self._emit(_new(LogLine, line))


def _nobody(fact: Fact) -> None:
    """Take a fact that comes too late."""


def split_message(message: str) -> list[str]:
    """Return `message` in pieces of at most 64 KiB of UTF-8 each; joined they are the message."""
    if len(message.encode(errors="backslashreplace")) <= MAX_ENTRY_BYTES:
        return [message]
    return [message[start : start + _SURELY_FITS] for start in range(0, len(message), _SURELY_FITS)]
