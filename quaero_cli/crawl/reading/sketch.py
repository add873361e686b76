"""A small fingerprint of a text, by which near-duplicates are told: the same agency report in two papers' wording.

All groups of three words are hashed and dealt into bins; of each bin the least hash is kept. Two texts agree in a bin
about as often as they have a group in common (MinHash, one permutation; an empty bin borrows from the next one).
"""

from collections.abc import Iterable
from zlib import crc32

# Numbers in a fingerprint: tells 0.8 from 0.6 in nineteen cases of twenty.
SIZE = 32
# Shorter texts are too much like each other by chance.
_LEAST_WORDS = 50
# Of a hash that are kept; two groups that differ have them in common once in billions.
_BITS = 0xFFFFFFFF
# Hashes spread evenly over 64 bits, and the least of a bin is nearly always among the lowest three eighths of a long
# text's: the others need not be sorted.
_LOW = -(1 << 61)

# Where words end: in two steps instead of by a pattern for words, which takes as long as all else.
_ASCII_ENDS = bytes(byte if byte > 127 or chr(byte).isalnum() or byte == ord("_") else 32 for byte in range(256))
_OTHER_ENDS = "\u2019\u2018\u201c\u201d\u201e\u00ab\u00bb\u2013\u2014\u2026\u00a0\u00b7\u3001\u3002\uff0c"


def sketch(text: str) -> list[int]:
    """The fingerprint, a number for each bin; empty for a text that is too short to be compared."""
    numbers = list(map(crc32, _words(text)))
    if len(numbers) < _LEAST_WORDS:
        return []
    # Of a group of numbers the hash is the same in every process.
    groups = list(zip(numbers, numbers[1:], numbers[2:], strict=False))
    bins = _least(number for number in map(hash, groups) if number < _LOW)
    if len(bins) < SIZE:
        bins = _least(map(hash, groups))
    lender = bins[min(bins)]
    found = [0] * SIZE
    for number in range(SIZE - 1, -1, -1):
        lender = found[number] = bins.get(number, lender)
    return found


def _least(hashes: Iterable[int]) -> dict[int, int]:
    """The least of each bin: the last one that is put there."""
    return {number % SIZE: number & _BITS for number in sorted(hashes, reverse=True)}


def _words(text: str) -> list[bytes]:
    text = text.casefold()
    if not text.isascii():
        for end in _OTHER_ENDS:
            text = text.replace(end, " ")
    return text.encode("utf-8", "replace").translate(_ASCII_ENDS).split()
