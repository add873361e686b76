"""What all open streams share: their number, their end when the server stops, and encoded batches.

A stream is a request whose answer is open-ended (SSE) or long (a whole log). `Streams.next` is the one place where
a stream waits for what happens; `drain` ends that wait, so that each can say goodbye. The scope is entered and left
inside `next`: none is held while a generator is suspended.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import trio

from quaero_cli.errors import QuaeroError
from quaero_cli.model import LogQuery
from quaero_cli.server.sse import encode
from quaero_cli.stream.events import Logs

T = TypeVar("T")

# Encoded batches that are kept for the next reader: a wake-up's readers ask within milliseconds.
_SHARED_BYTES = 4 * 1024 * 1024
# Bytes given to the layers below at once: a whole batch, nearly always, since each turn through them costs 150 us.
# They pass it on without a copy, and the guard looks at the progress within it.
_SLICE = 512 * 1024


class Busy(QuaeroError):
    """There are as many streams as the server allows, or it is stopping."""


class Streams:
    """The open streams of one server."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waits: set[trio.CancelScope] = set()
        self._feeders: trio.Nursery | None = None
        self.open = 0
        self.draining = False

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one of the places. Raises Busy."""
        if self.draining:
            raise Busy("the server is stopping", hint="try again when it is back")
        if self.open >= self._limit:
            raise Busy(f"all {self._limit} streams are in use", hint="close a tab, or follow several jobs in one")
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    @asynccontextmanager
    async def feeding(self) -> AsyncGenerator[None]:
        """Have a nursery for what feeds streams besides their requests' own tasks; all of it ends with this block."""
        async with trio.open_nursery() as self._feeders:
            yield
            self._feeders.cancel_scope.cancel()

    def start(self, feed: Callable[[], Awaitable[None]]) -> None:
        """Start a feeder. It must raise nothing."""
        assert self._feeders is not None, "the server is not running"
        self._feeders.start_soon(feed)

    async def next(self, events: AsyncIterator[T]) -> T | None:
        """Return the next event; None when there is none, or when the server stops (see `draining`)."""
        if self.draining:
            return None
        with trio.CancelScope() as wait:
            self._waits.add(wait)
            try:
                return await anext(events, None)
            finally:
                self._waits.discard(wait)
        return None

    def drain(self) -> None:
        """Let every stream come to its end, now."""
        self.draining = True
        for wait in self._waits:
            wait.cancel()


class SharedBatches:
    """Encodes a batch of entries once for all readers that are sent the same.

    The key says everything that the bytes depend on: stored entries never change, so the ids at both ends and their
    number stand for all those between.
    """

    def __init__(self, epoch: str, budget: int = _SHARED_BYTES) -> None:
        self._epoch = epoch
        self._budget = budget
        self._used = 0
        self._kept: OrderedDict[tuple[object, ...], Sequence[bytes]] = OrderedDict()

    def encode(self, query: LogQuery, event: Logs) -> Sequence[bytes]:
        """Return the event's bytes, cut for sending: the very same objects to all, however slowly each takes them."""
        key = _key(query, event)
        found = self._kept.get(key)
        if found is not None:
            return found
        made = tuple(slices(encode(event, self._epoch)))
        self._kept[key] = made
        self._used += sum(map(len, made))
        while self._used > self._budget:
            _, oldest = self._kept.popitem(last=False)
            self._used -= sum(map(len, oldest))
        return made


def slices(body: bytes) -> Iterator[bytes]:
    """Cut `body` for sending; short ones stay whole."""
    if len(body) <= _SLICE:
        yield body
    else:
        for start in range(0, len(body), _SLICE):
            yield body[start : start + _SLICE]


def _key(query: LogQuery, event: Logs) -> tuple[object, ...]:
    meta = event.view["meta"]
    counts = tuple(meta["counts"].values()) if meta["counts"] is not None else None
    ends = (meta["oldest_id"], meta["newest_id"], len(event.view["logs"]), event.cursor)
    return (query, *ends, meta["has_more"], meta["total_count"], meta["displayed_count"], counts)
