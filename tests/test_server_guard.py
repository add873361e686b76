"""The guard around applications that misbehave: one bad connection ends alone, and it always stops."""

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

import pytest
import trio
import trio.testing
from serving import NEVER, PATIENCE, Client

from quaero_cli.server.guard import HOOKS, Guard
from quaero_cli.server.limits import Limits


async def test_hooks_exist_in_the_pinned_versions():
    """A new Hypercorn whose insides moved would run unguarded: this says so before it ships."""
    assert version("hypercorn") == "0.18.0"
    assert version("quart-trio") == "0.12.0"
    for owner, names in HOOKS.items():
        for name in names:
            assert hasattr(owner, name), f"{owner.__name__}.{name}"
    with trio.socket.socket() as made:
        assert isinstance(made._sock, socket.socket)  # which sends without waiting (`Connection.send_now`)


@asynccontextmanager
async def guarded(app: Callable, limits: Limits) -> AsyncGenerator[tuple[Guard, Callable, list], None]:
    """A guard alone around `app`; yields it, a function that connects, and what it logged."""
    said: list = []
    guard = Guard(app, limits=limits, log=lambda *line: said.append(line))
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, guard.handle, 0)
        port = listeners[0].socket.getsockname()[1]

        async with AsyncExitStack() as stack:

            async def connect() -> Client:
                return Client(await stack.enter_async_context(await trio.open_tcp_stream("127.0.0.1", port)))

            yield guard, connect, said
        with trio.fail_after(PATIENCE):
            await guard.stop()
        nursery.cancel_scope.cancel()


async def _until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(PATIENCE):
        while not condition():
            await trio.lowlevel.checkpoint()


_HEADERS = [("Host", "x")]


async def _endless(scope, receive, send):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_send_on, send)
        while (await receive())["type"] != "http.disconnect":
            pass
        nursery.cancel_scope.cancel()


async def _send_on(send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})


async def test_errors_are_contained():
    """An error in one answer would end every other connection; or the log would hold what the client sent."""

    async def broken(scope, receive, send):
        if scope["path"] == "/good":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        await send({"type": "http.response.body", "body": b"too much", "more_body": True})

    async with guarded(broken, Limits()) as (guard, connect, said):
        bystander = await connect()
        client = await connect()
        await client.send("GET", "/secret-token", _HEADERS)
        assert await client.rest()
        await bystander.send("GET", "/good", _HEADERS)
        assert (await bystander.answer()).status == 200
        assert said
        assert "secret-token" not in repr(said)
        await bystander.stream.aclose()
        await _until(lambda: not guard.live)


async def test_stalled_reader_is_evicted():
    """A reader that stops reading would keep its connection, and what is sent to it, for ever."""
    async with guarded(_endless, Limits(send_seconds=0.2)) as (guard, connect, _):
        client = await connect()
        await client.send("GET", "/", _HEADERS)
        await _until(lambda: bool(guard.live))
        await _until(lambda: not guard.live)
        assert guard.take_counts() == {"stopped reading": 1}
        assert (await client.rest()).endswith(b"<reset>")


async def test_slow_reader_is_kept(mock_clock):
    """A reader on a bad line would be thrown out although it reads on."""
    limits = Limits(send_seconds=0.5, send_slice_bytes=16 * 1024)
    async with guarded(_endless, limits) as (guard, connect, _):
        client = await connect()
        client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        await client.send("GET", "/", _HEADERS)
        while trio.current_time() < 3 * limits.send_seconds:
            await client.stream.receive_some(64 * 1024)
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(limits.send_seconds / 10)
        assert guard.live
        assert not guard.take_counts()
        mock_clock.rate = 1


@pytest.mark.parametrize("stalled", [0, 20])
async def test_stop_is_bounded(stalled):
    """One reader that does not read would keep the server from ever stopping."""
    async with guarded(_endless, Limits(send_seconds=NEVER, grace_seconds=0.2)) as (guard, connect, _):
        clients = [await connect() for _ in range(stalled)]
        for client in clients:
            await client.send("GET", "/", _HEADERS)
        idle = await connect()
        await _until(lambda: len(guard.live) == stalled + 1)
        with trio.fail_after(PATIENCE):
            await guard.stop()
            await _until(lambda: not guard.live)
        assert await idle.rest() == b""


async def test_closed_connections_are_forgotten_at_once():
    """Short connections would pile up for the idle time each, until the limit is reached."""
    async with guarded(_endless, Limits(header_seconds=NEVER, connections=5)) as (guard, connect, _):
        for _ in range(20):
            client = await connect()
            await client.stream.aclose()
            await _until(lambda: not guard.live)
        assert not guard.take_counts()


async def test_connections_over_the_limit_are_refused():
    """A flood of connections would take every file of the process."""
    async with guarded(_endless, Limits(connections=3)) as (guard, connect, _):
        clients = [await connect() for _ in range(3)]
        await _until(lambda: len(guard.live) == 3)
        extra = await connect()
        assert await extra.rest() in (b"", b"<reset>")
        assert guard.take_counts() == {"too many connections": 1}
        await clients[0].stream.aclose()
        await _until(lambda: len(guard.live) == 2)
        await connect()
        await _until(lambda: len(guard.live) == 3)
