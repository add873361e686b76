"""What a follower tells its reader, in the order in which it happened. Frozen; every event carries its cursor.

`cursor` is the id of the last entry *considered*: filtered entries move it, too. A reader that comes back with it
misses nothing and sees nothing twice.
"""

from dataclasses import dataclass
from typing import Literal

from quaero_cli.model import Counts, LogsView, StatusView


@dataclass(frozen=True, slots=True)
class Logs:
    """A batch of entries, oldest first, with exact counts. Empty only as the first one of a connection."""

    view: LogsView
    cursor: int


@dataclass(frozen=True, slots=True)
class StatusChange:
    """State of one job and its steps: comes after every entry that was stored before the change."""

    view: StatusView
    cursor: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Nothing happened for a while; the cursor may have moved over filtered entries."""

    cursor: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A finished job has been delivered whole."""

    job_id: str
    status: str
    counts: Counts
    cursor: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries that will not come: `lag` (the reader asked to be moved ahead) or `retention` (they were deleted)."""

    job_id: str | None
    from_id: int
    to_id: int
    count: int
    reason: Literal["lag", "retention"]
    cursor: int


StreamEvent = Logs | StatusChange | Ping | Ended | Gap
