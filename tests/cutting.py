"""A proxy that cuts connections at seeded places: in the midst of a message, of a handshake, of anything."""

import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import trio

_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets the connection


@dataclass
class Cutter:
    """Forwards from `port` to `target`, until `left` connections have been cut."""

    target: int
    chance: Random
    left: int
    most: int  # bytes that a connection may carry, either way, while there are cuts left
    port: int = 0
    done: trio.Event = field(default_factory=trio.Event)

    async def serve(self, listener: trio.SocketListener) -> None:
        """Serve until cancelled."""
        async with trio.open_nursery() as nursery:
            await trio.serve_listeners(self._connection, [listener], handler_nursery=nursery)

    async def _connection(self, near: trio.SocketStream) -> None:
        try:
            far = await trio.open_tcp_stream("127.0.0.1", self.target)
        except OSError:
            return
        budget = [self.chance.randint(1, self.most)]
        async with near, far:
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._pump, near, far, budget, nursery.cancel_scope)
                    nursery.start_soon(self._pump, far, near, budget, nursery.cancel_scope)
            except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                pass

    async def _pump(
        self, source: trio.SocketStream, sink: trio.SocketStream, budget: list[int], scope: trio.CancelScope
    ) -> None:
        async for data in source:
            if self.left > 0:
                part, budget[0] = data[: budget[0]], budget[0] - len(data)
                await sink.send_all(part)
                if budget[0] <= 0:
                    self._cut(source, sink)
                    scope.cancel()
                    return
            else:
                self.done.set()
                await sink.send_all(data)
        scope.cancel()

    def _cut(self, *streams: trio.SocketStream) -> None:
        self.left -= 1
        if self.chance.random() < 0.5:
            for stream in streams:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)


@asynccontextmanager
async def cutting(target: int, chance: Random, cuts: int, most: int = 20_000) -> AsyncGenerator[Cutter, None]:
    """Run a proxy to a port of this machine."""
    cutter = Cutter(target, chance, cuts, most)
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        cutter.port = listener.socket.getsockname()[1]
        nursery.start_soon(cutter.serve, listener)
        yield cutter
        nursery.cancel_scope.cancel()
