"""Sizes and ages as people write them: `2GB`, `500MiB`; `30d`, `12h`."""

import re

from quaero_cli.errors import UsageError
from quaero_cli.jobdef.sizes import size_of

_AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(s|m|h|d|w)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def parse_size(text: str, option: str) -> int:
    """Return bytes: `2GB` has powers of 1000, `2GiB` of 1024. Raises UsageError."""
    size = size_of(text)
    if size is None:
        raise UsageError(f"{option}: {text!r} is no size", hint="give a number with its unit: 500MB, 2GB, 1.5GiB")
    return size


def parse_age(text: str, option: str) -> float:
    """Return seconds: `30d`, `12h`, `2w`. Raises UsageError."""
    parts = _AGE.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise UsageError(f"{option}: {text!r} is no length of time", hint="give a number with its unit: 12h, 30d, 4w")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def shown_size(size: float) -> str:
    """Return bytes for people: `2.1 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
