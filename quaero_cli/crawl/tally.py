"""What a crawl counted. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from quaero_cli.crawl.polite import ServerState

# Named in the summary at most: it is one line of the log.
_MOST_HOSTS = 20
_MOST_REFUSED = 20


@dataclass
class Tally:
    """Counts of one crawl, for its last line and its outputs."""

    documents: int = 0
    similar: int = 0  # of those, the ones that say nearly the same as another
    skipped: Counter[str] = field(default_factory=Counter)  # by reason
    failed: Counter[str] = field(default_factory=Counter)  # by kind; an HTTP status is `http_404`
    unfinished: int = 0  # failures that another try may mend
    filtered: Counter[str] = field(default_factory=Counter)  # URLs found that never became pages, by reason
    bytes: int = 0
    fetched: int = 0  # pages that a site gave
    hosts: Counter[str] = field(default_factory=Counter)  # those, by server
    refused_by_robots: list[str] = field(default_factory=list)  # the first URLs that robots.txt forbids

    def robots_refused(self, url: str) -> None:
        """Note a URL that robots.txt forbids."""
        if len(self.refused_by_robots) < _MOST_REFUSED:
            self.refused_by_robots.append(url)

    def outputs(self, pages: int) -> dict[str, int]:
        """The step's outputs."""
        return {
            "pages": pages,
            "documents": self.documents,
            "skipped": self.skipped.total(),
            "failed": self.failed.total(),
        }

    def fields(self, pages: int, seconds: float, states: Sequence[ServerState]) -> dict[str, object]:
        """Fields of the crawl's last line."""
        robots = self.filtered["robots"] + self.skipped["robots"]
        return {
            **self.outputs(pages),
            **({"similar": self.similar} if self.similar else {}),
            "failed_by_kind": dict(self.failed),
            "skipped_by_reason": dict(self.skipped),
            "filtered": self.filtered.total(),
            "filtered_by_reason": dict(self.filtered),
            **({"robots_refused": robots, "robots_refused_urls": self.refused_by_robots} if robots else {}),
            "bytes": self.bytes,
            "hosts": len(self.hosts),
            "by_host": {state.server: self._of_host(state) for state in self._busiest(states)},
            "duration_s": round(seconds, 3),
            "pages_per_s": round(pages / seconds, 1) if seconds > 0 else 0.0,
        }

    def _busiest(self, states: Sequence[ServerState]) -> list[ServerState]:
        return sorted(states, key=lambda state: -self.hosts[state.server])[:_MOST_HOSTS]

    def _of_host(self, state: ServerState) -> dict[str, object]:
        resting = {} if state.resting is None else {"left_alone": state.resting}
        return {
            "pages": self.hosts[state.server],
            "latency_ms": round(state.latency * 1000),
            "connections": state.connections,
            **resting,
        }
