"""The standard `logging` and the printed lines of whatever runs inside a step, as entries of that step.

How a record or a line finds its step: each step runs in a context of its own, where `_current` holds its sink. Tasks
and threads that Trio starts take their context with them, so two steps at once never mix. A thread that a library
starts by itself has no context; what it says goes to the one step that runs, and to none when there are several.

One handler is on the root logger while at least one step runs, and the root logger lets every level through for so
long: what a step's libraries say is stored, and hidden by the reader's level. Records of no step are left to the
other handlers; where there is none they go the way that Python gives them (warnings to stderr).
"""

import contextlib
import logging
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from quaero_cli.masking.mask import Mask
from quaero_cli.model import Level
from quaero_cli.plaindata import plain
from quaero_cli.pycall.printed import Lines, Replaced, Source
from quaero_cli.steps.contract import Log

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_current: ContextVar["Sink | None"] = ContextVar("quaero_python_step", default=None)


class Sink:
    """Where one step's records and lines go, until it is closed: an abandoned thread may go on talking after that."""

    def __init__(self, log: Log, mask: Mask | None) -> None:
        self._log = log
        self.closed = False
        self.printed: dict[Source, Lines] = {
            "stdout": Lines("stdout", self._take_line, mask),
            "stderr": Lines("stderr", self._take_line, mask),
        }

    def take(self, record: logging.LogRecord) -> None:
        """Write a record as an entry. Never raises on account of what is in it."""
        if not self.closed:
            self._log.write(_level(record.levelno), _message(record), source=record.name, fields=_fields(record))

    def close(self) -> None:
        """Take a last line without a newline, then nothing more."""
        for lines in self.printed.values():
            lines.finish()
        self.closed = True

    def _take_line(self, source: Source, line: str, continued: bool) -> None:
        # Level info, as a child's lines: programs write progress to stderr as well as errors.
        if not self.closed:
            self._log.write(Level.INFO, line, source=source, fields={"continued": True} if continued else None)


@contextlib.contextmanager
def captured(log: Log, mask: Mask | None = None) -> Iterator[Sink]:
    """Send to `log` what is logged and printed inside the block. Entered on the event loop's thread."""
    sink = Sink(log, mask)
    _handler.add(sink)
    token = _current.set(sink)
    try:
        yield sink
    finally:
        _current.reset(token)
        _handler.remove(sink)
        sink.close()


class _Handler(logging.Handler):
    """The one handler; it is on the root logger, and in the place of the streams, exactly while a sink is open."""

    def __init__(self) -> None:
        super().__init__()
        self._sinks: list[Sink] = []
        self._loop_thread = 0
        self._level_before = logging.WARNING
        self._streams = (Replaced("stdout", self._lines), Replaced("stderr", self._lines))

    def add(self, sink: Sink) -> None:
        root = logging.getLogger()
        if not self._sinks:
            self._loop_thread = threading.get_ident()
            self._level_before = root.level
            root.setLevel(logging.NOTSET)
            for stream in self._streams:
                stream.install()
        self._sinks.append(sink)
        if self not in root.handlers:  # first step, or `basicConfig(force=True)` in another took it away
            root.addHandler(self)

    def remove(self, sink: Sink) -> None:
        self._sinks.remove(sink)
        root = logging.getLogger()
        if not self._sinks:
            for stream in self._streams:
                stream.remove()
            root.removeHandler(self)
            if root.level == logging.NOTSET:  # nobody else has set it meanwhile
                root.setLevel(self._level_before)

    def _sink(self) -> Sink | None:
        sink = _current.get()
        if sink is None and len(self._sinks) == 1 and threading.get_ident() != self._loop_thread:
            return self._sinks[0]
        return sink

    def _lines(self, source: Source) -> Lines | None:
        sink = self._sink()
        return None if sink is None else sink.printed[source]

    def emit(self, record: logging.LogRecord) -> None:
        sink = self._sink()
        if sink is not None:
            sink.take(record)
        elif logging.getLogger().handlers == [self]:
            last = logging.lastResort
            if last is not None and record.levelno >= last.level:
                last.handle(record)


_handler = _Handler()


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return Level.ERROR
    if number >= logging.WARNING:
        return Level.WARN
    return Level.INFO if number >= logging.INFO else Level.DEBUG


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # arguments that do not fit, or a value whose text cannot be made
        return f"{record.msg!r} (its arguments do not fit: {type(error).__name__}: {error})"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = {name: plain(value) for name, value in vars(record).items() if name not in _STANDARD}
    if record.exc_info and record.exc_info[0] is not None:
        fields["exception"] = logging.Formatter().formatException(record.exc_info)
    elif record.exc_text:
        fields["exception"] = record.exc_text
    if record.stack_info:
        fields["stack"] = record.stack_info
    return fields
