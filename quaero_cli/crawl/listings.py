"""Sitemaps and feeds: files that list pages, found beside the pages and read once; they are no pages themselves.

Where a site's robots.txt names sitemaps, those are read; `/sitemap.xml` always. Feeds are those that start pages
name. What they list enters the crawl at depth 1 and has to pass the same fence as any link.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.discovery import Discovery
from quaero_cli.crawl.pool import Pool, ReadingFailed
from quaero_cli.crawl.ports import Log
from quaero_cli.crawl.reading.xmlfiles import Listing
from quaero_cli.crawl.reading_server import PoolBroken
from quaero_cli.crawl.recall import Recall
from quaero_cli.crawl.robots import Robots
from quaero_cli.crawl.scope import Scope
from quaero_cli.crawl.transfer import Wanted
from quaero_cli.crawl.visit import Client

# An index may point to indexes; the protocol forbids it, sites do it once.
MAX_INDEX_DEPTH = 2
# Files read for one crawl: 50 full sitemaps name 2.5 million pages.
MAX_FILES = 50
# A sitemap's packed size; the protocol allows 50 MB unpacked.
MAX_FILE_BYTES = 20 * 1024 * 1024

_WANTED = Wanted(
    limit=MAX_FILE_BYTES,
    accept="application/xml, application/rss+xml, application/atom+xml, */*;q=0.5",
    memo="listing",
)


def default_sitemap(origin: str) -> str:
    """Where a site has its sitemap if it does not say."""
    return f"{origin}/sitemap.xml"


class Listings:
    """Reads a crawl's sitemaps and feeds, each once."""

    def __init__(
        self,
        client: Client,
        pool: Pool,
        discovery: Discovery,
        robots: Robots,
        scope: Scope,
        log: Log,
        recall: Recall,
        *,
        since: float | None = None,
    ) -> None:
        self._client = client
        self._pool = pool
        self._discovery = discovery
        self._robots = robots
        self._scope = scope
        self._log = log
        self._recall = recall
        self._since = since
        self._read: set[str] = set()

    async def sitemaps(self, origins: Iterable[str]) -> None:
        """Read the sitemaps of these sites, and those that they point to."""
        waiting: deque[tuple[str, int]] = deque()
        for origin in origins:
            rules = await self._robots.rules(origin)
            if rules.problem is None:
                waiting.extend((url, 0) for url in (*rules.sitemaps, default_sitemap(origin)))
        while waiting:
            url, depth = waiting.popleft()
            listing = await self._file(url, "Sitemap")
            if listing is None:
                continue
            if listing["kind"] == "index" and depth < MAX_INDEX_DEPTH:
                waiting.extend((further, depth + 1) for further in self._recent(listing))
            elif listing["kind"] in ("sitemap", "feed"):
                await self._offer(url, listing, "Sitemap")

    async def feeds(self, urls: Iterable[str]) -> None:
        """Read these feeds."""
        for url in urls:
            listing = await self._file(url, "Feed")
            if listing is not None and listing["kind"] == "feed":
                await self._offer(url, listing, "Feed")

    async def _offer(self, url: str, listing: Listing, what: Literal["Sitemap", "Feed"]) -> None:
        recent = self._recent(listing)
        older = len(listing["urls"]) - len(recent)
        offer = await self._discovery.offer(recent, 1, url)
        self._log.info(f"{what} read", url=url, **offer.fields(), **({"older": older} if older else {}))

    def _recent(self, listing: Listing) -> list[str]:
        """What may have been published since the author's limit: a page cannot be newer than its last change."""
        since, dates = self._since, listing["dates"]
        return (
            listing["urls"] if since is None else [url for url in listing["urls"] if dates.get(url, since) >= since]
        )

    async def _file(self, url: str, what: Literal["Sitemap", "Feed"]) -> Listing | None:
        """What a file lists; None if it cannot be had, which is no failure of the crawl."""
        if url in self._read or len(self._read) >= MAX_FILES or not self._scope.covers(url):
            return None
        self._read.add(url)
        self._discovery.set_aside([url])
        answer = await self._client.follow(url, _WANTED)
        if isinstance(answer, Response) and answer.status == 304:
            known = self._recall.known(answer.url)
            if known is not None and "listing" in known.facts:
                self._recall.used(answer.url)
                return _listing(known.facts["listing"])
        if isinstance(answer, FetchError) or answer.status != 200:
            reason = answer.reason if isinstance(answer, FetchError) else f"the site answered {answer.status}"
            self._log.debug(f"{what} not read", url=url, reason=reason)
            return None
        try:
            async with self._pool.lend() as reading:
                found = await reading.ask({"op": "listing", "url": answer.url}, answer.body)
        except (ReadingFailed, PoolBroken) as error:
            self._log.warn(f"{what} not read", url=url, reason=str(error))
            return None
        listing = _listing(found)
        self._recall.remember(answer, {"listing": listing})
        return listing


def _listing(found: Mapping[str, Any]) -> Listing:
    return Listing(kind=found["kind"], urls=found["urls"], dates=found["dates"])
