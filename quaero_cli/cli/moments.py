"""Moments and lengths of time as people write them: `10m` ago, `10:30`, a time of ISO 8601; `90`, `1m30s`."""

import re
import time
from datetime import date, datetime
from datetime import time as time_of_day

from quaero_cli.errors import UsageError

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)", re.ASCII)
_WHOLE = re.compile(f"(?:{_PART.pattern})+", re.ASCII)


def parse_cursor(text: str, epoch: str) -> int | None:
    """Return the id of a cursor of the store with this epoch; None for any other text."""
    prefix, dash, number = text.rpartition("-")
    usable = dash and prefix == epoch and number.isascii() and number.isdigit() and len(number) < 19
    return int(number) if usable else None


def parse_moment(text: str) -> int:
    """Return microseconds since 1970. Without a zone a time is local, without a date it is today's.

    Raises UsageError.
    """
    ago = _length(text)
    if ago is not None:
        return time.time_ns() // 1000 - int(ago * 1_000_000)
    try:
        return int(_moment(text).timestamp() * 1_000_000)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"--since: {text!r} is no cursor of this store, no age and no time",
            hint="give 10m, 2h, 10:30, 2026-01-15T10:30:00, or a cursor that tail printed",
        ) from error


def parse_timeout(text: str) -> float:
    """Return seconds: those of a bare number, or of a length of time like `10m`. Raises UsageError."""
    seconds = _length(text)
    if seconds is None and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text, re.ASCII):
        seconds = float(text)
    if seconds is None:
        raise UsageError(f"--timeout: {text!r} is no length of time", hint="give seconds, or a length like 10m or 2h")
    return seconds


def _length(text: str) -> float | None:
    if not _WHOLE.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def _moment(text: str) -> datetime:
    if len(text) <= len("10:30:45.123456") and ":" in text:
        return datetime.combine(date.today(), time_of_day.fromisoformat(text))
    return datetime.fromisoformat(text)
