"""Serves a site over HTTP/1.1 on 127.0.0.1: h11 on Trio, one task per connection.

The nursery of the connections belongs to `serve`: when it is cancelled, all of them end. A client that breaks the
protocol, stalls or goes away ends its own connection and nothing else.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import h11
import trio

from quaero_cli.demosite.answer import answer, refusal
from quaero_cli.demosite.site import Site
from quaero_cli.demosite.traffic import Served

HOST = "127.0.0.1"  # never anything else: the site is for this machine

_MAX_HEAD = 8 * 1024  # bytes of an unfinished request head: browsers send under 2 KiB
_RECEIVE = 8 * 1024  # bytes read at once; with the limit above, a connection holds 16 KiB at most
IDLE_TIMEOUT = 15.0  # seconds for a whole request to arrive: longer than a crawler pauses, short for a stalled one
_SEND_TIMEOUT = 30.0  # seconds for an answer to be taken; the largest page has 40 KiB
_LINGER = 1.0  # seconds to let a refused client read why, before the reset that unread input causes
_LINGER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Door:
    """A port that is listened on. `url` ends with a slash; `serve_at` closes the listeners."""

    url: str
    listeners: list[trio.SocketListener]


Observer = Callable[[Served], Awaitable[None]]


async def serve(
    site: Site,
    *,
    port: int = 0,
    observe: Observer | None = None,
    idle_timeout: float = IDLE_TIMEOUT,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `site` until cancelled. Reports the site's address (`http://127.0.0.1:PORT/`) once it listens.

    `port` 0 lets the system choose. `observe` is awaited after each answered request; what it does before its first
    await happens even if the server is being cancelled. Raises OSError when it cannot listen.
    """
    door = await listen(port)
    task_status.started(door.url)
    await serve_at(door, site, observe=observe, idle_timeout=idle_timeout)


async def listen(port: int) -> Door:
    """Open a loopback port; 0 lets the system choose. Raises OSError when that cannot be."""
    listeners = await trio.open_tcp_listeners(port, host=HOST)
    return Door(f"http://{HOST}:{listeners[0].socket.getsockname()[1]}/", listeners)


async def serve_at(
    door: Door, site: Site, *, observe: Observer | None = None, idle_timeout: float = IDLE_TIMEOUT
) -> None:
    """Serve `site` at an open door until cancelled, then close it."""

    async def handle(stream: trio.SocketStream) -> None:
        await _Connection(stream, site, door.url.removesuffix("/"), observe, idle_timeout).run()

    await trio.serve_listeners(handle, door.listeners)


class _Connection:
    """One client's connection, from its first request to its last."""

    def __init__(
        self, stream: trio.SocketStream, site: Site, base: str, observe: Observer | None, idle_timeout: float
    ) -> None:
        self._stream = stream
        self._site = site
        self._base = base
        self._observe = observe
        self._idle_timeout = idle_timeout
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)

    async def run(self) -> None:
        """Answer requests until either side has had enough."""
        try:
            with self._site.traffic.connection():
                await self._converse()
        except h11.RemoteProtocolError as error:
            await self._refuse(error)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # the client has gone; nobody is left to tell

    async def _converse(self) -> None:
        while True:
            request = None
            with trio.move_on_after(self._idle_timeout):
                request = await self._next_request()
            if request is None:
                return
            whole = self._http.next_event()
            if request.method not in (b"GET", b"HEAD") or type(whole) is not h11.EndOfMessage:
                await self._send(*refusal(405, "only GET and HEAD, without a body"))
                await self._linger()
                return
            await self._answer(request)
            if self._http.our_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def _next_request(self) -> h11.Request | None:
        """Wait for a request's head; None when the client has closed."""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._stream.receive_some(_RECEIVE))
            elif isinstance(event, h11.Request):
                return event
            else:
                return None

    async def _answer(self, request: h11.Request) -> None:
        started = trio.current_time()
        # Proxies may name the whole address; only its path matters here.
        target = request.target.decode("latin-1").removeprefix(self._base)
        with self._site.traffic.request(target):
            reply = self._site.reply(target, self._base)
            if reply.delay:
                await trio.sleep(reply.delay)
            head, body = answer(request, reply, close=b"close" in _connection_header(request))
            served = Served(
                method=request.method.decode("ascii"),
                target=target,
                status=head.status_code,
                size=len(body),
                started=started,
                duration=trio.current_time() - started,
            )
            self._site.traffic.recent.append(served)
            await self._send(head, body)
        if self._observe is not None:
            await self._observe(served)

    async def _send(self, head: h11.Response, body: bytes) -> None:
        """Send a whole answer in one write. Raises BrokenResourceError if the client does not take it in time."""
        http = self._http
        parts = [http.send(head), http.send(h11.Data(data=body)) if body else b"", http.send(h11.EndOfMessage())]
        with trio.move_on_after(_SEND_TIMEOUT) as scope:
            await self._stream.send_all(b"".join(part for part in parts if part))
        if scope.cancelled_caught:
            raise trio.BrokenResourceError("the client does not read")

    async def _refuse(self, error: h11.RemoteProtocolError) -> None:
        """Tell a client that its bytes are no HTTP, if it can still be told."""
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        try:
            await self._send(*refusal(error.error_status_hint, "cannot read this request"))
            await self._linger()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _linger(self) -> None:
        """Read on for a moment: closing with unread input would reset the connection and lose the answer."""
        await self._stream.send_eof()
        left = _LINGER_BYTES
        with trio.move_on_after(_LINGER):
            while left > 0:
                data = await self._stream.receive_some(_RECEIVE)
                if not data:
                    return
                left -= len(data)


def _connection_header(request: h11.Request) -> bytes:
    return b",".join(value.lower() for name, value in request.headers if name == b"connection")
