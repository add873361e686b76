"""One connection: its reader, what it sends and when that is too slow, and how it says goodbye.

The reader is the task that runs `Connection.run`; nobody else closes the socket in peace. Each connection is shielded
from outer cancellation; `Guard.stop` ends it.
"""

import errno
import socket
import struct
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import MAX_RECV, TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState
from hypercorn.utils import parse_socket_addr

from quaero_cli.server.http11 import Http11, Pieces
from quaero_cli.server.limits import Limits
from quaero_cli.server.wire import put_wire


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of a server have in common."""

    app: ASGIWrapper
    config: Config
    context: WorkerContext
    limits: Limits
    counts: Counter[str]  # what had to be refused, evicted, contained


class Connection(TCPServer):
    """One connection of a guarded server."""

    stream: trio.SocketStream  # type: ignore[assignment]  # there is no TLS here

    def __init__(self, shared: Shared, stream: trio.SocketStream) -> None:
        super().__init__(shared.app, shared.config, shared.context, ConnectionState({}), stream)  # type: ignore[arg-type]
        self.shared = shared
        self.scope = trio.CancelScope(shield=True)  # `Guard.stop` bounds it
        self._reading = trio.CancelScope()
        self._parting = False  # we have said our last word; what still comes is thrown away
        self._left: list[memoryview] = []  # of what was to be sent at once; goes before anything else

    async def run(self) -> None:
        peer = self.stream.socket
        try:
            client = parse_socket_addr(peer.family, peer.getpeername())
            server = parse_socket_addr(peer.family, peer.getsockname())
            async with TaskGroup() as group:
                self._task_group = group
                self.protocol = Http11(  # type: ignore[assignment]
                    _Wired(self.app, self), self.config, self.context, group, ConnectionState({}), False, client,
                    server, self.protocol_send,
                )  # fmt: skip
                self.protocol.limits = self.shared.limits  # type: ignore[attr-defined]
                await self.idle_task.restart(group, self._idle_timeout)
                await self._read_data()
                await self.idle_task.stop()
        except OSError as error:
            if error.errno not in (errno.ENOTCONN, errno.EBADF, errno.ECONNRESET, errno.EINVAL):
                raise
        finally:
            await self._close()

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, RawData | Pieces):
            try:
                self.send_lock.acquire_nowait()  # `async with` would let the whole loop turn once, for each event
            except trio.WouldBlock:
                await self.send_lock.acquire()
            try:
                alive = await self._send([event.data] if isinstance(event, RawData) else event.pieces)
            finally:
                self.send_lock.release()
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

    def send_now(self, chunk: bytes) -> bool:
        """Give the socket what it takes of a chunk without waiting; return whether that was all. See `wire`."""
        sent = 0
        if not self._left and not self.send_lock.locked():
            with suppress(OSError):  # it takes nothing now, or it is gone: whoever sends the rest will find out
                sent = self.stream.socket._sock.send(chunk)  # type: ignore[attr-defined]  # trio's own send may wait
        if sent < len(chunk):
            self._left.append(memoryview(chunk)[sent:])
        return not self._left

    async def send_rest(self) -> None:
        """Send what is left of that."""
        await self.protocol_send(Pieces(()))

    async def _send(self, pieces: Sequence[bytes]) -> bool:
        """Send all of it, as long as the client takes some of it in time; False when it is gone."""
        limits = self.shared.limits
        rest = [*self._left, *(memoryview(piece) for piece in pieces if piece)]
        self._left = []
        try:
            while rest:
                # Shielded: half a chunk on the wire would garble the stream. The deadline bounds it.
                with trio.move_on_after(limits.send_seconds, shield=True) as deadline:
                    rest = await self._send_some(rest, limits.send_slice_bytes)
                if deadline.cancelled_caught:
                    self.shared.counts["stopped reading"] += 1
                    reset(self.stream)
                    return False
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    async def _send_some(self, views: list[memoryview], least: int) -> list[memoryview]:
        """Send at least so many bytes, if there are as many; return the rest. In one call, without joining them."""
        while views and least > 0:
            sent = await self.stream.socket.sendmsg(views)
            least -= sent
            while views and sent >= len(views[0]):
                sent -= len(views.pop(0))
            if sent:
                views[0] = views[0][sent:]
        return views

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
        self._reading.deadline = trio.current_time() + self.shared.limits.linger_seconds
        if self.context.terminated.is_set():
            self.hasten()
        # With the lock: the app may be sending, and two senders at once are an error to the one who comes second.
        async with self.send_lock:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self.stream.send_eof()

    def hasten(self) -> None:
        """The server stops: a client that has our last words gets less time to go by itself."""
        if self._parting:
            soon = trio.current_time() + self.shared.limits.last_linger_seconds
            self._reading.deadline = min(self._reading.deadline, soon)


class _Wired:
    """The application, as one connection asks it: each request knows the connection (see `wire`)."""

    def __init__(self, app: AppWrapper, connection: Connection) -> None:
        self._app = app
        self._connection = connection

    async def __call__(self, scope: Any, *rest: Any, **more: Any) -> None:  # noqa: ANN401  # Hypercorn's types
        put_wire(scope, self._connection)
        await self._app(scope, *rest, **more)


def reset(stream: trio.SocketStream) -> None:
    """Close the socket at once; unsent data is thrown away and the client sees a reset. Harmless when closed."""
    with suppress(OSError):
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.socket.close()
