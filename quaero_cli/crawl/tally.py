"""What a crawl counted. Pure."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of one crawl, for its last line and its outputs."""

    documents: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # by reason
    failed: Counter[str] = field(default_factory=Counter)  # by kind; an HTTP status is `http_404`
    unfinished: int = 0  # failures that another try may mend
    filtered: Counter[str] = field(default_factory=Counter)  # URLs found that never became pages, by reason
    bytes: int = 0
    servers: set[str] = field(default_factory=set)

    def outputs(self, pages: int) -> dict[str, int]:
        """The step's outputs."""
        return {
            "pages": pages,
            "documents": self.documents,
            "skipped": self.skipped.total(),
            "failed": self.failed.total(),
        }

    def fields(self, pages: int, seconds: float) -> dict[str, object]:
        """Fields of the crawl's last line."""
        return {
            **self.outputs(pages),
            "failed_by_kind": dict(self.failed),
            "skipped_by_reason": dict(self.skipped),
            "filtered": self.filtered.total(),
            "bytes": self.bytes,
            "hosts": len(self.servers),
            "duration_s": round(seconds, 3),
            "pages_per_s": round(pages / seconds, 1) if seconds > 0 else 0.0,
        }
