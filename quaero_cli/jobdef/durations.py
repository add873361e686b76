"""Durations as people write them: `10s`, `1.5h`, `2h30m`, `500ms`. A bare number has no unit and is refused."""

import re

from quaero_cli.jobdef.place import Place

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)"
_WHOLE = re.compile(f"(?:{_PART})+")
_HINT = 'write a number with its unit, such as "30s", "10m" or "2h30m" (units: ms s m h d)'

# Seconds in 366 days: nothing runs for longer, and timers stay far from their limits.
MAX_DURATION = 366 * 86400.0


def parse_duration(value: object, place: Place, *, positive: bool = False) -> float:
    """Return the seconds that `value` means. Raises the place's error; `positive` refuses zero, too."""
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise place.mismatch("a duration", value, hint=_HINT)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, value))
    if seconds > MAX_DURATION:
        raise place.mismatch("at most 366 days", value)
    if positive and seconds == 0:
        raise place.mismatch("longer than zero", value, hint="leave the key out for no limit")
    return seconds
