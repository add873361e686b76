"""When to ask again, and how long to wait before: pure decisions about answers."""

import email.utils
import random
import time
from dataclasses import dataclass

from quaero_cli.crawl.answers import FetchError, Response

_PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})
_BUSY_STATUSES = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long. The defaults suit a crawl of minutes: a page costs 1.5 s at most before it fails."""

    attempts: int = 3
    timeout_attempts: int = 2  # a timeout has cost its whole time already
    first_wait: float = 0.5  # seconds; doubled each time, plus up to half of it at random
    max_wait: float = 60.0  # a site that asks for longer is not waited for

    def wait(self, answer: Response | FetchError, attempt: int) -> float | None:
        """Seconds until the next attempt after the `attempt`-th; None: this answer is final."""
        if not self._may_pass(answer, attempt):
            return None
        asked = _retry_after(answer) if isinstance(answer, Response) else None
        if asked is not None:
            return asked if asked <= self.max_wait else None
        wait = self.first_wait * 2 ** (attempt - 1)
        return float(min(wait * (1 + random.random() / 2), self.max_wait))

    def too_long(self, answer: Response | FetchError) -> float | None:
        """Seconds that the answer asks for, where that is more than anybody waits."""
        asked = _retry_after(answer) if isinstance(answer, Response) else None
        return asked if asked is not None and asked > self.max_wait else None

    def _may_pass(self, answer: Response | FetchError, attempt: int) -> bool:
        if isinstance(answer, Response):
            return answer.status in _PASSING_STATUSES and attempt < self.attempts
        if answer.kind == "timeout":
            return attempt < self.timeout_attempts
        return answer.kind in ("refused", "reset") and attempt < self.attempts


def is_busy(answer: Response | FetchError) -> bool:
    """Whether the server says that it, and not only this page, needs a rest."""
    return isinstance(answer, Response) and answer.status in _BUSY_STATUSES


def _retry_after(response: Response) -> float | None:
    """The Retry-After header in seconds from now, whether it counts seconds or names a date."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
