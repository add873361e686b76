"""What was asked of a running site: counts for tests, never shown over HTTP."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_MOST_TARGETS = 50_000  # different targets counted; a scan of made-up addresses must not eat the memory
_MOST_RECENT = 20_000  # requests remembered one by one


@dataclass(frozen=True, slots=True)
class Served:
    """One answered request."""

    method: str
    target: str  # path and query, as they were sent
    status: int
    size: int  # bytes of the body
    started: float  # trio's clock, seconds
    duration: float  # seconds from the whole request to the answer, its transport apart


@dataclass(slots=True)
class Traffic:
    """Counts of one site. `hits` and `recent` know a request before its answer is sent; the rest may lag behind."""

    hits: Counter[str] = field(default_factory=Counter)  # by target: path and query
    active: int = 0  # requests being answered
    peak: int = 0  # most of them at once
    connections: int = 0  # open ones
    peak_connections: int = 0  # most of them at once
    recent: deque[Served] = field(default_factory=lambda: deque(maxlen=_MOST_RECENT))

    @contextmanager
    def request(self, target: str) -> Iterator[None]:
        """Count a request for as long as it is being answered."""
        if target in self.hits or len(self.hits) < _MOST_TARGETS:
            self.hits[target] += 1
        self.active += 1
        self.peak = max(self.peak, self.active)
        try:
            yield
        finally:
            self.active -= 1

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Count a connection for as long as it is open."""
        self.connections += 1
        self.peak_connections = max(self.peak_connections, self.connections)
        try:
            yield
        finally:
            self.connections -= 1

    def hits_below(self, prefix: str) -> int:
        """Return how often addresses that begin with `prefix` were asked for."""
        return sum(count for target, count in self.hits.items() if target.startswith(prefix))
