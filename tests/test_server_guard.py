"""The guard: one bad connection ends alone, no client holds the server up, and it always stops.

Most tests talk to the whole server over raw sockets; those that need an application that misbehaves bring a tiny one.
"""

import random
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib.metadata import version

import h2.config
import h2.connection
import pytest
import trio
import trio.testing
from serving import NEVER, PATIENCE, TOKEN, Client, Web, running

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


# ---------------------------------------------------------------------- the kill corpus


def _h2(*headers: tuple[bytes, bytes]) -> bytes:
    config = h2.config.H2Configuration(
        header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
    )
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    connection.send_headers(1, headers, end_stream=True)
    return connection.data_to_send()


_BASE = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"x"), (b":path", b"/api/health")]
_HOST = b"Host: HOST\r\n"
_WEBSOCKET = (
    b"GET /api/health HTTP/1.1\r\n" + _HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bKdPyn3u98cTfZJSh4TNeQ==\r\n"
)
# name -> (what is sent, the status line's code, or None where anything but a crash will do)
CORPUS: dict[str, tuple[bytes, int | None]] = {
    "h2 good": (_h2(*_BASE), None),
    "h2 path not ASCII": (_h2(*_BASE[:3], (b":path", b"/\xff\xfe")), None),
    "h2 query not ASCII": (_h2(*_BASE[:3], (b":path", b"/?\xff\xfe")), None),
    "h2 connect without path": (_h2((b":method", b"CONNECT"), (b":authority", b"x")), None),
    "h2 method not ASCII": (_h2((b":method", b"G\xffT"), *_BASE[1:]), None),
    "h2 authority not ASCII": (_h2(_BASE[0], _BASE[1], (b":authority", b"\xff\xfe"), _BASE[3]), None),
    "h2 empty path": (_h2(*_BASE[:3], (b":path", b"")), None),
    "h2 preface and garbage": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff", None),
    "h2c upgrade": (
        b"GET /api/health HTTP/1.1\r\n" + _HOST + b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        200,
    ),
    "h2c bad settings": (
        b"GET /api/health HTTP/1.1\r\n" + _HOST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: !!!!\r\n\r\n",
        200,
    ),
    "h2c no settings": (
        b"GET /api/health HTTP/1.1\r\n" + _HOST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n",
        200,
    ),
    "websocket": (_WEBSOCKET + b"Connection: close\r\n\r\n", 200),
    "websocket and a byte": (_WEBSOCKET + b"Connection: close\r\n\r\nX", 200),
    "websocket and frames": (_WEBSOCKET + b"\r\n\x81\x85\x01\x02\x03\x04abcde", 200),
    "websocket without a key": (
        b"GET /api/health HTTP/1.1\r\n" + _HOST + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
        200,
    ),
    "host not ASCII": (b"GET /api/health HTTP/1.1\r\nHost: \xff\xfe\r\nConnection: close\r\n\r\n", None),
    "no host": (b"GET /api/health HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /api/health HTTP/1.1\r\n" + _HOST + _HOST + b"\r\n", 400),
    "odd host": (b"GET /api/health HTTP/1.1\r\nHost: [::1]:99999999\r\nConnection: close\r\n\r\n", 421),
    "target not ASCII": (b"GET /\xff\xfe HTTP/1.1\r\n" + _HOST + b"\r\n", 400),
    "options star": (b"OPTIONS * HTTP/1.1\r\n" + _HOST + b"\r\n", 400),
    "absolute target": (b"GET http://evil/ HTTP/1.1\r\n" + _HOST + b"\r\n", 400),
    "connect": (b"CONNECT a:1 HTTP/1.1\r\n" + _HOST + b"\r\n", 400),
    "bad percent": (b"GET /%zz%ff%00 HTTP/1.1\r\n" + _HOST + b"Connection: close\r\n\r\n", 401),
    "header splitting": (b"GET /static/%0d%0aX:1 HTTP/1.1\r\n" + _HOST + b"Connection: close\r\n\r\n", 404),
    "tls hello": (b"\x16\x03\x01\x02\x00\x01\x00", None),
    "garbage": (b"\x00\xff" * 100 + b"\r\n\r\n", 400),
    "url of 5 KB": (b"GET /?" + b"a" * 5000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n", 414),
    "url of 20 KB": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n", 414),
    "url of 200 KB": (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n", 414),
    "900 headers": (b"GET / HTTP/1.1\r\n" + _HOST + b"".join(b"x-%d: 1\r\n" % i for i in range(900)) + b"\r\n", 431),
    "33 KB of headers": (b"GET / HTTP/1.1\r\n" + _HOST + b"x: " + b"a" * 33_000 + b"\r\n\r\n", 431),
    "endless header": (b"GET / HTTP/1.1\r\n" + _HOST + b"x: " + b"a" * 100_000, 431),
    "both lengths": (
        b"POST /api/health HTTP/1.1\r\n"
        + _HOST
        + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (
        b"POST /api/health HTTP/1.1\r\n" + _HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        400,
    ),
    "length of 19 digits": (
        b"POST /api/health HTTP/1.1\r\n" + _HOST + b"Content-Length: " + b"9" * 19 + b"\r\n\r\n",
        413,
    ),
    "length of 5000 digits": (
        b"POST /api/health HTTP/1.1\r\n" + _HOST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        400,
    ),
    "negative length": (b"POST /api/health HTTP/1.1\r\n" + _HOST + b"Content-Length: -1\r\n\r\n", 400),
    "unknown encoding": (b"POST / HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "bad chunk": (b"POST /api/health HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", None),
    "cookie garbage": (
        b"GET /api/health HTTP/1.1\r\n" + _HOST + b"Cookie: \xff=\xfe;;;=\r\nConnection: close\r\n\r\n",
        200,
    ),
    "huge number": (
        b"GET /api/logs/stream?limit="
        + b"9" * 3000
        + b" HTTP/1.1\r\n"
        + _HOST
        + b"AUTH\r\nConnection: close\r\n\r\n",
        400,
    ),
    "expect continue": (
        b"GET /api/health HTTP/1.1\r\n" + _HOST + b"Expect: 100-continue\r\nConnection: close\r\n\r\n",
        100,
    ),
    "http/1.0": (b"GET /api/health HTTP/1.0\r\n" + _HOST + b"\r\n", 200),
    "http/0.9": (b"GET /api/health\r\n\r\n", 400),
    "http/3": (b"GET /api/health HTTP/3.0\r\n" + _HOST + b"\r\n", None),
}
# Enough for a client that was put to sleep between sending and reading, on a machine that has much to do.
_PATIENT = Limits(header_seconds=2, body_seconds=2, linger_seconds=3)


def _filled(web: Web, data: bytes) -> bytes:
    host = f"127.0.0.1:{web.bound.port}".encode()
    return data.replace(b"HOST", host).replace(b"AUTH", f"Authorization: Bearer {TOKEN}".encode())


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_kill_corpus(tmp_path):
    """A single odd request would end the server for everybody."""
    async with running(tmp_path, limits=_PATIENT) as web:
        for name, (data, status) in CORPUS.items():
            answer = await web.raw(_filled(web, data))
            assert status is None or answer, name
            assert status is None or _status(answer) == status, (name, answer[:200])
            assert b"Traceback" not in answer, name
            assert (await web.get("/api/health")).status == 200, name
        errors = [line for line in web.said if line[0] >= 40]
        assert not errors, errors


async def test_answers_and_goodbyes_do_not_collide(tmp_path):
    """A request that goes wrong while it is answered would be reported as a fault of ours."""
    async with running(tmp_path, limits=_PATIENT) as web, trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(web.raw, _filled(web, CORPUS["bad chunk"][0]))
    assert not [line for line in web.said if line[0] >= 40]


def _mutated(rng: random.Random, data: bytearray) -> bytes:
    """Change a request in up to eight places."""
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(len(data) or 1)
        match rng.randrange(3):
            case 0:
                data[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[place : place + 1]
            case 2:
                data[place:place] = rng.choice([b"\r\n", b"\0", b" ", b":", b"\xff", b"chunked"])
    return bytes(data)


async def test_mutated_requests(tmp_path, campaign):
    """Something between a request and noise would end the server, or be answered with 500."""
    seed = 20_260_115
    rng = random.Random(seed)
    sources = [data for data, _ in CORPUS.values() if len(data) < 2000]
    end = b" HTTP/1.1\r\n" + _HOST + b"AUTH\r\nConnection: close\r\n\r\n"
    for target in (
        b"logs/stream?scope=job&job_id=j1&limit=5", b"logs?scope=job&job_id=j1", b"search?q=a&limit=5",
        b"logs/streams?stream=scope%3Djob%26job_id%3Dj1", b"logs?scope=job&job_id=j1&around=1&q=%C3%A4&level=warn",
        b"jobs?status=running&limit=3&before=j1", b"jobs/j1/map?parts=7", b"jobs/j1/errors?limit=2",
        b"jobs/j1/hits?q=a&level=debug", b"jobs/j1/lines/1", b"jobs/j1/artifacts/fetch/a.txt", b"jobs/j1/logs.ndjson",
        b"documents?q=a&limit=1&offset=1&since=2026-01-01T00:00:00Z", b"documents/1", b"job-definitions/hello",
    ):  # fmt: skip
        sources.append(b"GET /api/" + target + end)
    async with running(tmp_path, limits=Limits(header_seconds=0.2, linger_seconds=0.1)) as web:
        web.add_job("j1")
        web.finish("j1")
        number = campaign(300, 20_000)
        requests = iter([_mutated(rng, bytearray(_filled(web, rng.choice(sources)))) for _ in range(number)])

        async def send() -> None:
            for data in requests:
                async with web.connect() as client:
                    await client.stream.send_all(data)
                    with suppress(trio.BrokenResourceError, OSError):  # it has hung up already
                        await client.stream.send_eof()
                    with trio.fail_after(PATIENCE):
                        answer = await client.rest()
                assert not answer.startswith(b"HTTP/1.1 500"), (seed, data, answer[:300])

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(send)
        assert (await web.get("/api/health")).status == 200, seed
        assert not [line for line in web.said if line[0] >= 40], seed


async def test_reset_storm(tmp_path):
    """Clients that vanish in the middle of things would leave connections or errors behind."""
    async with running(tmp_path) as web:
        for number in range(200):
            async with web.connect() as client:
                part = b"GET /api/logs/stream?scope=service HTTP/1.1\r\n" + _HOST + b"AUTH\r\n\r\n"
                await client.stream.send_all(_filled(web, part)[: None if number % 2 else 30])
                if number % 4 == 1:
                    await client.stream.receive_some(10)
                linger = struct.pack("ii", 1, 0)
                client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        async with web.events("scope=service") as events:
            async for event in events:
                if not isinstance(event, int) and event.name == "status":
                    # The others' ends may still be on their way.
                    if event.data["service"]["streams"] == 1:
                        break
                    web.log(None, "look again")
        assert not [line for line in web.said if line[0] >= 40]


# ---------------------------------------------------------------------- limits and closing


async def test_limits_answer_with_json(tmp_path):
    """A script that hits a limit would get an empty answer and not know which."""
    async with running(tmp_path, limits=_PATIENT) as web:
        for name, word in (
            ("url of 20 KB", "4096 bytes"),
            ("900 headers", "100 fields"),
            ("length of 19 digits", "65536"),
        ):
            answer = await web.raw(_filled(web, CORPUS[name][0]))
            head, _, body = answer.partition(b"\r\n\r\n")
            assert b'"error"' in body
            assert word.encode() in body
            assert b"nosniff" in head


async def test_connection_close_ends_at_once(tmp_path):
    """A client that waits for the end of the connection would hang."""
    requests = [
        b"GET /api/health HTTP/1.1\r\n" + _HOST + b"Connection: close\r\n\r\n",
        b"HEAD /api/health HTTP/1.1\r\n" + _HOST + b"Connection: close\r\n\r\n",
        b"GET /api/jobs HTTP/1.1\r\n" + _HOST + b"Connection: close\r\n\r\n",
        b"POST /api/jobs HTTP/1.1\r\n" + _HOST + b"AUTH\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"GET /api/health HTTP/1.0\r\n" + _HOST + b"\r\n",
    ]
    # With limits so large, only a close that happens by itself comes before the test is out of patience.
    slow = Limits(header_seconds=NEVER, linger_seconds=NEVER)
    async with running(tmp_path, limits=slow) as web:
        for request in requests * 4:
            await web.raw(_filled(web, request))


async def test_slow_heads_are_closed(tmp_path):
    """A client that sends a byte a minute would keep its connection for ever, most of all on its second request."""
    async with running(tmp_path, limits=Limits(header_seconds=0.2)) as web:
        for answered in (0, 1, 3):
            async with web.connect() as client:
                for _ in range(answered):
                    await client.send("GET", "/api/health", web.headers())
                    assert (await client.answer()).status == 200
                await client.stream.send_all(b"GET /api/he")
                with trio.fail_after(PATIENCE):
                    assert await client.rest() == b""


async def test_slow_bodies_are_answered(tmp_path):
    """A client that never sends the rest of its body would keep a request open for ever."""
    async with running(tmp_path, limits=Limits(body_seconds=0.2, linger_seconds=0.1)) as web:
        head = b"POST /api/job-definitions/hello/execute HTTP/1.1\r\n" + _HOST + b"AUTH\r\n"
        lengths = (b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
        for length in lengths:
            assert _status(await web.raw(_filled(web, head + length))) == 408


async def test_large_bodies_are_refused(tmp_path):
    """A large upload would fill the memory; or its client would see a reset instead of the reason."""
    async with running(tmp_path, limits=Limits(linger_seconds=NEVER)) as web:
        head = b"POST /api/job-definitions/hello/execute HTTP/1.1\r\n" + _HOST + b"AUTH\r\n"
        announced = head + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000
        chunk = b"%x\r\n%b\r\n" % (50_000, b"x" * 50_000)
        in_chunks = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 6 + b"0\r\n\r\n"
        for data in (announced, in_chunks):
            async with web.connect() as client:
                with trio.fail_after(PATIENCE):
                    await client.stream.send_all(_filled(web, data))
                    await client.stream.send_eof()
                    assert _status(await client.rest()) == 413


async def test_stopping_waits_for_no_client_to_hang_up(tmp_path):
    """Clients keep a connection for the next request: with one viewer, the server took its second for every stop."""
    patient = Limits(linger_seconds=NEVER, grace_seconds=NEVER)
    async with running(tmp_path, limits=patient) as web, web.connect() as served, web.connect() as viewer:
        await served.send("GET", "/api/health", [*web.headers(), ("Connection", "close")])
        assert (await served.rest()).endswith(b'{"status":"ok"}')
        await viewer.send("GET", "/api/logs/stream?scope=service", web.headers())
        assert (await viewer.head()).status_code == 200
        web.stop.set()
        assert b"event: shutdown" in await viewer.rest()
        with trio.fail_after(PATIENCE):
            await web.says("Server stopped")


async def test_many_small_chunks_to_a_refused_route(tmp_path):
    """A body that nobody reads would block the last send, and the connection with it, for ever."""
    async with running(tmp_path, limits=Limits(header_seconds=NEVER, linger_seconds=0.1)) as web:
        data = b"POST /api/jobs HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 5000
        assert _status(await web.raw(_filled(web, data))) == 401


async def test_kept_connections_serve_many_requests(tmp_path):
    """Keep-alive or pipelining would break, and each request cost a connection."""
    async with running(tmp_path) as web, web.connect() as client:
        for _ in range(5):
            await client.send("GET", "/api/health", web.headers())
            assert (await client.answer()).status == 200
        one = _filled(web, b"GET /api/health HTTP/1.1\r\n" + _HOST + b"\r\n")
        upgrade = _filled(web, _WEBSOCKET + b"\r\n")
        last = _filled(web, b"GET /api/health HTTP/1.1\r\n" + _HOST + b"Connection: close\r\n\r\n")
        with trio.fail_after(PATIENCE):
            await client.stream.send_all(one + upgrade + one + last)
            assert (await client.rest()).count(b'{"status":"ok"}') == 4


# ---------------------------------------------------------------------- applications that misbehave


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
