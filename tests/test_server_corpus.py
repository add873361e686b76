"""Odd, broken and half requests: none ends the server, and none is a fault of ours."""

import random
import socket
import struct
from contextlib import suppress

import trio
import trio.testing
from oddrequests import CORPUS, HOST, PATIENT, filled, status_of
from serving import PATIENCE, running

from quaero_cli.server.limits import Limits


async def test_kill_corpus(tmp_path):
    """A single odd request would end the server for everybody."""
    async with running(tmp_path, limits=PATIENT) as web:
        for name, (data, status) in CORPUS.items():
            answer = await web.raw(filled(web, data))
            assert status is None or answer, name
            assert status is None or status_of(answer) == status, (name, answer[:200])
            assert b"Traceback" not in answer, name
            assert (await web.get("/api/health")).status == 200, name
        errors = [line for line in web.said if line[0] >= 40]
        assert not errors, errors


async def test_answers_and_goodbyes_do_not_collide(tmp_path):
    """A request that goes wrong while it is answered would be reported as a fault of ours."""
    async with running(tmp_path, limits=PATIENT) as web, trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(web.raw, filled(web, CORPUS["bad chunk"][0]))
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
    end = b" HTTP/1.1\r\n" + HOST + b"AUTH\r\nConnection: close\r\n\r\n"
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
        requests = iter([_mutated(rng, bytearray(filled(web, rng.choice(sources)))) for _ in range(number)])

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
                part = b"GET /api/logs/stream?scope=service HTTP/1.1\r\n" + HOST + b"AUTH\r\n\r\n"
                await client.stream.send_all(filled(web, part)[: None if number % 2 else 30])
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
