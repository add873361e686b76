"""One place in the store that is followed: what was seen from it, what was told of that, and what is due next.

Entries and states come from the same snapshot, and states are told only when no entry of that snapshot is left, so a
finished status never overtakes the last line. When to tell is decided by `pace`. What will not come is told as a
`Gap`, before what comes instead: entries that retention took, and, for a reader that asked for it, those that it left
out to catch up.

A place belongs to one reader, or to a crowd of readers who have been told the very same (see `crowd`).
"""

import math
from collections.abc import Hashable, Iterable
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import trio

from quaero_cli.model import Entry, LogQuery, LogsView, Meta, Status, StatusView, no_counts
from quaero_cli.store.entries import BYTE_LIMIT, Places
from quaero_cli.store.gaps import Ahead, Lost
from quaero_cli.store.reader import Look, Reader, open_reader
from quaero_cli.store.scope import Scope
from quaero_cli.stream.events import Ended, Gap, Logs, Ping, StatusChange, StreamEvent
from quaero_cli.stream.looks import SharedLooks
from quaero_cli.stream.pace import BATCH_ENTRIES, Pace

# Entries of all levels that a reader with `skip` may be behind: more than it can have asked to begin with.
FAR_BEHIND = 5000
_READS = trio.CapacityLimiter(4)  # threads for first looks; steps may fill the common ones


