"""Hypercorn's Trio worker, made safe: the one file that touches its insides (see HOOKS, and the pins in pyproject).

What Hypercorn 0.18 does on its own, and what is done about it here:

* An exception in one connection ends the whole server. -> Every connection runs in a scope of its own and what it
  raises is counted, logged and over (`Guard.handle`).
* Clear-text HTTP/2 (upgrade or prior knowledge) cannot be turned off and has several ways to crash. -> The protocol
  object is always HTTP/1.1; an `Upgrade` header (h2c, WebSocket) is ignored, as HTTP allows (`_Http11`).
* A reader that stops reading blocks `send` for ever, even through a cancellation, so the server cannot stop. -> A
  deadline on progress, then the connection is reset (`_Connection._send`).
* The task that answers is cancelled before the connection is recycled: `Connection: close` never closes, and a kept
  connection is never timed out. -> The last send is shielded (`finish_shielded`); the deadline bounds it.
* A closed idle connection is kept for the rest of its idle time. -> The idle timer ends with the reader.
* Closing at once with unread data resets the connection, and the client never sees our 413. -> The reader goes on
  for a moment and throws away what comes (`_Connection._part`).
* URL, header and body sizes are not limited one by one. -> `_Http11._check_protocol`, before the app is asked.

Theory of operation: `Guard.handle` is given to `trio.serve_listeners`. Each connection is one task: its reader, with
the app and the idle timer as children. The connection is shielded from outer cancellation, and `Guard.stop` ends it:
first politely, then, after the grace, by force. Nothing here knows of Quart or of quaero's routes.
"""

import errno
import math
import socket
import struct
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

import h11
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import MAX_RECV, TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from quaero_cli.model import Level
from quaero_cli.server.actions import ServiceLog
from quaero_cli.server.answers import BARE_HEADERS, error_body
from quaero_cli.server.bounds import reason, refusal
from quaero_cli.server.hypercorn_log import HypercornLog
from quaero_cli.server.limits import Limits

__all__ = ["HOOKS", "Guard", "finish_shielded"]

# What is overridden or called here and is not public: a test looks for each of them in the pinned version.
HOOKS: Final[Mapping[type, tuple[str, ...]]] = {
    TCPServer: ("run", "protocol_send", "_read_data", "_close", "_idle_timeout", "_initiate_server_close"),
    H11Protocol: ("handle", "_check_protocol", "_create_stream", "_send_error_response", "_send_h11_event"),
    TaskGroup: ("__aenter__", "__aexit__"),
    WorkerContext: ("event_class", "single_task_class"),
    Config: ("response_headers", "logger_class"),
}

