"""Limits of requests, and when a connection ends: with the reason, at once, and never later than it may."""

import trio
import trio.testing
from oddrequests import CORPUS, HOST, PATIENT, WEBSOCKET, filled, status_of
from serving import NEVER, PATIENCE, running

from quaero_cli.server.limits import Limits


async def test_limits_answer_with_json(tmp_path):
    """A script that hits a limit would get an empty answer and not know which."""
    async with running(tmp_path, limits=PATIENT) as web:
        for name, word in (
            ("url of 20 KB", "4096 bytes"),
            ("900 headers", "100 fields"),
            ("length of 19 digits", "65536"),
        ):
            answer = await web.raw(filled(web, CORPUS[name][0]))
            head, _, body = answer.partition(b"\r\n\r\n")
            assert b'"error"' in body
            assert word.encode() in body
            assert b"nosniff" in head


async def test_connection_close_ends_at_once(tmp_path):
    """A client that waits for the end of the connection would hang."""
    requests = [
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
        b"HEAD /api/health HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
        b"GET /api/jobs HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
        b"POST /api/jobs HTTP/1.1\r\n" + HOST + b"AUTH\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"GET /api/health HTTP/1.0\r\n" + HOST + b"\r\n",
    ]
    # With limits so large, only a close that happens by itself comes before the test is out of patience.
    slow = Limits(header_seconds=NEVER, linger_seconds=NEVER)
    async with running(tmp_path, limits=slow) as web:
        for request in requests * 4:
            await web.raw(filled(web, request))


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
        head = b"POST /api/job-definitions/hello/execute HTTP/1.1\r\n" + HOST + b"AUTH\r\n"
        lengths = (b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
        for length in lengths:
            assert status_of(await web.raw(filled(web, head + length))) == 408


async def test_large_bodies_are_refused(tmp_path):
    """A large upload would fill the memory; or its client would see a reset instead of the reason."""
    async with running(tmp_path, limits=Limits(linger_seconds=NEVER)) as web:
        head = b"POST /api/job-definitions/hello/execute HTTP/1.1\r\n" + HOST + b"AUTH\r\n"
        announced = head + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000
        chunk = b"%x\r\n%b\r\n" % (50_000, b"x" * 50_000)
        in_chunks = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 6 + b"0\r\n\r\n"
        for data in (announced, in_chunks):
            async with web.connect() as client:
                with trio.fail_after(PATIENCE):
                    await client.stream.send_all(filled(web, data))
                    await client.stream.send_eof()
                    assert status_of(await client.rest()) == 413


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
        data = b"POST /api/jobs HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 5000
        assert status_of(await web.raw(filled(web, data))) == 401


async def test_kept_connections_serve_many_requests(tmp_path):
    """Keep-alive or pipelining would break, and each request cost a connection."""
    async with running(tmp_path) as web, web.connect() as client:
        for _ in range(5):
            await client.send("GET", "/api/health", web.headers())
            assert (await client.answer()).status == 200
        one = filled(web, b"GET /api/health HTTP/1.1\r\n" + HOST + b"\r\n")
        upgrade = filled(web, WEBSOCKET + b"\r\n")
        last = filled(web, b"GET /api/health HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        with trio.fail_after(PATIENCE):
            await client.stream.send_all(one + upgrade + one + last)
            assert (await client.rest()).count(b'{"status":"ok"}') == 4
