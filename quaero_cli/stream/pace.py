"""When a reader is told the next batch, status or ping. Pure: times are handed in.

An entry goes out at once when nothing was sent within the batch interval; otherwise what has gathered goes out when
the interval is over, or earlier at 2,000 entries or 256 KiB. A change of a state flushes. Progress follows at the
pace of batches, mere counts once a second. A backlog is sent without pauses.
"""

from dataclasses import dataclass

from quaero_cli.store.entries import BYTE_LIMIT

BATCH_INTERVAL = 0.15  # seconds
BATCH_ENTRIES = 2000
PING_AFTER = 5.0  # seconds in which nothing else was sent
# Looks in one interval while something is held back: enough for a change of a state to go out "at once", and a third
# of what a busy job's commits would cause.
_LOOKS = 6
# Readers beyond which one look in an interval has to do, so that the interval can be kept: a look costs 50 us.
CROWD = 50
COUNTS_INTERVAL = 1.0  # seconds between status events that bring nothing but new counts


@dataclass(slots=True)
class Pace:
    """When the next batch, status or ping is due. Times are of trio's clock, in seconds."""

    interval: float
    ping_after: float | None
    sent_at: float = float("-inf")  # of anything
    status_at: float = float("-inf")
    looked_at: float = float("-inf")
    backlog: bool = False  # more is stored than was read
    held_entries: bool = False
    held_progress: bool = False
    held_counts: bool = False

    def ready(self, now: float) -> tuple[bool, float]:
        """Return whether to look again at once, and otherwise until when to wait for a wake-up."""
        deadline = float("inf")
        if self.ping_after is not None:
            deadline = self.sent_at + self.ping_after
        if self.held_entries:  # states wait for the entries before them, however long they have been due
            deadline = min(deadline, self._interval_over())
        elif self.held_progress:
            deadline = min(deadline, self.status_at + self.interval)
        elif self.held_counts:
            deadline = min(deadline, self._counts_at())
        return self.backlog or now >= deadline, deadline

    def look_at(self, now: float, readers: int = 1) -> float:
        """Return when to look after a wake-up: at once; but while nothing could go out, on a grid that all share.

        Then a look is for changes of states alone. Where entries could go out and only states are held, the first
        look is at once, and the others keep the same distance. `readers`: how many there are in this process.
        """
        held = self.held_entries or self.held_progress or self.held_counts
        is_over = now >= self._interval_over()
        if self.interval == 0 or (is_over and not held):
            return now
        gap = self.interval / (_LOOKS if readers <= CROWD else 1)
        if is_over and not self.held_entries and readers <= CROWD:
            return max(now, self.looked_at + gap)
        return (now // gap + 1) * gap

    def _interval_over(self) -> float:
        """Return when the next batch is due: on a grid that all readers share, so that they share its looks, too."""
        if self.sent_at == float("-inf") or self.interval == 0:
            return self.sent_at
        return (self.sent_at // self.interval + 1) * self.interval

    def _counts_at(self) -> float:
        """Return when mere counts are due: on a grid, too, so that readers who were apart are told the same again."""
        if self.status_at == float("-inf"):
            return self.status_at
        return (self.status_at // COUNTS_INTERVAL + 1) * COUNTS_INTERVAL

    def counts_due(self, now: float) -> bool:
        """Return whether a status event that brings nothing but new counts goes out now."""
        return now >= self._counts_at()

    def entries_due(self, now: float, number: int, size: int) -> bool:
        """Return whether gathered entries go out now."""
        full = number >= BATCH_ENTRIES or size >= BYTE_LIMIT
        return number > 0 and (full or self.backlog or now >= self._interval_over())

    def ping_due(self, now: float) -> bool:
        """Return whether the silence has lasted."""
        return self.ping_after is not None and now >= self.sent_at + self.ping_after
