"""Draws that come out the same everywhere: one small class, and nothing else may decide by chance in the demo site.

Only `random.random()` is used, because it alone is promised to keep its sequence between Python versions (`choice`
and `shuffle` are not), and a text seed, because it is hashed by SHA-512 rather than by the salted `hash()`.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """A sequence of draws that depends on its key alone."""

    def __init__(self, *key: object) -> None:
        self._random = Random(":".join(map(str, key))).random

    def below(self, limit: int) -> int:
        """Return a whole number from 0 to `limit - 1`."""
        return int(self._random() * limit)

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self._random() < probability

    def pick(self, items: Sequence[T]) -> T:
        """Return one of `items`."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return all `items` in an order of chance (Fisher and Yates)."""
        deck = list(items)
        for last in range(len(deck) - 1, 0, -1):
            other = self.below(last + 1)
            deck[last], deck[other] = deck[other], deck[last]
        return deck
