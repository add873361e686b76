"""Moments as people write them: `10m` ago, or a time of ISO 8601."""

import re
import time
from datetime import datetime

from quaero_cli.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGO = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)


def parse_moment(text: str) -> int:
    """Return microseconds since 1970. Without a zone a time is local. Raises UsageError."""
    ago = _AGO.fullmatch(text)
    if ago:
        return time.time_ns() // 1000 - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1_000_000)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"--since: {text!r} is no cursor of this store, no age and no time",
            hint="give 10m, 2h, 2026-01-15T10:30:00, or a cursor that tail printed",
        ) from error
