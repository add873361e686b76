"""A small fingerprint of a text, by which near-duplicates are told: the same agency report in two papers' wording.

All groups of three words are hashed and dealt into bins; of each bin the least hash is kept. Two texts agree in a bin
about as often as they have a group in common (MinHash, one permutation; an empty bin borrows from the next one).
"""

import re
from zlib import crc32

# Numbers in a fingerprint: tells 0.8 from 0.6 in nineteen cases of twenty.
SIZE = 32
_WORD = re.compile(r"\w+")
# Shorter texts are too much like each other by chance.
_LEAST_WORDS = 50
# Of a hash that are kept; two groups that differ have them in common once in billions.
_BITS = 0xFFFFFFFF


def sketch(text: str) -> list[int]:
    """The fingerprint, a number for each bin; empty for a text that is too short to be compared."""
    words = _WORD.findall(text.casefold())
    if len(words) < _LEAST_WORDS:
        return []
    numbers = list(map(crc32, " ".join(words).encode().split(b" ")))
    # Of a group of numbers the hash is the same in every process.
    hashes = set(map(hash, zip(numbers, numbers[1:], numbers[2:], strict=False)))
    bins = {
        number % SIZE: number & _BITS for number in sorted(hashes, reverse=True)
    }  # the last of a bin is the least
    lender = bins[min(bins)]
    found = [0] * SIZE
    for number in range(SIZE - 1, -1, -1):
        lender = found[number] = bins.get(number, lender)
    return found
