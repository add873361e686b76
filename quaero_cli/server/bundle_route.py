"""`GET /api/logs/streams`: several streams over one connection, for a browser that opens six at most.

Each `stream` parameter is the query string of a `GET /api/logs/stream`, and gets what that would have sent. An event
`channel` says whose events follow, by the place of its parameter, from 0. What would have been an answer without a
stream, 204 or an error, is an event `over`; after the last stream the answer ends.

Theory of operation. Each stream is a task in the server's nursery of feeders, and hands over one event at a time,
with a rendezvous: no queue exists, and a slow reader slows only its own bundle.
"""

import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import trio
from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.errors import QuaeroError
from quaero_cli.model import Level
from quaero_cli.server import sse
from quaero_cli.server.desk import Desk
from quaero_cli.server.filters import read_bundle_request, read_stream_request
from quaero_cli.server.gate import stack_of
from quaero_cli.server.responses import error_facts, stream_answer
from quaero_cli.server.stream_route import sse_answer
from quaero_cli.server.telling import open_telling

_Sender = trio.MemorySendChannel[tuple[int, list[bytes]]]
_Receiver = trio.MemoryReceiveChannel[tuple[int, list[bytes]]]


class BundleRoute:
    """Several live logs at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the route."""
        app.add_url_rule("/api/logs/streams", "logs_streams", self.streams, methods=["GET"])

    async def streams(self) -> Response:
        """Answer with the streams that were asked for."""
        queries = read_bundle_request(request.query_string)
        if request.method == "HEAD":
            return stream_answer(b"", sse.SSE_HEADERS)
        stack = stack_of(request.scope)
        for _ in queries:
            stack.enter_context(self._desk.streams.slot())
        receiver = self._feed(queries, scope := trio.CancelScope())
        stack.callback(receiver.close)
        stack.callback(scope.cancel)
        return sse_answer(_chunks(receiver))

    def _feed(self, queries: Sequence[bytes], scope: trio.CancelScope) -> _Receiver:
        """Start a task for all streams; it ends when `scope` is cancelled."""
        sender, receiver = trio.open_memory_channel[tuple[int, list[bytes]]](0)

        async def feed_all() -> None:
            with scope, sender:
                async with trio.open_nursery() as nursery:
                    for number, query in enumerate(queries):
                        nursery.start_soon(_Feeder(self._desk, number, query, sender).run)

        self._desk.streams.start(feed_all)
        return receiver


async def _chunks(receiver: _Receiver) -> AsyncIterator[bytes]:
    """Yield what the streams hand over, each after a word on whose it is."""
    yield sse.retry()
    channel = None
    async for number, chunks in receiver:
        if number != channel:
            channel = number
            yield sse.frame("channel", {"channel": number}, None)
        while chunks:
            yield chunks.pop(0)


@dataclass(frozen=True, slots=True)
class _Feeder:
    """One stream of a bundle."""

    desk: Desk
    number: int
    query: bytes
    sender: _Sender

    async def run(self) -> None:
        """Hand over its events until there are no more. Whatever fails is the reader's to know, not the others'."""
        try:
            await self._tell()
        except QuaeroError as error:
            await self._over(*error_facts(error))
        except trio.BrokenResourceError:
            return  # the reader has gone
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            self.desk.parts.log(Level.ERROR, "Stream failed", {"error": type(error).__name__, "traceback": trace})
            await self._over(500, {"error": "the server failed on this stream", "hint": "the service log says why"})

    async def _tell(self) -> None:
        telling = open_telling(self.desk, read_stream_request(self.query, None, self.desk.limits))
        if telling is None:
            await self._over(204, {})
            return
        async with aclosing(telling.events):
            await telling.begin()
            while chunks := await telling.next_chunks():
                await self.sender.send((self.number, chunks))

    async def _over(self, status: int, facts: dict[str, object]) -> None:
        body = sse.frame("over", {"status": status, **facts}, None)
        try:
            await self.sender.send((self.number, [body]))
        except trio.BrokenResourceError:
            return  # the reader has gone
