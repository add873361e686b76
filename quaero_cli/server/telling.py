"""One stream's events as bytes: what a follower tells, from the opening on.

The first events of a connection are special. A follower opens with states and then the first entries, all with the
cursor of the moment it looked; a client that got the states and lost the connection would resume behind entries it
never saw. So nothing is sent before the first entries are there, and what comes before them carries the place before
them.
"""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field

from quaero_cli.server import sse
from quaero_cli.server.cursor import Cursor
from quaero_cli.server.desk import Desk
from quaero_cli.server.filters import StreamRequest
from quaero_cli.server.wire import Wire, chunk_of
from quaero_cli.stream.crowd import Told
from quaero_cli.stream.events import Logs, StreamEvent
from quaero_cli.stream.follow import follow

# Milliseconds before clients come back to a server that stopped; spread, so that they do not come at once.
_RETURN_AFTER_MS = (500, 2000)


def open_telling(desk: Desk, asked: StreamRequest, wire: Wire | None = None) -> "Telling | None":
    """Return the stream that was asked for, or None when there is nothing left to tell. Close its `events`.

    `wire`: the connection, if all that it is sent is this stream: then many readers can be told at once.
    """
    since = asked.since
    after = since.id if since is not None and since.epoch == desk.reader.epoch else None
    jobs = asked.query.jobs
    # All the jobs have ended, and the place is at or behind their last entry.
    if after is not None and jobs and desk.reader.delivered(jobs, after):
        return None
    telling = Telling(desk, asked, after)
    # The service's stream says things of its own after each event.
    outlet = _Outlet(telling, wire) if wire is not None and jobs else None
    telling.events = follow(
        desk.parts.database, desk.parts.wakeups, asked.query, limit=asked.limit, after=after,
        batch_interval=desk.limits.batch_seconds, ping_after=desk.limits.ping_seconds, skip=asked.skip, outlet=outlet,
    )  # fmt: skip
    return telling


@dataclass(slots=True)
class Telling:
    """One stream: what it was told, and what comes next."""

    desk: Desk
    asked: StreamRequest
    after: int | None
    events: AsyncGenerator[StreamEvent, None] = field(init=False)
    place: Cursor | None = None  # of the last event that was sent
    opening: list[bytes] = field(default_factory=list)
    _said_goodbye: bool = False
    _service: tuple[object, ...] = ()  # what the last status of the service said, without the size of the store

    async def begin(self) -> None:
        """Gather the opening. Raises NotFoundError."""
        told: list[StreamEvent] = []
        while not (told and isinstance(told[-1], Logs)):
            event = await self.desk.streams.next(self.events)
            if event is None:  # the server is stopping
                self.opening = [sse.retry()]
                return
            told.append(event)
        first = told.pop()
        assert isinstance(first, Logs)
        epoch = self.desk.reader.epoch
        start = Cursor(epoch, _place_before(first) if self.after is None else self.after)
        parts = [sse.retry()]
        if self.asked.since is not None and self.after is None:
            parts.append(sse.reset(start))
        parts += [sse.encode(event, epoch, place=start.id) for event in told]
        if not self.asked.query.jobs:
            parts.append(self._service_frame(start))
        # Not joined: the entries' bytes are shared with others that are sent the same.
        self.opening = [b"".join(parts), *self._encode(first)]

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the stream. No scope is held while this is suspended, and of the events no more than their bytes."""
        while chunks := await self.next_chunks():
            while chunks:
                yield chunks.pop(0)

    async def next_chunks(self) -> list[bytes]:
        """Return what comes next, whole events in one or more pieces; nothing: that was all."""
        if self.opening:
            opening, self.opening = self.opening, []
            return opening
        if self._said_goodbye:
            return []
        if chunks := await self._next_event():
            return chunks
        self._said_goodbye = True
        streams = self.desk.streams
        return [sse.shutdown(random.randint(*_RETURN_AFTER_MS), self.place)] if streams.draining else []

    async def _next_event(self) -> list[bytes]:
        event = await self.desk.streams.next(self.events)
        if event is None:
            return []
        encoded = self._encode(event)
        return [*encoded] if self.asked.query.jobs else [*encoded, *self._service_change()]

    def encode_all(self, events: Sequence[StreamEvent]) -> list[bytes]:
        """Return the bytes of events, whole ones in one or more pieces."""
        return [piece for event in events for piece in self._encode(event)]

    def _encode(self, event: StreamEvent) -> Sequence[bytes]:
        epoch = self.desk.reader.epoch
        self.place = Cursor(epoch, event.cursor)
        if isinstance(event, Logs):
            return self.desk.batches.encode(self.asked.query, event)
        return (sse.encode(event, epoch),)

    def _service_change(self) -> list[bytes]:
        """Return a status event if the service's status is another than the one told last."""
        before = self._service
        frame = self._service_frame(self.place)
        return [frame] if self._service != before else []

    def _service_frame(self, cursor: Cursor | None) -> bytes:
        status = self.desk.service_status()
        # The store grows with every entry: its size comes along, but is no news.
        self._service = tuple(value for key, value in status["service"].items() if key != "store_bytes")
        return sse.frame("status", status, cursor)


@dataclass(frozen=True, slots=True)
class _Outlet:
    """One connection's place in a crowd: what all are told is made into bytes once."""

    telling: Telling
    wire: Wire

    def offer(self, told: Told) -> bool:
        if told.made is None:
            told.made = chunk_of(self.telling.encode_all(told.events)), self.telling.place
        chunk, self.telling.place = told.made
        return self.wire.send_now(chunk)

    async def settle(self) -> None:
        await self.wire.send_rest()


def _place_before(first: Logs) -> int:
    entries = first.view["logs"]
    return entries[0]["id"] - 1 if entries else first.cursor
