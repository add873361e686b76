"""engine/lines.py: nothing of a child's output may be lost, whatever the bytes and however they are chunked."""

import re
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quaero_cli.engine.lines import LineSplitter, Piece

LIMIT = 16  # small, so that cutting is the usual case
NASTY = st.one_of(
    st.binary(max_size=60),
    st.text(alphabet="aé€😀\n\r\0", max_size=60).map(str.encode),
    st.lists(st.sampled_from([b"\r\n", b"\n", b"\xff", b"\xed\xa0\x80", b"\xe2\x82", b"\0", b"x" * 15])).map(
        b"".join
    ),
)


def split(data: bytes, sizes: list[int], limit: int = LIMIT) -> list[Piece]:
    """Feed `data` in chunks of the given sizes, over and over."""
    splitter = LineSplitter(limit)
    pieces = []
    position = turn = 0
    while position < len(data):
        size = sizes[turn % len(sizes)]
        pieces += splitter.feed(data[position : position + size])
        position, turn = position + size, turn + 1
    return pieces + splitter.finish()


def joined(pieces: list[Piece]) -> list[str]:
    """Whole lines from pieces."""
    lines, head = [], ""
    for text, continued in pieces:
        head += text
        if not continued:
            lines.append(head)
            head = ""
    assert not head, "the last piece must not be continued"
    return lines


def unescaped(text: str) -> bytes:
    r"""Undo `\xNN` (the data under test never holds those four characters)."""
    parts = re.split(r"(\\x[0-9a-f]{2})", text)
    return b"".join(bytes.fromhex(p[2:]) if p.startswith("\\x") else p.encode() for p in parts)


def expected(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    last = lines.pop()
    return [line.removesuffix(b"\r") for line in lines] + ([last] if last else [])


@given(NASTY, st.lists(st.integers(1, 40), min_size=1, max_size=5))
@example(b"x" * LIMIT + b"\r\n", [LIMIT + 1, 1])
@example(b"x" * LIMIT + b"\ry", [1])
@example("😀".encode() * 9, [3])
def test_every_byte_is_found_again(data, sizes):
    """A byte of a child's output would be lost, or two lines would run together."""
    if b"\\" in data:
        return
    assert [unescaped(line) for line in joined(split(data, sizes))] == expected(data)


@given(NASTY, st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_pieces_are_storable_bounded_and_full(data, sizes):
    """An entry would be too large for the store, or could not be read again."""
    pieces = split(data, sizes)
    for text, continued in pieces:
        size = len(text.encode())  # a lone surrogate would raise here
        assert size <= LIMIT
        assert "\0" not in text
        assert not continued or size > LIMIT - 4, "a continued piece is as full as a character allows"


@given(NASTY, st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_chunking_does_not_matter(data, sizes):
    """The same program would log different entries on a busy machine."""
    assert split(data, sizes) == split(data, [len(data) + 1])


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"a\r\nb\rc\r\r\nd\r", ["a", "b\rc\r", "d\r"]),
        (b"\xffok\n", ["\\xffok"]),
        (b"a\0b\n", ["a\\x00b"]),
        ("grün €\n".encode(), ["grün €"]),
    ],
)
def test_what_a_line_is(data, lines):
    """Blank lines, Windows line ends, progress bars or umlauts would look wrong in the log."""
    assert [text for text, _ in split(data, [1000], limit=1000)] == lines


def test_long_line_is_marked():
    """A reader could not join the pieces of a long line again."""
    pieces = split(b"a" * 40 + b"\nb\n", [7])
    assert [(len(text), continued) for text, continued in pieces] == [(16, True), (16, True), (8, False), (1, False)]


@pytest.mark.parametrize("unit", [b"x" * 65536, b"\xff" * 65536, "€".encode() * 21845 + b"\0"])
def test_100_megabytes_without_newline_keep_memory_flat(unit):
    """One endless line (a disk image sent to stdout) would eat the runner's memory."""
    splitter = LineSplitter()
    characters = 0
    tracemalloc.start()
    try:
        for _ in range(100 * 1024 * 1024 // len(unit) + 1):
            characters += sum(len(text) for text, _ in splitter.feed(unit))
        characters += sum(len(text) for text, _ in splitter.finish())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert characters >= 1600 * 21845
    assert peak < 32 * len(unit), "memory must not grow with the line"
