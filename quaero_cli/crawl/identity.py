"""Whether a page is one that the crawl has already: by its canonical address, its bytes, its text. Pure.

The first page with a content keeps it, however many run at once: each look also marks, and nothing awaits between.
"""

from collections.abc import Callable, Sequence

from quaero_cli.crawl.answers import Passed
from quaero_cli.crawl.urls import is_site_root


class Identities:
    """What was kept so far."""

    def __init__(self) -> None:
        self._canonical: dict[str, str] = {}  # canonical address: the page that was kept for it
        self._bodies: dict[bytes, str] = {}  # digest of the raw body: its first page
        self._texts: dict[str, str] = {}  # hash of the extracted text: its first page
        self._lost: set[str] = set()  # pages that could not be had

    def lost(self, url: str) -> None:
        """The page cannot be had: nothing is left alone in its favour from now on."""
        self._lost.add(url)

    def canonical(self, names: Sequence[str], canonical: str | None, wants: Callable[[str], bool]) -> Passed | None:
        """Judge a page by the canonical address that it states.

        `names`: the addresses that the page was reached by, its own first. `wants` offers an address to the crawl and
        tells whether it was or will be fetched; if so this page is left alone. A deeper page that calls the site's
        first page its canonical address is mistaken, and one that differs in http or https only means itself.
        """
        if canonical is None or _plain(canonical) in map(_plain, names) or is_site_root(canonical):
            return None
        kept = self._canonical.get(canonical)
        if kept is not None:
            return Passed("duplicate of canonical", canonical)
        if canonical not in self._lost and wants(canonical):
            return Passed("duplicate of canonical", canonical)
        self._canonical[canonical] = names[0]
        return None

    def body(self, digest: bytes, url: str) -> Passed | None:
        """Judge a page by its bytes."""
        first = self._bodies.setdefault(digest, url)
        return None if first == url else Passed("duplicate content", first)

    def text(self, content_hash: str, url: str) -> Passed | None:
        """Judge a page by its extracted text."""
        first = self._texts.setdefault(content_hash, url)
        return None if first == url else Passed("duplicate content", first)


def _plain(url: str) -> str:
    return url.partition("://")[2]
