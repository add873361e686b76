"""When a definition fires, as UTC microseconds. Pure: given the schedule and a moment, the answer is the same."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from quaero_cli.jobdef.model import Schedule

SECOND = 1_000_000  # microseconds
MINUTE = 60 * SECOND

# Fires of one definition that are looked at after a long pause, the newest: 16 hours of one each minute. Every one of
# them may become a job.
MOST_DUE = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Due:
    """Fires of a stretch of time, oldest first. `more`: there were still older ones, which nobody counted."""

    fires: tuple[int, ...]
    more: bool = False


def next_fires(schedule: Schedule, after: int, count: int = 1) -> list[int]:
    """Return the next `count` fires later than `after`; fewer when there are no more within 50 years."""
    return list(islice(_fires(schedule, after), count))


def due_fires(schedule: Schedule, after: int, until: int) -> Due:
    """Return the fires later than `after` and not later than `until`: the newest `MOST_DUE` of them."""
    window = 24 * 60 * MINUTE
    while True:
        # A stretch that doubles backwards from its end: a year of fires is never counted to find the newest thousand.
        start = max(after, until - window)
        found = _between(schedule, start, until)
        if start == after:
            return found
        if found.more or len(found.fires) == MOST_DUE:
            return Due(found.fires, more=True)
        window *= 2


def _between(schedule: Schedule, after: int, until: int) -> Due:
    newest: deque[int] = deque(maxlen=MOST_DUE)
    more = False
    for fire in _fires(schedule, after):
        if fire > until:
            break
        more = more or len(newest) == MOST_DUE
        newest.append(fire)
    return Due(tuple(newest), more)


def _fires(schedule: Schedule, after: int) -> Iterator[int]:
    if not schedule.expressions:
        return
    from quaero_cli.jobdef.cron import fires, zone_of

    moment = _EPOCH + timedelta(microseconds=after)
    for fire in fires(schedule.expressions, zone_of(schedule.timezone), moment):
        yield (fire - _EPOCH) // timedelta(microseconds=1)