_Scope = Mapping[str, Any]
_Receive = Callable[[], Awaitable[Mapping[str, Any]]]
_Send = Callable[[Mapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


def finish_shielded(app: AsgiApp) -> AsgiApp:
    """Wrap `app` so that nobody cancels it while its last bytes are sent and the connection is recycled."""

    async def shielded(scope: _Scope, receive: _Receive, send: _Send) -> None:
        async def shielded_send(message: Mapping[str, Any]) -> None:
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            with trio.CancelScope(shield=last):
                await send(message)

        await app(scope, receive, shielded_send)

    return shielded


class Guard:
    """Serves connections, each on its own; counts what it had to contain.

    `handle` wants to be the handler of `trio.serve_listeners`; `stop` is called once, before their nursery is left.
    """

    def __init__(self, app: AsgiApp, *, limits: Limits, log: ServiceLog) -> None:
        self.limits = limits
        self.log = log
        self.app = ASGIWrapper(finish_shielded(app))
        self.context = WorkerContext(None)
        self.config = _config(limits, log)
        self.live: set[_Connection] = set()
        self.counts: Counter[str] = Counter()  # what had to be refused, evicted, contained
        self._empty = trio.Event()

    async def handle(self, stream: trio.SocketStream) -> None:
        """Serve one connection to its end. Raises nothing but cancellation."""
        if len(self.live) >= self.limits.connections:
            self.counts["too many connections"] += 1
            _reset(stream)
            return
        connection = _Connection(self, stream)
        self.live.add(connection)
        try:
            with connection.scope:
                await connection.run()
        except* Exception as group:
            self._contain(group)
        finally:
            self.live.discard(connection)
            _reset(stream)
            if not self.live:
                self._empty.set()

    async def stop(self) -> None:
        """Let requests under way finish within the grace, then end what is left by force."""
        await self.context.terminated.set()
        self._empty = trio.Event()
        if self.live:
            with trio.move_on_after(self.limits.grace_seconds):
                await self._empty.wait()
        for connection in list(self.live):
            _reset(connection.stream)
            connection.scope.cancel()

    def take_counts(self) -> dict[str, int]:
        """Return what has happened since the last time."""
        counts = dict(self.counts)
        self.counts.clear()
        return counts

    def _contain(self, group: ExceptionGroup[Exception]) -> None:
        # Only the kinds: a protocol error's message quotes the request, and that may hold the token.
        self.counts["connection errors"] += 1
        kinds = sorted({type(error).__name__ for error in _leaves(group)})
        where = traceback.extract_tb(next(_leaves(group)).__traceback__)
        place = f"{where[-1].filename}:{where[-1].lineno}" if where else ""
        self.log(Level.ERROR, "Connection ended by an error", {"error": ", ".join(kinds), "where": place})


class _Connection(TCPServer):
    """One connection. Its reader is the task that runs `run`; nobody else closes the socket in peace."""

    stream: trio.SocketStream  # type: ignore[assignment]  # there is no TLS here

    def __init__(self, guard: Guard, stream: trio.SocketStream) -> None:
        super().__init__(guard.app, guard.config, guard.context, ConnectionState({}), stream)  # type: ignore[arg-type]
        self.guard = guard
        self.scope = trio.CancelScope(shield=True)  # `Guard.stop` bounds it
        self._reading = trio.CancelScope()
        self._parting = False  # we have said our last word; what still comes is thrown away

    async def run(self) -> None:
        peer = self.stream.socket
        try:
            client = parse_socket_addr(peer.family, peer.getpeername())
            server = parse_socket_addr(peer.family, peer.getsockname())
            async with TaskGroup() as group:
                self._task_group = group
                self.protocol = _Http11(  # type: ignore[assignment]
                    self.app, self.config, self.context, group, ConnectionState({}), False, client, server,
                    self.protocol_send,
                )  # fmt: skip
                self.protocol.limits = self.guard.limits  # type: ignore[attr-defined]
                await self.idle_task.restart(group, self._idle_timeout)
                await self._read_data()
                await self.idle_task.stop()
        except OSError as error:
            if error.errno not in (errno.ENOTCONN, errno.EBADF, errno.ECONNRESET, errno.EINVAL):
                raise
        finally:
            await self._close()

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, RawData):
            async with self.send_lock:
                alive = await self._send(event.data)
            if not alive:
                await self.protocol.handle(Closed())
                # Where an application that sends on and on learns that it was cancelled.
                await trio.lowlevel.checkpoint()
        elif isinstance(event, Closed):
            await self._part()
            await self.protocol.handle(Closed())
        elif isinstance(event, Updated):
            if not event.idle:
                await self.idle_task.stop()
            elif not self._parting:
                await self.idle_task.restart(self._task_group, self._idle_timeout)

    async def _send(self, data: bytes) -> bool:
        """Send all of `data`, as long as the client takes some of it in time; False when it is gone."""
        size = self.guard.limits.send_slice_bytes
        view = memoryview(data)
        try:
            for start in range(0, len(view), size):
                # Shielded: half a chunk on the wire would garble the stream. The deadline bounds it.
                with trio.move_on_after(self.guard.limits.send_seconds, shield=True) as deadline:
                    await self.stream.send_all(view[start : start + size])
                if deadline.cancelled_caught:
                    self.guard.counts["stopped reading"] += 1
                    _reset(self.stream)
                    return False
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    async def _read_data(self) -> None:
        with self._reading:
            while True:
                try:
                    data = await self.stream.receive_some(MAX_RECV)
                except (trio.ClosedResourceError, trio.BrokenResourceError):
                    break
                if not self._parting:
                    await self.protocol.handle(RawData(bytes(data)))
                if not data:
                    break
        await self.protocol.handle(Closed())

    async def _part(self) -> None:
        """Say goodbye; the reader takes what still comes for a moment, so that our last words arrive."""
        self._parting = True
        self._reading.deadline = trio.current_time() + self.guard.limits.linger_seconds
        # With the lock: the app may be sending, and two senders at once are an error to the one who comes second.
        async with self.send_lock:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self.stream.send_eof()


class _Refused(Exception):
    """The request breaks a limit; it is answered with `status` and the connection ends."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Http11(H11Protocol):
    """HTTP/1.1 and nothing else, with limits."""

    limits: Limits

    async def handle(self, event: Event) -> None:
        try:
            await super().handle(event)
        except _Refused as refusal:
            await self._send_error_response(refusal.status)
            await self.send(Closed())

    async def _check_protocol(self, event: h11.Request) -> None:
        status = refusal(event, self.limits)
        if status is not None:
            raise _Refused(status)

    async def _create_stream(self, request: h11.Request) -> None:
        headers = [(name, value) for name, value in request.headers if name != b"upgrade"]
        plain = h11.Request(
            method=request.method, headers=headers, target=request.target, http_version=request.http_version
        )
        await super()._create_stream(plain)

    async def _send_error_response(self, status_code: int) -> None:
        unread = self.connection.their_state is h11.ERROR
        if status_code == 431 and unread and b"\n" not in self.connection.trailing_data[0]:
            status_code = 414  # not even the first line had come to its end
        body = error_body(*reason(status_code, self.limits))
        headers = [*BARE_HEADERS, (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        headers += self.config.response_headers("h11")
        await self._send_h11_event(h11.Response(status_code=status_code, headers=headers))
        await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())


def _reset(stream: trio.SocketStream) -> None:
    """Close the socket at once; unsent data is thrown away and the client sees a reset. Harmless when closed."""
    with suppress(OSError):
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.socket.close()


def _leaves(group: BaseExceptionGroup[Any]) -> Any:  # noqa: ANN401  # an iterator of exceptions
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _config(limits: Limits, log: ServiceLog) -> Config:
    config = Config()
    config.include_server_header = False
    # A full queue would block the last send of an app that does not read the body, and nothing would ever end that.
    # Quart reads at once and keeps no more than its own limit, so nothing gathers here.
    config.max_app_queue_size = math.inf  # type: ignore[assignment]
    config.keep_alive_timeout = limits.header_seconds
    config.h11_max_incomplete_size = limits.header_bytes + limits.target_bytes
    config.logger_class = cast("Any", lambda _: HypercornLog(log))
    return config
