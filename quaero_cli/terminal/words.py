"""Facts as short words: durations, times, counts. Pure; the present is always handed in.

Times come as the wire protocol's strings (`2026-01-15T10:30:45.123Z`) and as seconds since 1970 (`now`).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from quaero_cli.model import Counts, StepView, WorkerCounts
from quaero_cli.stream.events import Gap

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MILLISECONDS_BELOW = 100
# Below this a duration has tenths of a second: above it they only flicker.
_TENTHS_BELOW_S = 10
# Older than this, a date says more than a number of days.
_DATE_AFTER_S = 30 * _DAY


def seconds_of(timestamp: str) -> float:
    """Return a timestamp as seconds since 1970."""
    return datetime.fromisoformat(timestamp).timestamp()


def duration(seconds: float) -> str:
    """Return a length of time in at most two units: `17ms`, `0.4s`, `41s`, `1m 23s`, `2h 05m`, `3d 04h`."""
    milliseconds = round(max(0.0, seconds) * 1000)  # times have no more digits
    if milliseconds < _MILLISECONDS_BELOW:
        return f"{milliseconds}ms"
    whole = milliseconds // 1000
    if whole < _TENTHS_BELOW_S:  # cut off, as the viewer does: what is shown has passed
        return f"{whole}.{milliseconds % 1000 // 100}s"
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02d}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR:02d}h"


def elapsed(started_at: str | None, finished_at: str | None, now: float) -> str:
    """Return how long something took or has been running; empty when it has not started."""
    if started_at is None:
        return ""
    end = seconds_of(finished_at) if finished_at else now
    return duration(end - seconds_of(started_at))


def ago(timestamp: str, now: float) -> str:
    """Return how long ago: `just now`, `41s ago`, `5m ago`, `2h ago`, `3d ago`, then the date (UTC)."""
    age = now - seconds_of(timestamp)
    if age < 1:
        return "just now"
    if age > _DATE_AFTER_S:
        return timestamp[:10]
    for unit, size in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if age >= size:
            return f"{int(age // size)}{unit} ago"
    return f"{int(age)}s ago"


def ahead(timestamp: str, now: float) -> str:
    """Return how far off: `now`, `in 41s`, `in 5m`, `in 2h 05m`, `in 3d 04h`, then the date (UTC)."""
    left = seconds_of(timestamp) - now
    if left < 1:
        return "now"
    if left > _DATE_AFTER_S:
        return timestamp[:10]
    minutes = _MINUTE <= left < _HOUR
    return f"in {int(left // _MINUTE)}m" if minutes else f"in {duration(int(left))}"


def local_time(timestamp: str, tz: tzinfo | None = None) -> str:
    """Return a timestamp as `2026-01-15 10:30:45` in `tz` (None: this machine's)."""
    return f"{datetime.fromisoformat(timestamp).astimezone(tz):%Y-%m-%d %H:%M:%S}"


def utc_timestamp(now: float) -> str:
    """Return seconds since 1970 in the wire protocol's shape."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 error`, `1,201 entries`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def aligned(number: int, one: str, many: str) -> str:
    """Return a count whose number stands right above that of the next line, singular or not; nothing for none."""
    return f"{number:,} {one if number == 1 else many:<{len(many)}}" if number else ""


def entries(number: int) -> str:
    """Return `1,201 entries`."""
    return count(number, "entry", "entries")


def total(counts: Counts) -> int:
    """Return the number of entries of all levels."""
    return counts["debug"] + counts["info"] + counts["warn"] + counts["error"]


def summed(steps: Iterable[StepView]) -> Counts:
    """Return the counts of all steps together."""
    result = Counts(debug=0, info=0, warn=0, error=0)
    for step in steps:
        for level in ("debug", "info", "warn", "error"):
            result[level] += step["counts"][level]
    return result


def workers(counts: WorkerCounts) -> str:
    """Return a finished step's workers, `105 completed, 2 failed`: states that no worker is in are left out."""
    named = [
        (counts["completed"], "completed"),
        (counts["failed"], "failed"),
        (counts["cancelled"], "cancelled"),
        (counts["running"], "running"),
        (counts["pending"], "pending"),
    ]
    return ", ".join(f"{number:,} {state}" for number, state in named if number)


def worker_total(counts: WorkerCounts) -> int:
    """Return the number of workers in all states."""
    return counts["pending"] + counts["running"] + counts["completed"] + counts["failed"] + counts["cancelled"]


def gap(event: Gap) -> str:
    """Return a gap in a stream as words."""
    reason = "the reader was too far behind" if event.reason == "lag" else "they were deleted by retention"
    where = f" of {event.job_id}" if event.job_id else ""
    return f"{entries(event.count)}{where} not shown: {reason}"
