"""gzip of streams: for whom, and that every event can be read when it comes."""

import socket
import zlib
from dataclasses import replace

import pytest
import trio
from serving import TOKEN, Client, read_events, running

from quaero_cli.server.compress import compressed, wants_gzip
from quaero_cli.server.serve import ServeOptions


@pytest.mark.parametrize(
    ("accept", "peer", "wanted"),
    [
        ("gzip", "192.0.2.1", True), ("gzip, deflate, br", "2001:db8::1", True),
        ("br;q=1, GZIP;q=0.5", "192.0.2.1", True),
        ("", "192.0.2.1", False), ("identity", "192.0.2.1", False), ("gzip;q=0", "192.0.2.1", False),
        ("gzip; q=0.0", "192.0.2.1", False), ("gzip", "127.0.0.1", False), ("gzip", "::1", False),
        ("gzip", None, False),
    ],
)  # fmt: skip
def test_who_is_sent_gzip(accept, peer, wanted):
    """A reader would get what it cannot read; or one on this machine would pay for nothing."""
    assert wants_gzip(accept, peer) is wanted


async def test_every_event_can_be_read_at_once():
    """A compressor that waits for more would hold a line back until the next thousand."""
    parts = [b"event: logs\ndata: %d\n\n" % number for number in range(100)]

    async def chunks():
        for part in parts:
            yield part

    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    seen = [unpacker.decompress(piece) async for piece in compressed(chunks())]
    assert seen == [*parts, b""]
    assert unpacker.eof


def _own_address() -> str | None:
    """An address of this machine that is not loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


@pytest.mark.skipif(_own_address() is None, reason="this machine has no address but loopback")
async def test_a_reader_on_another_machine(tmp_path):
    """A viewer over a slow line would load ten times what it must."""
    address = _own_address()
    async with running(tmp_path, options=ServeOptions(host="0.0.0.0", port=0, token=TOKEN)) as web:
        web.add_job("j1")
        web.log("j1", *["the same line again and again"] * 2000)
        web.finish("j1")
        sizes = {}
        for encoding in ("gzip", "identity"):
            stream = await trio.open_tcp_stream(address, web.bound.port)
            async with stream:
                client = Client(stream)
                outside = replace(web, bound=replace(web.bound, host=address))
                headers = [("Host", f"{address}:{web.bound.port}"), *outside.headers(Accept_Encoding=encoding)[1:]]
                await client.send("GET", "/api/logs/stream?scope=job&job_id=j1&limit=5000", headers)
                head = dict((await client.head()).headers)
                assert head[b"vary"] == b"Accept-Encoding"
                assert head.get(b"content-encoding") == (b"gzip" if encoding == "gzip" else None)
                body = b"".join([part async for part in client.body()])
            sizes[encoding] = len(body)
            text = zlib.decompress(body, 16 + zlib.MAX_WBITS) if encoding == "gzip" else body
            events = [event async for event in read_events(_once(text))]
            assert events[-1].name == "end"
            assert sum(len(event.data["logs"]) for event in events[1:] if event.name == "logs") == 2001
        assert sizes["gzip"] * 5 < sizes["identity"]


async def _once(text: bytes):
    yield text
