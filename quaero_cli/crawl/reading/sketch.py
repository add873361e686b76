"""A small fingerprint of a text, by which near-duplicates are told: the same agency report in two papers' wording.

All groups of three words are hashed and dealt into bins; of each bin the least hash is kept. Two texts agree in a bin
about as often as they have a group in common (MinHash, one permutation; an empty bin borrows from the next one).
"""

import re
import zlib

# Numbers in a fingerprint: tells 0.8 from 0.6 in nineteen cases of twenty.
SIZE = 32
_WORD = re.compile(r"\w+")
# Shorter texts are too much like each other by chance.
_LEAST_WORDS = 50


def sketch(text: str) -> list[int]:
    """The fingerprint, a number for each bin; empty for a text that is too short to be compared."""
    words = _WORD.findall(text.casefold())
    if len(words) < _LEAST_WORDS:
        return []
    groups = set(zip(words, words[1:], words[2:], strict=False))
    hashes = sorted((zlib.crc32(" ".join(group).encode()) for group in groups), reverse=True)
    bins = {number % SIZE: number // SIZE for number in hashes}  # the last one of a bin is the least
    filled = next(number for number in range(SIZE) if number in bins)
    found = [0] * SIZE
    lender = bins[filled]
    for number in range(SIZE - 1, -1, -1):
        lender = found[number] = bins.get(number, lender)
    return found
