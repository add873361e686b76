"""What the author of a job asks of a crawl: checked, normalised, frozen.

Everything that can be wrong with an option is found here, before the first request, as a StepFailed that names the
option.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quaero_cli.crawl.addresses import Policy
from quaero_cli.crawl.scope import Scope
from quaero_cli.crawl.urls import normalise
from quaero_cli.errors import StepFailed

# Headers that belong to the connection or to the promise of what can be read; setting them breaks the request.
_OWN_HEADERS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "te", "upgrade", "user-agent"}
)


@dataclass(frozen=True, slots=True)
class Options:
    """A crawl as it was asked for. Times are seconds. See the `crawler` step type for what each means."""

    start_urls: tuple[str, ...]
    scope: Scope
    policy: Policy
    max_pages: int = 100
    follow_links: bool = True
    per_host: int = 8
    delay: float = 0.0
    obey_robots: bool = True
    sitemaps: bool = True
    feeds: bool = True
    user_agent: str = "quaero"
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_connect: float = 10.0
    timeout_page: float = 30.0
    max_bytes: int = 10 * 1024 * 1024

    def __post_init__(self) -> None:
        for name, value, least in (
            ("max_pages", self.max_pages, 1),
            ("max_depth", self.scope.max_depth, 0),
            ("per_host", self.per_host, 1),
            ("delay", self.delay, 0),
            ("max_bytes", self.max_bytes, 1),
        ):
            if value < least:
                raise StepFailed(f"{name}: {value} is less than {least}")
        for name, seconds in (("timeout_connect", self.timeout_connect), ("timeout_page", self.timeout_page)):
            if seconds <= 0:
                raise StepFailed(f"{name}: {seconds:g} s is no time at all")
        _check_headers({**self.headers, "user agent": self.user_agent})


def start_urls(texts: Sequence[str]) -> tuple[str, ...]:
    """The start URLs, normalised, each once. A bare host gets `https://`. Raises StepFailed."""
    found: dict[str, None] = {}
    for text in texts:
        stripped = text.strip()
        url = normalise(stripped if "://" in stripped else f"https://{stripped}")
        if not stripped or url is None:
            raise StepFailed(
                f"start_urls: {text!r} is not the address of a page",
                hint='write it like "https://example.org/news/"; only http and https, no user name',
            )
        found[url] = None
    if not found:
        raise StepFailed(
            "start_urls is empty: there is no page to start from",
            hint="give at least one, for example -p start_urls=https://example.org/",
        )
    return tuple(found)


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if name.strip().lower() in _OWN_HEADERS:
            raise StepFailed(f"headers: {name!r} is set by the crawler itself")
        if not name.strip() or any(char in "\r\n\0" for char in name + value) or ":" in name:
            raise StepFailed(f"headers: {name!r} is not a header that can be sent")
