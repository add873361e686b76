"""What a benchmark found, and whether that is good enough. Pure.

Four kinds of finding: a `Ratio` is judged by its target, a `Fact` is true or not, a `Promise` is a number with its
bound, a `Figure` is for reading only. `peer`: the best that is known of others in the same matter, for reading.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

# How much worse than its target a ratio may be in a smoke run: other work on the machine costs a factor of two.
SMOKE_SLACK = 3.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """A cost against the floor's: `ours` and `floor` are medians in `unit`, the quotient may be `target` at most."""

    what: str
    against: str
    ours: float
    floor: float
    unit: str
    target: float
    peer: str = ""

    @property
    def value(self) -> float:
        """How many times the floor's cost ours is. A floor of nothing makes any cost of ours endless."""
        if self.floor > 0:
            return self.ours / self.floor
        return float("inf") if self.ours > 0 else 1.0

    def bound(self, smoke: bool) -> float:
        """What it is judged by."""
        return self.target * (SMOKE_SLACK if smoke else 1.0)

    def holds(self, smoke: bool) -> bool:
        """Whether it is good enough. Not a number is not."""
        return self.value <= self.bound(smoke)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that must be so on any machine."""

    what: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """A number that may be `most` on a quiet machine of today. A smoke run shows it, but is not judged by it."""

    what: str
    value: float
    most: float
    unit: str
    peer: str = ""

    def holds(self, smoke: bool) -> bool:
        """Whether it is kept, as far as that counts. Not a number is not."""
        return smoke or self.value <= self.most


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that nobody is judged by."""

    what: str
    value: float
    unit: str


@dataclass(slots=True)
class Result:
    """All that one benchmark found; `error`: it broke; `notes`: what could not be measured here, and why."""

    name: str
    ratios: list[Ratio] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None

    def holds(self, smoke: bool) -> bool:
        """Whether every ratio, fact and promise held. A benchmark that judges nothing does not hold."""
        judged = [ratio.holds(smoke) for ratio in self.ratios] + [fact.holds for fact in self.facts]
        judged += [promise.holds(smoke) for promise in self.promises]
        return self.error is None and bool(judged) and all(judged)

    def only_slow(self) -> bool:
        """Whether nothing is wrong with it but that a smoke run's ratios are missed."""
        right = self.error is None and all(fact.holds for fact in self.facts)
        return right and bool(self.ratios) and not self.holds(smoke=True)


def median(values: Sequence[float]) -> float:
    """Return the median. Raises ValueError for nothing."""
    if not values:
        raise ValueError("nothing was measured")
    return float(statistics.median(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that at least so many percent do not exceed. Raises ValueError for nothing."""
    if not values:
        raise ValueError("nothing was measured")
    place = -(-len(values) * percent // 100)  # rounded up: the 99th percentile of ten is the largest
    return float(sorted(values)[max(1, int(place)) - 1])


def share_within(values: Sequence[float], limit: float) -> float:
    """Return which share of `values`, in percent, is not above `limit`. Raises ValueError for nothing."""
    if not values:
        raise ValueError("nothing was measured")
    return 100 * sum(value <= limit for value in values) / len(values)
