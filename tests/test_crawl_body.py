"""Bodies as they come in: unpacked within bounds."""

import gzip
import os
import tracemalloc
import zlib

import pytest

from quaero_cli.crawl.body import Body, BodyProblem

TEXT = os.urandom(2000) + bytes(2000)


def _raw(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(data) + machine.flush()


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("encoding", "wire"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        (" X-GZIP ", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:1500]) + gzip.compress(TEXT[1500:])),
        ("gzip", gzip.compress(TEXT) + b"\0" * 50),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", _raw(TEXT)),
    ],
)
def test_bodies_are_unpacked(encoding: str, wire: bytes, step: int) -> None:
    """Compressed pages would come out as rubbish, or depend on how the network cuts them."""
    body = Body(encoding, limit=len(TEXT))
    for place in range(0, len(wire), step):
        body.feed(wire[place : place + step])
    assert body.finish() == TEXT


@pytest.mark.parametrize(("encoding", "pack"), [("", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_the_limit_is_exact(encoding: str, pack: "type[bytes]") -> None:
    """A page of just the allowed size would be refused, or a larger one let through."""
    for size, fits in ((1000, True), (1001, False)):
        body = Body(encoding, limit=1000)
        if fits:
            body.feed(pack(b"x" * size))
            assert len(body.finish()) == size
        else:
            with pytest.raises(BodyProblem, match="larger than 1000 bytes") as caught:
                body.feed(pack(b"x" * size))
            assert caught.value.too_large


def test_truncation() -> None:
    """A huge robots.txt would be refused instead of read as far as needed."""
    body = Body("gzip", limit=1000, truncate=True)
    body.feed(gzip.compress(b"x" * 5000))
    body.feed(b"whatever")
    assert (body.full, body.finish()) == (True, b"x" * 1000)


def test_a_bomb_costs_no_memory() -> None:
    """One small response would fill the machine's memory."""
    wire = gzip.compress(bytes(200 << 20))
    tracemalloc.start()
    try:
        body = Body("gzip", limit=10 << 20)
        with pytest.raises(BodyProblem, match="unpacks to more than 100 times its size") as caught:
            body.feed(wire)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.too_large
    assert peak < 32 << 20


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "x" * 100])
def test_other_encodings_are_refused(encoding: str) -> None:
    """An encoding that cannot be bounded would be unpacked, or compressed bytes be read as a page."""
    with pytest.raises(BodyProblem, match="was not asked for"):
        Body(encoding, limit=10)


def test_damage_is_told() -> None:
    """Half a page would be stored as the whole."""
    body = Body("gzip", limit=10_000)
    body.feed(gzip.compress(TEXT)[:-10])
    with pytest.raises(BodyProblem, match="stops in the middle"):
        body.finish()
    with pytest.raises(BodyProblem, match="damaged compression"):
        Body("gzip", limit=10).feed(b"not gzip at all")
    assert Body("gzip", limit=10).finish() == b""
