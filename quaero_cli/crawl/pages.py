"""What becomes of one page: fetched, looked at, its links followed, its article kept or left alone."""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from quaero_cli.crawl.answers import FetchError, Passed, Response
from quaero_cli.crawl.dates import latest_moment
from quaero_cli.crawl.discovery import Discovery, Offer
from quaero_cli.crawl.frontier import Frontier, Target
from quaero_cli.crawl.identity import Identities
from quaero_cli.crawl.listings import Listings
from quaero_cli.crawl.options import Options
from quaero_cli.crawl.pool import Pool, Reading, ReadingFailed
from quaero_cli.crawl.ports import Log, Surroundings
from quaero_cli.crawl.reading_server import PoolBroken
from quaero_cli.crawl.report import Report
from quaero_cli.crawl.visit import Visitor
from quaero_cli.crawl.wishes import Wishes
from quaero_cli.model import Document

TOO_OLD = "older than since"


@dataclass(frozen=True)
class Parts:
    """What handling a page needs."""

    around: Surroundings
    options: Options
    visitor: Visitor
    pool: Pool
    frontier: Frontier
    discovery: Discovery
    listings: Listings
    report: Report


@dataclass(frozen=True, slots=True)
class _Kept:
    """An article, and the seconds that reading it took."""

    document: Document
    seconds: float


class Pages:
    """Handles admitted pages."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._identities = Identities()
        self.started = False  # whether any start URL gave a page

    async def work(self, log: Log, target: Target) -> None:
        """One page from its request to its last line. Raises StepFailed as `Report.failed` does."""
        parts = self._parts
        await parts.around.room()
        answer = await parts.visitor.visit(target)
        if not isinstance(answer, Response) and not answer.asked:
            parts.frontier.refund()
        if isinstance(answer, FetchError):
            self._identities.lost(target.url)
            parts.report.failed(log, target, answer)
        elif isinstance(answer, Passed):
            parts.report.skipped(log, target, answer)
        else:
            self.started = self.started or target.start
            parts.report.fetched(log, target, answer, parts.frontier.depth(target.url))
            await self._read(log, target, answer)

    async def _read(self, log: Log, target: Target, answer: Response) -> None:
        parts = self._parts
        offer = Offer(0)
        feeds: list[str] = []
        end: _Kept | Passed | FetchError
        try:
            async with parts.pool.lend() as reading:
                head = {"op": "look", "url": answer.url, "content_type": answer.headers.get("content-type", "")}
                view = await reading.ask(head, answer.body)
                wishes = Wishes(view, answer, obey=parts.options.obey_robots)
                feeds = view["feeds"] if target.start and parts.options.feeds else []
                parts.discovery.set_aside(feeds)
                offer = self._follow(target, answer.url, view, wishes)
                end = self._known(target, answer, view, wishes) or await self._extract(reading, answer, view)
        except (ReadingFailed, PoolBroken) as error:
            end = FetchError("extraction", str(error))
        # Without the process: a slow robots.txt or feed must not keep others from being read.
        await parts.discovery.finish(offer)
        await parts.listings.feeds(feeds)
        if isinstance(end, FetchError):
            parts.report.failed(log, target, end, offer)
        elif isinstance(end, Passed):
            parts.report.skipped(log, target, end, offer)
        else:
            parts.around.save(end.document)
            parts.report.extracted(log, end.document, end.seconds, offer)

    def _follow(self, target: Target, url: str, view: dict[str, Any], wishes: Wishes) -> Offer:
        parts = self._parts
        if not parts.options.follow_links or wishes.nofollow:
            return Offer(0)
        links = view["links"] if parts.options.obey_robots else view["links"] + view["nofollow_links"]
        parts.frontier.read(target, url, parts.discovery.in_scope(links))
        return parts.discovery.begin(links, parts.frontier.depth(target.url) + 1)

    def _known(self, target: Target, answer: Response, view: dict[str, Any], wishes: Wishes) -> Passed | None:
        """Why the page is left alone although it is there; None: it may be kept."""
        parts = self._parts
        depth = parts.frontier.depth(target.url)
        refusal = self._identities.canonical(
            (answer.url, target.url), view["canonical"], lambda url: parts.discovery.wants(url, depth)
        )
        if refusal is not None and refusal.to is not None:
            parts.frontier.defer(answer.url, refusal.to)
            return refusal
        if wishes.noindex:
            return Passed("noindex")
        return self._identities.body(hashlib.sha256(answer.body).digest(), answer.url)

    async def _extract(self, reading: Reading, answer: Response, view: dict[str, Any]) -> _Kept | Passed:
        began = time.perf_counter()
        found = await reading.ask({"op": "article"})
        if found["article"] is None:
            return Passed("not an article", detail=found["reason"])
        document = _document(found["article"], answer, view["canonical"], keep_html=self._parts.options.keep_html)
        if self._too_old(document.published):
            return Passed(TOO_OLD, detail=document.published)
        refusal = self._identities.text(document.content_hash, answer.url)
        return refusal or _Kept(document, time.perf_counter() - began)

    def _too_old(self, published: str | None) -> bool:
        since = self._parts.options.since
        latest = latest_moment(published) if since is not None and published is not None else None
        return latest is not None and since is not None and latest < since


def _document(article: dict[str, Any], answer: Response, canonical: str | None, *, keep_html: bool) -> Document:
    found, text = article["metadata"], article["text"]
    return Document(
        url=answer.url,
        canonical_url=canonical or answer.url,
        title=found["title"],
        text=text,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        status=answer.status,
        fetched_at=time.time_ns() // 1000,
        authors=tuple(found["authors"]),
        published=found["published"],
        language=found["language"],
        site=found["site"],
        tags=tuple(found["tags"]),
        image=found.get("image"),
        html=answer.body if keep_html else None,
    )
