"""`GET /api/logs/stream`: a follower's events as server-sent events.

The first events of a connection are special. A follower opens with states and then the first entries, all with the
cursor of the moment it looked; a client that got the states and lost the connection would resume behind entries it
never saw. So nothing is sent before the first entries are there, and what comes before them carries the place before
them.
"""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.model import LogQuery
from quaero_cli.server import sse
from quaero_cli.server.compress import compressed, wants_gzip
from quaero_cli.server.cursor import CURSOR_FORM, Cursor
from quaero_cli.server.desk import Desk
from quaero_cli.server.filters import StreamRequest, read_stream_request
from quaero_cli.server.gate import stack_of
from quaero_cli.server.params import BadParameter
from quaero_cli.server.responses import empty_answer, stream_answer
from quaero_cli.stream.events import Logs, StreamEvent
from quaero_cli.stream.follow import follow

# Milliseconds before clients come back to a server that stopped; spread, so that they do not come at once.
_RETURN_AFTER_MS = (500, 2000)


class StreamRoute:
    """The live log."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the route."""
        app.add_url_rule("/api/logs/stream", "logs_stream", self.stream, methods=["GET"])

    async def stream(self) -> Response:
        """Answer with a stream, or with 204 when there is nothing left to tell."""
        asked = read_stream_request(request.query_string, _last_event_id(), self._desk.limits)
        after = self._resume_after(asked)
        if after is not None and self._is_over(asked.query, after):
            return empty_answer()
        if request.method == "HEAD":
            return stream_answer(b"", sse.SSE_HEADERS)
        stack = stack_of(request.scope)
        stack.enter_context(self._desk.streams.slot())
        parts = self._desk.parts
        limits = self._desk.limits
        events = follow(
            parts.database, parts.wakeups, asked.query, limit=asked.limit, after=after,
            batch_interval=limits.batch_seconds, ping_after=limits.ping_seconds, skip=asked.skip,
        )  # fmt: skip
        stack.push_async_callback(events.aclose)
        telling = _Telling(self._desk, asked, after, events)
        await telling.begin()
        peer = request.scope["client"]
        if wants_gzip(request.headers.get("Accept-Encoding", ""), peer[0] if peer else None):
            return stream_answer(compressed(telling.chunks()), {**sse.SSE_HEADERS, "Content-Encoding": "gzip"})
        return stream_answer(telling.chunks(), sse.SSE_HEADERS)

    def _resume_after(self, asked: StreamRequest) -> int | None:
        since = asked.since
        return since.id if since is not None and since.epoch == self._desk.reader.epoch else None

    def _is_over(self, query: LogQuery, after: int) -> bool:
        """Return whether all the jobs have ended and `after` is at or behind their last entry."""
        return bool(query.jobs) and self._desk.reader.delivered(query.jobs, after)


def _last_event_id() -> str | None:
    values = request.headers.getlist("Last-Event-ID")
    if len(values) > 1:
        raise BadParameter("Last-Event-ID", "may be given once", CURSOR_FORM)
    return values[0] if values else None


@dataclass(slots=True)
class _Telling:
    """One connection: what it was told, and what comes next."""

    desk: Desk
    asked: StreamRequest
    after: int | None
    events: AsyncGenerator[StreamEvent, None]
    place: Cursor | None = None  # of the last event that was sent
    opening: list[bytes] = field(default_factory=list)
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
        chunks = self.opening
        self.opening = []
        while chunks:
            yield chunks.pop(0)
            if not chunks:
                chunks = await self._next_chunks()
        if self.desk.streams.draining:
            yield sse.shutdown(random.randint(*_RETURN_AFTER_MS), self.place)

    async def _next_chunks(self) -> list[bytes]:
        event = await self.desk.streams.next(self.events)
        if event is None:
            return []
        encoded = self._encode(event)
        return [*encoded] if self.asked.query.jobs else [*encoded, *self._service_change()]

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


def _place_before(first: Logs) -> int:
    entries = first.view["logs"]
    return entries[0]["id"] - 1 if entries else first.cursor
