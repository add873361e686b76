"""The log that steps and workers are handed: makes entries of what they say, and emits them.

An entry is at most 64 KiB; a longer message is split here, its pieces marked with the field `continued` (all but
the last). A secret place for cleverness this is not: 400,000 lines a second pass through `write`.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from quaero_cli.model import MAX_ENTRY_BYTES, Fact, Level, LogLine, Originator

# Longest UTF-8 of a character: below a quarter of the limit no message needs to be measured.
_SURELY_FITS = MAX_ENTRY_BYTES // 4
_KNOWN = frozenset(int(level) for level in Level)


class JobLog:
    """A log of one originator: the runner's own, a step's or a worker's. Any thread may use it."""

    __slots__ = ("_emit", "_heard", "_job", "_originator", "_source", "_step", "_worker")

    def __init__(
        self,
        emit: Callable[[Fact], None],
        job: str | None,
        *,
        step: str | None = None,
        worker: int | None = None,
        source: str = "",
        heard: Callable[[], None] | None = None,
    ) -> None:
        """Log for `job`; `heard` is called after each entry (the idle timeout listens)."""
        self._emit = emit
        self._job = job
        self._step = step
        self._worker = worker
        self._source = source
        self._heard = heard
        self._originator: Originator = "worker" if worker is not None else "step" if step is not None else ""

    def debug(self, message: str, /, **fields: object) -> None:
        """Log at level debug."""
        self.write(Level.DEBUG, message, fields=fields)

    def info(self, message: str, /, **fields: object) -> None:
        """Log at level info."""
        self.write(Level.INFO, message, fields=fields)

    def warn(self, message: str, /, **fields: object) -> None:
        """Log at level warn."""
        self.write(Level.WARN, message, fields=fields)

    def error(self, message: str, /, **fields: object) -> None:
        """Log at level error."""
        self.write(Level.ERROR, message, fields=fields)

    def write(
        self, level: int, message: str, *, source: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> None:
        """Log at any level, under another source. A level between two known ones counts as the lower."""
        if level not in _KNOWN:
            level = max((each for each in _KNOWN if each <= level), default=Level.DEBUG)
        if not isinstance(message, str):
            message = str(message)
        now = time.time_ns() // 1000
        where = self._source if source is None else source
        if len(message) <= _SURELY_FITS:
            self._put(now, level, message, where, fields or None)
        else:
            pieces = split_message(message)
            for piece in pieces[:-1]:
                self._put(now, level, piece, where, {**(fields or {}), "continued": True})
            self._put(now, level, pieces[-1], where, fields or None)
        if self._heard is not None:
            self._heard()

    def _put(self, now: int, level: int, message: str, source: str, fields: Mapping[str, Any] | None) -> None:
        self._emit(
            LogLine(self._job, self._step, self._worker, now, level, message, self._originator, source, fields)
        )


def split_message(message: str) -> list[str]:
    """Return `message` in pieces of at most 64 KiB of UTF-8 each; joined they are the message."""
    if len(message.encode(errors="backslashreplace")) <= MAX_ENTRY_BYTES:
        return [message]
    return [message[start : start + _SURELY_FITS] for start in range(0, len(message), _SURELY_FITS)]