@dataclass(slots=True)
class Follower:
    """One reader's place, and what it has gathered but not told."""

    path: Path
    looks: SharedLooks
    reader: Reader
    query: LogQuery
    pace: Pace
    skip: bool = False
    scope: Scope = field(init=False)
    finished: bool = False
    lags: bool = False  # it is far behind, and wants to be moved ahead
    _places: Places = field(default_factory=dict)
    _told_places: Places = field(default_factory=dict)  # up to which all was told
    _ends: Places = field(default_factory=dict)
    _moved_at: int = 0  # how many entries there were when it was moved ahead last
    cursor: int = 0  # of the last look
    _meta: Meta | None = None
    _has_more: bool = False
    _held: list[Entry] = field(default_factory=list)
    _held_bytes: int = 0
    _told: dict[str, StatusView] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.scope = self.reader.scope(self.query)

    # ------------------------------------------------------------------ being one of many

    @property
    def kind(self) -> Hashable:
        """Followers of the same kind are told the same from the same place on."""
        return (self.query, self._has_more, self.pace.interval, self.pace.ping_after, self.skip)

    @property
    def caught_up(self) -> bool:
        """Whether all that it has seen is told."""
        return not (self._held or self.pace.backlog or self.lags or self.finished)

    def told_the_same(self, other: Self) -> bool:
        """Return whether exactly the same was told from both, which are of one kind."""
        return (
            self._told_places == other._told_places
            and self._ended == other._ended
            and self._told == other._told
            and not (self.lags or self.finished or other.finished)
        )

    def fork(self, *, ping_after: float | None) -> Self:
        """Return another one that is as far as this."""
        made = copy(self)
        made.adopt(self)
        made.pace.ping_after = ping_after
        return made

    def adopt(self, other: Self) -> None:
        """Be as far as `other`, which is of the same kind."""
        self.pace = replace(other.pace, ping_after=self.pace.ping_after)
        self.finished, self.lags = other.finished, other.lags
        self._places, self._told_places, self._ends = other._places, other._told_places, other._ends
        self._moved_at, self.cursor, self._meta = other._moved_at, other.cursor, other._meta
        self._held, self._held_bytes = list(other._held), other._held_bytes
        self._told, self._ended = dict(other._told), set(other._ended)

    # ------------------------------------------------------------------ beginning

    async def begin(self, limit: int, after: int | None) -> list[StreamEvent]:
        """Make the first look and return the events that open every connection."""
        ahead, look = await trio.to_thread.run_sync(self._first_look, limit, after, limiter=_READS)
        now = trio.current_time()
        self.cursor = look.cursor if after is None else after
        self._has_more = look.view["meta"]["has_more"]
        events: list[StreamEvent] = [self._tell_status(view, look.cursor, now) for view in look.statuses]
        if ahead is not None:
            self._moved_at = sum(look.ends.values())
            events += self._gaps(ahead.lost, "lag", ahead.cursor)
        events += self._gaps(look.lost, "retention", self.cursor)
        self._take(look)
        self._told_places = self._places
        events.append(Logs(look.view, look.cursor))
        self.pace.sent_at = now
        return events + self._tell_ends(look)

    def _first_look(self, limit: int, after: int | None) -> tuple[Ahead | None, Look]:
        """Look in a thread, with a reader of its own: it may have to look at every row of a job."""
        with open_reader(self.path) as reader:
            if after is None:
                return None, reader.look_newest(self.scope, self.query.jobs, limit, BATCH_ENTRIES)
            look = reader.look_from(self.scope, self.query.jobs, after, BATCH_ENTRIES)
            if not (self.skip and look.behind > FAR_BEHIND):
                return None, look
            ahead = reader.ahead(self.scope, reader.places(self.scope, after), BATCH_ENTRIES)
            after = max(after, ahead.cursor)
            return ahead, reader.look_from(self.scope, self.query.jobs, after, BATCH_ENTRIES)

    # ------------------------------------------------------------------ going on

    async def wait(self, waiter: trio.Event, until: float = math.inf) -> None:
        """Wait until there may be something to tell, or until a time; always a checkpoint."""
        ready, deadline = self.pace.ready(trio.current_time())
        if ready:
            await trio.lowlevel.checkpoint()
            return
        with trio.move_on_at(min(deadline, until)):
            await waiter.wait()
            woken = trio.current_time()
            if (later := self.pace.look_at(woken, self.looks.lookers)) > woken:
                await trio.sleep_until(later)

    async def advance(self) -> list[StreamEvent]:
        """Look, or move ahead when it is too far behind for that; return what to tell now."""
        if self.lags:
            return await self.move_ahead()
        return self.look(trio.current_time())

    # ------------------------------------------------------------------ being far behind

    async def move_ahead(self) -> list[StreamEvent]:
        """Leave out what lies between here and the newest entries; return what to tell of it."""
        self.lags = False
        self._moved_at = sum(self._ends.values())
        ahead = await trio.to_thread.run_sync(self._look_ahead, limiter=_READS)
        # What was gathered comes before the gap.
        events = self._tell_held(trio.current_time())
        self._places = self._told_places = ahead.places
        self.cursor = max(self.cursor, ahead.cursor)
        return events + self._gaps(ahead.lost, "lag", self.cursor)

    def _look_ahead(self) -> Ahead:
        with open_reader(self.path) as reader:
            return reader.ahead(self.scope, self._places, BATCH_ENTRIES)

    def _gaps(self, lost: Iterable[Lost], reason: Literal["lag", "retention"], cursor: int) -> list[StreamEvent]:
        names = dict(zip(self.scope.jobs, self.query.jobs, strict=False))  # the service has no name
        events: list[StreamEvent] = []
        for each in lost:
            from_id, to_id, count = each.from_id, each.to_id, each.count
            if reason == "retention":
                # A place whose entry was taken, too, is known by its id alone: no more can be gone than ids are.
                from_id = max(from_id, self.cursor + 1)
                count = min(count, to_id - from_id + 1)
            if count > 0:
                events.append(Gap(names.get(each.job), from_id, to_id, count, reason, cursor))
        return events

    # ------------------------------------------------------------------ looking

    def look(self, now: float) -> list[StreamEvent]:
        """Look once and return what to tell now."""
        self.pace.looked_at = now
        room = max(1, BATCH_ENTRIES - len(self._held))
        look = self.looks.look_after(self.reader, self.query, self.scope, self._places, room, has_more=self._has_more)
        events: list[StreamEvent] = []
        gone = [job for job in self.query.jobs if job not in self._ended and not _among(look.statuses, job)]
        if look.lost or gone or self._held_bytes + look.size > BYTE_LIMIT:
            events += self._tell_held(now)  # a look reads up to a whole batch: never two in one
            events += self._gaps(look.lost, "retention", self.cursor)
        self._held += look.view["logs"]
        self._held_bytes += look.size
        rest = self._places, self._ends
        self._take(look)
        events += self._tell(look, now)
        if not self._held:
            self._told_places = self._places
        for job in gone:
            events += self._tell_gone(job, *rest)
        self.finished = bool(self.query.jobs) and len(self._ended) == len(set(self.query.jobs))
        return events

    def _take(self, look: Look) -> None:
        """Remember where this look ended."""
        self._places, self._ends, self.pace.backlog = look.places, look.ends, not look.complete
        self.cursor, self._meta = look.cursor, look.view["meta"]
        # Once moved, what is left has to be read; unless so much has come meanwhile that it is far behind again.
        come = sum(look.ends.values()) - self._moved_at
        self.lags = self.skip and min(look.behind, come) > FAR_BEHIND

    def _tell(self, look: Look, now: float) -> list[StreamEvent]:
        """Return what is due of what was seen."""
        urgent, progress, counts = self._compare(look.statuses) if look.complete else ([], [], [])
        events: list[StreamEvent] = []
        if urgent or self.pace.entries_due(now, len(self._held), self._held_bytes):
            events += self._tell_held(now)
        self.pace.held_entries = bool(self._held)
        if not self._held:
            due = list(urgent)
            due += progress if now >= self.pace.status_at + self.pace.interval else []
            due += counts if self.pace.counts_due(now) else []
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

    # ------------------------------------------------------------------ telling

    def _tell_held(self, now: float) -> list[StreamEvent]:
        """Tell what has gathered, up to the last look."""
        if not self._held or self._meta is None:
            return []
        view = _view_of(self._held, self._meta)
        self._held, self._held_bytes = [], 0
        self._told_places = self._places
        self.pace.sent_at = now
        return [Logs(view, self.cursor)]

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
                counts = self.reader.counts(job["id"])
                events.append(Ended(job["id"], job["status"], counts, look.cursor))
        self.finished = bool(self.query.jobs) and len(self._ended) == len(set(self.query.jobs))
        return events

    def _tell_gone(self, job_id: str, places: Places, ends: Places) -> list[StreamEvent]:
        """Say that a job was deleted, with all that had not been told of it: nothing more can come."""
        self._ended.add(job_id)
        job = self.scope.jobs[self.query.jobs.index(job_id)]
        left = ends.get(job, 0) - places.get(job, 0)
        lost = [Lost(job, left, self.cursor, self.cursor + left)] if left > 0 else []
        told = self._told.get(job_id)
        status = Status(told["job"]["status"]) if told is not None else Status.INTERRUPTED
        # Only what has ended can be deleted, but how it ended was deleted, too.
        known = status if status.final else Status.INTERRUPTED
        return [*self._gaps(lost, "retention", self.cursor), Ended(job_id, known, no_counts(), self.cursor)]


def _among(statuses: Iterable[StatusView], job_id: str) -> bool:
    return any(view["job"]["id"] == job_id for view in statuses)


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
