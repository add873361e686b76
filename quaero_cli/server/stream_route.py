"""`GET /api/logs/stream`: a follower's events as server-sent events."""

from collections.abc import AsyncIterator

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.server import sse
from quaero_cli.server.compress import compressed, wants_gzip
from quaero_cli.server.cursor import CURSOR_FORM
from quaero_cli.server.desk import Desk
from quaero_cli.server.filters import read_stream_request
from quaero_cli.server.gate import stack_of
from quaero_cli.server.params import BadParameter
from quaero_cli.server.responses import empty_answer, stream_answer
from quaero_cli.server.telling import open_telling
from quaero_cli.server.wire import wire_of


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
        # A compressor is each reader's own: nobody shares its bytes.
        telling = open_telling(self._desk, asked, None if _packed() else wire_of(request.scope))
        if telling is None:
            return empty_answer()
        if request.method == "HEAD":
            return stream_answer(b"", sse.SSE_HEADERS)
        stack = stack_of(request.scope)
        stack.enter_context(self._desk.streams.slot())
        stack.push_async_callback(telling.events.aclose)
        await telling.begin()
        return sse_answer(telling.chunks())


def sse_answer(chunks: AsyncIterator[bytes]) -> Response:
    """Return a stream of events, as gzip to those on other machines who take it."""
    if _packed():
        return stream_answer(compressed(chunks), {**sse.SSE_HEADERS, "Content-Encoding": "gzip"})
    return stream_answer(chunks, sse.SSE_HEADERS)


def _packed() -> bool:
    """Return whether the client is to be sent gzip."""
    peer = request.scope["client"]
    return wants_gzip(request.headers.get("Accept-Encoding", ""), peer[0] if peer else None)


def _last_event_id() -> str | None:
    values = request.headers.getlist("Last-Event-ID")
    if len(values) > 1:
        raise BadParameter("Last-Event-ID", "may be given once", CURSOR_FORM)
    return values[0] if values else None
