"""A log entry as a line of text, for terminals, pipes and files alike::

    10:30:45.123 INFO  fetch-17 [worker]  Fetched /a.html  status=200 duration_ms=41

Time, level, whose it is (the worker or step, with the originator's tag), message, fields. A `LineFormat` makes whole
batches at once: this is the path that has to carry tens of thousands of entries a second, so everything that can be
is looked up, and colours are ready-made sequences.

One entry is one line, unless its message or a field has several (a traceback, usually): the others follow with a
bar before them, so that no message can pass itself off as an entry. All text from the log goes through `clean`.
"""

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Literal

from quaero_cli.model import LEVELS, Entry, StepView
from quaero_cli.terminal import words
from quaero_cli.terminal.cells import cells
from quaero_cli.terminal.clean import clean, clean_lines, flat
from quaero_cli.terminal.fields import inline_fields
from quaero_cli.terminal.palette import Paint, origin_style

Clock = Literal["utc", "local"]

_LEVEL_WIDTH = 5
# Origins are padded to the longest one met, so that messages align; a longer one than this stands out instead.
_MAX_ORIGIN_WIDTH = 30
# A terminal of less than this is no place for milliseconds and tags: a worker's number tells that it is one.
_COMPACT_BELOW = 80
# Looks of this many origins (workers, mostly) are remembered; then the table starts afresh.
_MAX_REMEMBERED = 4096


class LineFormat:
    """Makes lines of entries. Remembers the widths it has met, so one is kept for as long as an output lasts."""

    def __init__(
        self,
        paint: Paint,
        *,
        clock: Clock = "utc",
        tz: tzinfo | None = None,
        today: str = "",
        jobs: bool = False,
        unicode: bool = True,
        mark: str = "",
    ) -> None:
        """Set what lines look like.

        `clock`: `utc` gives whole timestamps as they are stored; `local` the time of day in `tz` (None: this
        machine's), with a line of its own for each date other than `today`. `jobs`: put the job's ID first. `mark`:
        show where messages have this text, in whatever case, if there is colour to do so.
        """
        self._paint = paint
        self._stamp = _LocalTime(paint, tz, today) if clock == "local" else None
        self._jobs = jobs
        self._bar = "│" if unicode else "|"
        self._mark = re.compile(f"({re.escape(clean(mark))})", re.IGNORECASE) if mark and paint.color else None
        self._levels = {name: paint(name, f"{name.upper():<{_LEVEL_WIDTH}}") for name in LEVELS}
        self._origins: dict[tuple[str, str], str] = {}
        self._origin_width = 0
        self._compact = False
        self._prefixes: dict[str, str] = {}

    def fit(self, columns: int) -> None:
        """Leave out what a terminal of so many columns has no room for. Lines are never cut: terminals wrap them."""
        if self._compact != (columns < _COMPACT_BELOW):
            self._compact = not self._compact
            known = list(self._origins)
            self._origin_width = 0
            self._origins.clear()
            for name, originator in known:  # the columns stand as they stood, but for what is left out
                self._add_origin(name, originator)
            if self._stamp is not None:
                self._stamp.end = 19 if self._compact else 23

    def expect(self, name: str, originator: str) -> None:
        """Leave room for an origin that has not logged yet."""
        self._add_origin(name, originator)

    def expect_steps(self, steps: Sequence[StepView]) -> None:
        """Leave room for the longest origin that the entries of these steps may have."""
        for step in steps:
            number = words.worker_total(step["workers"])
            self.expect(*(f"{step['name']}-{number}", "worker") if number else (step["name"], "step"))

    def batch(self, entries: Sequence[Entry]) -> str:
        """Return the lines of `entries` in their order, each with its newline."""
        line = self.line
        return "".join([line(entry) for entry in entries])

    def line(self, entry: Entry) -> str:
        """Return the line (or lines) of one entry, with a newline at the end."""
        timestamp = entry["timestamp"]
        prefix = self._prefix(entry.get("job_id", "")) if self._jobs else ""
        if self._stamp is None:
            date, stamp = "", self._paint("muted", clean(timestamp))
        else:
            date, stamp = self._stamp(timestamp)
        level = entry["level"]
        word = self._levels.get(level) or clean(f"{level.upper():<{_LEVEL_WIDTH}}")
        key = (entry.get("worker") or entry.get("step_name") or "", entry["originator"])
        origin = self._origins.get(key)
        if origin is None:
            origin = self._add_origin(*key)
        first, *more = clean_lines(entry["message"]) or [""]
        if self._mark is not None:
            style = "red" if level == "error" else ""
            first, *more = self._marked(first, style), *[self._marked(line, "") for line in more]
        elif level == "error":
            first = self._paint("red", first)
        tail = ""
        if fields := entry.get("fields"):
            tail, blocks = inline_fields(fields)
            tail = self._paint("muted", tail)
            more += blocks
        text = f"{date}{prefix}{stamp} {word} {origin}{first}{tail}\n"
        return text + self._continued(more, prefix) if more else text

    def _continued(self, lines: Sequence[str], prefix: str) -> str:
        margin = f"{prefix}    {self._paint('muted', self._bar)} "
        return "".join([f"{margin}{line}\n" for line in lines])

    def _marked(self, line: str, style: str) -> str:
        """Return a clean line in `style`, with every match in its own."""
        assert self._mark is not None
        pieces = self._mark.split(line)  # every second one is a match
        return "".join([self._paint("match" if index % 2 else style, each) for index, each in enumerate(pieces)])

    def _prefix(self, job_id: str) -> str:
        known = self._prefixes.get(job_id)
        if known is None:
            text = flat(job_id)
            known = f"{self._paint(origin_style(text), text)} {self._paint('muted', self._bar)} "
            self._prefixes[job_id] = known
        return known

    def _add_origin(self, name: str, originator: str) -> str:
        name, tag = flat(name), f"[{flat(originator)}]" if originator and not self._compact else ""
        space = " " if name and tag else ""
        width = cells(name) + len(space) + cells(tag)
        self._widen(width)
        if len(self._origins) >= _MAX_REMEMBERED:
            self._origins.clear()
        padding = " " * max(2, self._origin_width - width + 2) if self._origin_width or width else ""
        step = name.rpartition("-")[0] if originator == "worker" else name
        look = f"{self._paint(origin_style(step), name)}{space}{self._paint('muted', tag)}{padding}"
        self._origins[name, originator] = look
        return look

    def _widen(self, width: int) -> None:
        if self._origin_width < width <= _MAX_ORIGIN_WIDTH:
            self._origin_width = width
            self._origins.clear()  # their padding is too narrow now


class _LocalTime:
    """Times of day in a time zone. Looked up by the minute: offsets from UTC are whole minutes."""

    def __init__(self, paint: Paint, tz: tzinfo | None, today: str) -> None:
        self._paint = paint
        self._tz = tz
        self._date = today
        self.end = 23  # of the timestamp: up to its milliseconds
        self._minute = ""
        self._local = ""

    def __call__(self, timestamp: str) -> tuple[str, str]:
        """Return a line for the date (empty when it is that of the entry before) and the time with milliseconds."""
        date = ""
        if timestamp[:16] != self._minute:
            local = datetime.fromisoformat(timestamp).astimezone(self._tz)
            self._minute, self._local = timestamp[:16], f"{local:%H:%M}"
            if self._date != (today := f"{local:%Y-%m-%d}"):
                self._date, date = today, self._paint("muted", today) + "\n"
        return date, self._paint("muted", clean(f"{self._local}{timestamp[16 : self.end]}"))
