"""The one loop that every reader is: `tail`, `run`'s own output and the SSE stream.

A reader is a cursor. Its loop: take the waiter, look (one snapshot: entries after the cursor, then states), tell,
wait. No queue exists, so none can overflow; a slow reader only falls behind. Because entries and states come from
the same snapshot, and states are told only when no entry of that snapshot is left, a finished status never overtakes
the last line.

When to tell (`_Pace` decides, purely): an entry goes out at once when nothing was sent within the batch interval;
otherwise what has gathered goes out when the interval is over, or earlier at 2,000 entries or 256 KiB. A change of a
state flushes. Progress follows at the pace of batches, mere counts once a second. A backlog is sent without pauses.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from quaero_cli.model import Entry, LogQuery, LogsView, Meta, Status, StatusView
from quaero_cli.store.entries import BYTE_LIMIT, Places
from quaero_cli.store.reader import Look, Reader, open_reader
from quaero_cli.store.scope import Scope
from quaero_cli.stream.events import Ended, Logs, Ping, StatusChange, StreamEvent
from quaero_cli.stream.looks import SharedLooks
from quaero_cli.stream.wakeups import Wakeups

BATCH_INTERVAL = 0.15  # seconds
BATCH_ENTRIES = 2000
PING_AFTER = 5.0  # seconds in which nothing else was sent
_READS = trio.CapacityLimiter(4)  # threads for first looks; steps may fill the common ones
COUNTS_INTERVAL = 1.0  # seconds between status events that bring nothing but new counts


async def follow(
    path: Path,
    wakeups: Wakeups,
    query: LogQuery,
    *,
    limit: int = 100,
    after: int | None = None,
    batch_interval: float = BATCH_INTERVAL,
    ping_after: float | None = PING_AFTER,
    live: bool = True,
) -> AsyncGenerator[StreamEvent, None]:
    """Yield what happens, from the newest `limit` entries on, or from the cursor `after` on.

    First one StatusChange per job, then one Logs (perhaps empty), then events as they come. Ends after the last
    job's Ended; the service log (no jobs in the query) never ends. `live` false: ends when what is stored is told.
    Close it (`contextlib.aclosing`) when done.
    Raises NotFoundError for an unknown job, UsageError for an unknown step, StoreError when the store cannot be read.
    """
    with wakeups.looks.reader() as reader:
        follower = _Follower(path, wakeups.looks, reader, query, _Pace(batch_interval if live else 0.0, ping_after))
        waiter = wakeups.waiter()
        events = await follower.begin(limit, after)
        while events:
            yield events.pop(0)  # a suspended generator must not hold what a slow reader was told already
        while not follower.finished and (live or follower.pace.backlog):
            ready, deadline = follower.pace.ready(trio.current_time())
            if not ready:
                with trio.move_on_at(deadline):
                    await waiter.wait()
            else:
                await trio.lowlevel.checkpoint()
            waiter = wakeups.waiter()
            events = follower.look(trio.current_time())
            while events:
                yield events.pop(0)


@dataclass(slots=True)
class _Pace:
    """When the next batch, status or ping is due. Times are of trio's clock, in seconds."""

    interval: float
    ping_after: float | None
    sent_at: float = float("-inf")  # of anything
    status_at: float = float("-inf")
    backlog: bool = False  # more is stored than was read
    held_entries: bool = False
    held_progress: bool = False
    held_counts: bool = False

    def ready(self, now: float) -> tuple[bool, float]:
        """Return whether to look again at once, and otherwise until when to wait for a wake-up."""
        deadline = float("inf")
        if self.ping_after is not None:
            deadline = self.sent_at + self.ping_after
        if self.held_entries:
            deadline = min(deadline, self._interval_over())
        if self.held_progress:
            deadline = min(deadline, self.status_at + self.interval)
        if self.held_counts:
            deadline = min(deadline, self.status_at + COUNTS_INTERVAL)
        return self.backlog or now >= deadline, deadline

    def _interval_over(self) -> float:
        """Return when the next batch is due: on a grid that all readers share, so that they share its looks, too."""
        if self.sent_at == float("-inf") or self.interval == 0:
            return self.sent_at
        return (self.sent_at // self.interval + 1) * self.interval

    def entries_due(self, now: float, number: int, size: int) -> bool:
        """Return whether gathered entries go out now."""
        full = number >= BATCH_ENTRIES or size >= BYTE_LIMIT
        return number > 0 and (full or self.backlog or now >= self._interval_over())

    def ping_due(self, now: float) -> bool:
        """Return whether the silence has lasted."""
        return self.ping_after is not None and now >= self.sent_at + self.ping_after


@dataclass(slots=True)
class _Follower:
    """One reader's place, and what it has gathered but not told."""

    path: Path
    looks: SharedLooks
    reader: Reader
    query: LogQuery
    pace: _Pace
    scope: Scope = field(init=False)
    finished: bool = False
    _places: Places = field(default_factory=dict)
    _has_more: bool = False
    _held: list[Entry] = field(default_factory=list)
    _held_bytes: int = 0
    _told: dict[str, StatusView] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.scope = self.reader.scope(self.query)

    async def begin(self, limit: int, after: int | None) -> list[StreamEvent]:
        """Make the first look and return the events that open every connection."""
        look = await trio.to_thread.run_sync(self._first_look, limit, after, limiter=_READS)
        now = trio.current_time()
        self._places, self.pace.backlog = look.places, not look.complete
        self._has_more = look.view["meta"]["has_more"]
        events: list[StreamEvent] = [self._tell_status(view, look.cursor, now) for view in look.statuses]
        events.append(Logs(look.view, look.cursor))
        self.pace.sent_at = now
        return events + self._tell_ends(look)

    def _first_look(self, limit: int, after: int | None) -> Look:
        """Look in a thread, with a reader of its own: it may have to look at every row of a job."""
        with open_reader(self.path) as reader:
            if after is None:
                return reader.look_newest(self.scope, self.query.jobs, limit, BATCH_ENTRIES)
            return reader.look_from(self.scope, self.query.jobs, after, BATCH_ENTRIES)

    def look(self, now: float) -> list[StreamEvent]:
        """Look once and return what to tell now."""
        room = max(1, BATCH_ENTRIES - len(self._held))
        look = self.looks.look_after(self.reader, self.query, self.scope, self._places, room, has_more=self._has_more)
        self._places, self.pace.backlog = look.places, not look.complete
        self._held += look.view["logs"]
        self._held_bytes += look.size
        urgent, progress, counts = self._compare(look.statuses) if look.complete else ([], [], [])
        events: list[StreamEvent] = []
        if urgent or self.pace.entries_due(now, len(self._held), self._held_bytes):
            events += self._tell_entries(look, now)
        self.pace.held_entries = bool(self._held)
        if not self._held:
            due = list(urgent)
            due += progress if now >= self.pace.status_at + self.pace.interval else []
            due += counts if now >= self.pace.status_at + COUNTS_INTERVAL else []
            events += [self._tell_status(view, look.cursor, now) for view in due]
            told = {view["job"]["id"] for view in due}
            self.pace.held_progress = any(view["job"]["id"] not in told for view in progress)
            self.pace.held_counts = any(view["job"]["id"] not in told for view in counts)
            events += self._tell_ends(look)
            if not events and self.pace.ping_due(now):
                self.pace.sent_at = now
                events.append(Ping(look.cursor))
        return events

    def _compare(self, statuses: list[StatusView]) -> tuple[list[StatusView], list[StatusView], list[StatusView]]:
        """Sort jobs whose view changed by what changed: a state, progress, or counts alone."""
        urgent, progress, counts = [], [], []
        for view in statuses:
            told = self._told[view["job"]["id"]]
            if view == told:
                continue
            if _states(view) != _states(told):
                urgent.append(view)
            elif _progress(view) != _progress(told):
                progress.append(view)
            else:
                counts.append(view)
        return urgent, progress, counts

    def _tell_entries(self, look: Look, now: float) -> list[StreamEvent]:
        if not self._held:
            return []
        view = _view_of(self._held, look.view["meta"])
        self._held, self._held_bytes = [], 0
        self.pace.sent_at = now
        return [Logs(view, look.cursor)]

    def _tell_status(self, view: StatusView, cursor: int, now: float) -> StatusChange:
        self._told[view["job"]["id"]] = view
        self.pace.sent_at = self.pace.status_at = now
        return StatusChange(view, cursor)

    def _tell_ends(self, look: Look) -> list[StreamEvent]:
        """Say which jobs have been delivered whole; the last one finishes the stream."""
        if not look.complete:
            return []
        events: list[StreamEvent] = []
        for view in look.statuses:
            job = view["job"]
            if job["id"] not in self._ended and Status(job["status"]).final:
                self._ended.add(job["id"])
                events.append(Ended(job["id"], job["status"], self.reader.summary(job["id"])["counts"], look.cursor))
        self.finished = bool(self.query.jobs) and len(self._ended) == len(set(self.query.jobs))
        return events


def _view_of(entries: list[Entry], meta: Meta) -> LogsView:
    """Return a batch with its own place in a copy of `meta`, which is shared."""
    place: Meta = {**meta, "oldest_id": entries[0]["id"], "newest_id": entries[-1]["id"]}
    return LogsView(logs=entries, meta=place)


def _states(view: StatusView) -> tuple[Any, ...]:
    job = view["job"]
    return (job["status"], job["error"], *((step["status"], step["error"]) for step in view["steps"]))


def _progress(view: StatusView) -> tuple[Any, ...]:
    steps = ((step["progress"], step["progress_text"], step["workers"]) for step in view["steps"])
    return (view["job"]["progress"], *steps)
