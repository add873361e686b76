"""What becomes of one page: fetched, looked at, its links followed, its article kept or left alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quaero_cli.crawl.answers import KNOWN_REDIRECT, NOT_HTML, FetchError, Passed, Response
from quaero_cli.crawl.dates import latest_moment
from quaero_cli.crawl.discovery import Discovery, Offer
from quaero_cli.crawl.frontier import Frontier, Target
from quaero_cli.crawl.identity import Identities
from quaero_cli.crawl.kept import NO_VIEW, Kept, document_of, facts_of, viewed
from quaero_cli.crawl.listings import Listings
from quaero_cli.crawl.options import Options
from quaero_cli.crawl.pool import Pool, ReadingFailed
from quaero_cli.crawl.ports import Log, Memory, Surroundings
from quaero_cli.crawl.reading.forkserver import DIGEST, SECONDS
from quaero_cli.crawl.reading_server import PoolBroken
from quaero_cli.crawl.recall import NO_INDEX, NOT_EXTRACTED, TOO_OLD, Known, Recall
from quaero_cli.crawl.report import Report, is_fact
from quaero_cli.crawl.visit import Visitor
from quaero_cli.crawl.wishes import X_ROBOTS_TAG, Wishes
from quaero_cli.model import PageMemo, PageState

# The reason of a page that is as an earlier crawl found it.
UNCHANGED = "unchanged"


# One page of so many looks whether the store keeps up: each look is a turn of the event loop. A page that leads to so
# many new ones is like another page to the store.
_ROOM_EVERY = 4
_NEW_LINKS = 100

_NOT_EXTRACTED = Passed(NOT_EXTRACTED)


@dataclass(frozen=True)
class Parts:
    """What handling a page needs."""

    around: Surroundings
    memory: Memory
    recall: Recall
    options: Options
    visitor: Visitor
    pool: Pool
    frontier: Frontier
    discovery: Discovery
    listings: Listings
    report: Report


class Pages:
    """Handles admitted pages."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._identities = Identities()
        self._since_room = 0  # pages, since one has looked whether the store keeps up
        self.started = False  # whether any start URL gave a page

    async def work(self, log: Log, target: Target) -> None:
        """One page from its request to its last line. Raises StepFailed as `Report.failed` does."""
        parts = self._parts
        self._since_room += 1
        if self._since_room >= _ROOM_EVERY:
            self._since_room = 0
            await parts.around.room()
        known = parts.recall.known(target.url) if parts.options.recrawl == "never" else None
        if known is not None and known.is_article:
            parts.frontier.refund()
            await self._unchanged(log, _Visit(target, asked=False), target.url, known)
            return
        visit = _Visit(target)
        answer = await parts.visitor.visit(target, visit.reached)
        visit.asked = isinstance(answer, Response) or answer.asked
        if not visit.asked:
            parts.frontier.refund()
        if isinstance(answer, FetchError):
            self._failed(log, visit, answer)
        elif isinstance(answer, Passed):
            if answer.reason != KNOWN_REDIRECT:
                self._lose(visit)
            parts.memory.visited(visit.states(), memo=self._memo_of_file(visit, answer))
            parts.report.skipped(log, target, answer)
        else:
            self.started = self.started or target.start
            parts.report.fetched(log, target, answer, parts.frontier.depth(target.url))
            await self._have(log, visit, answer)

    def _memo_of_file(self, visit: "_Visit", passed: Passed) -> PageMemo | None:
        """What to remember of a file that is no page, so that it is not sent again."""
        if passed.reason != NOT_HTML or not passed.headers.keys() & {"etag", "last-modified"}:
            return None
        answer = Response(visit.reached[-1] if visit.reached else visit.target.url, 200, passed.headers, b"", 0.0)
        return self._parts.recall.memo(answer, {"view": NO_VIEW, "hash": "", "end": NOT_HTML})

    async def _have(self, log: Log, visit: "_Visit", answer: Response) -> None:
        """The site answered. Where that is what an earlier crawl read, it is not read again."""
        known = self._parts.recall.known(answer.url)
        if known is not None and (answer.status == 304 or known.facts.get("hash") == answer.digest):
            await self._unchanged(log, visit, answer.url, known)
        elif answer.status == 304:
            # Its document was deleted between the question and the answer.
            self._failed(log, visit, FetchError("status", "the site answered 304, but nothing is known", 304))
        else:
            await self._read(log, visit, answer)

    async def _unchanged(self, log: Log, visit: "_Visit", url: str, known: Known) -> None:
        parts, target, facts = self._parts, visit.target, known.facts
        view = facts["view"]
        wishes = Wishes(view, {}, obey=parts.options.obey_robots)
        self.started = self.started or target.start
        if known.is_article:
            self._identities.body(bytes.fromhex(facts["hash"]), url)
            self._identities.text(facts["text"], url)
        feeds = view["feeds"] if target.start and parts.options.feeds else []
        parts.discovery.set_aside(feeds)
        offer = await self._follow(target, url, view, wishes)
        if view["canonical"] is not None and not known.is_article:
            parts.discovery.wants(view["canonical"], parts.frontier.depth(target.url))
        await parts.discovery.finish(offer)
        await parts.listings.feeds(feeds)
        parts.memory.visited(visit.states(), unchanged=url if known.is_article else None, used=url)
        parts.report.skipped(log, target, Passed(UNCHANGED, asked=visit.asked), offer)

    async def _read(self, log: Log, visit: "_Visit", answer: Response) -> None:
        parts, target = self._parts, visit.target
        seen = _Seen()
        end: Kept | Passed | FetchError
        try:
            if answer.look is not None:
                end = await self._see(seen, target, answer, viewed(answer.look)) or _NOT_EXTRACTED
            else:
                end = await self._look(seen, target, answer)
        except (ReadingFailed, PoolBroken) as error:
            end = FetchError("extraction", str(error))
        # Without the process: a slow robots.txt or feed must not keep others from being read.
        await parts.discovery.finish(seen.offer)
        await parts.listings.feeds(seen.feeds)
        if isinstance(end, FetchError) or seen.view is None:
            assert isinstance(end, FetchError)
            self._failed(log, visit, end, seen.offer)
            return
        memo = parts.recall.memo(answer, facts_of(seen.view, answer, seen.digest, end))
        if isinstance(end, Passed):
            parts.memory.visited(visit.states(), memo=memo)
            parts.report.skipped(log, target, end, seen.offer)
        else:
            parts.memory.visited(visit.states(), document=end.document, memo=memo)
            parts.report.extracted(log, end.document, end.seconds, seen.offer, similar_to=end.similar_to)

    async def _look(self, seen: "_Seen", target: Target, answer: Response) -> Kept | Passed:
        """Look at a page that came as it is, and read its article. Raises ReadingFailed and PoolBroken."""
        question, pool = self._question(target, answer), self._parts.pool
        view, found = await pool.look(question, answer.body)
        refusal = await self._see(seen, target, answer, view)
        if refusal is not None:
            return refusal
        if found is None and self._parts.options.extract:
            _, found = await pool.look({**question, "article": True}, answer.body)
        return self._extracted(found, answer, view)

    async def _see(self, seen: "_Seen", target: Target, answer: Response, view: dict[str, Any]) -> Passed | None:
        """Follow what a page leads to. Why it is left alone although it is there; None: it may be kept."""
        parts = self._parts
        seen.view, seen.digest = view, view.pop(DIGEST)
        wishes = Wishes(view, answer.headers, obey=parts.options.obey_robots)
        if target.start and parts.options.feeds:
            seen.feeds = view["feeds"]
            parts.discovery.set_aside(seen.feeds)
        seen.offer = await self._follow(target, answer.url, view, wishes)
        return self._known(target, answer, view, wishes, bytes.fromhex(seen.digest))

    def _question(self, target: Target, answer: Response) -> dict[str, Any]:
        """The request to look at a page, and to read its article at once where nothing speaks against it."""
        question: dict[str, Any] = {
            "op": "look",
            "url": answer.url,
            "content_type": answer.headers.get("content-type", ""),
            "engine": self._parts.options.engine,
        }
        if not self._parts.options.extract:
            return question
        if not self._forbidden(answer) and not self._identities.may_have(answer.body, answer.url):
            question["article"] = [answer.url, target.url]
        return question

    def _forbidden(self, answer: Response) -> bool:
        """Whether the headers alone forbid to keep the page."""
        if X_ROBOTS_TAG not in answer.headers:  # nearly always
            return False
        return Wishes(NO_VIEW, answer.headers, obey=self._parts.options.obey_robots).noindex

    def _failed(self, log: Log, visit: "_Visit", error: FetchError, offer: Offer | None = None) -> None:
        self._lose(visit)
        final = is_fact(error)
        self._parts.memory.visited(visit.states(PageState.DONE if final else PageState.FAILED))
        self._parts.report.failed(log, visit.target, error, offer)

    def _lose(self, visit: "_Visit") -> None:
        """There is no page at these addresses: of those that were left alone in their favour one is fetched again."""
        parts = self._parts
        for url in (visit.target.url, *visit.reached):
            other = self._identities.lost(url)
            if other is not None:
                parts.recall.ignore(other)
                parts.memory.visited([(other, PageState.WAITING)])
                parts.frontier.revive(other)

    async def _follow(self, target: Target, url: str, view: Mapping[str, Any], wishes: Wishes) -> Offer:
        parts = self._parts
        if not parts.options.follow_links or wishes.nofollow:
            return Offer(0)
        links = view["links"] if parts.options.obey_robots else view["links"] + view["nofollow_links"]
        offer = await parts.discovery.follow(links, target, url)
        offer.cut = "cut" in view
        self._since_room += offer.followed // _NEW_LINKS
        return offer

    def _known(
        self, target: Target, answer: Response, view: dict[str, Any], wishes: Wishes, digest: bytes
    ) -> Passed | None:
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
            return Passed(NO_INDEX)
        if answer.look is None:
            self._identities.note(answer.body, answer.url)
        return self._identities.body(digest, answer.url)

    def _extracted(
        self, found: "dict[str, Any] | ReadingFailed | None", answer: Response, view: dict[str, Any]
    ) -> Kept | Passed:
        """What becomes of an article. Raises ReadingFailed."""
        if found is None:
            return _NOT_EXTRACTED
        if isinstance(found, ReadingFailed):
            raise found
        if found["article"] is None:
            return Passed("not an article", detail=found["reason"])
        document = document_of(found["article"], answer, view["canonical"], keep_html=self._parts.options.keep_html)
        if self._too_old(document.published):
            return Passed(TOO_OLD, detail=document.published)
        refusal = self._identities.text(document.content_hash, answer.url)
        if refusal is not None:
            return refusal
        similar = self._identities.similar(found.get("sketch", ()), answer.url)
        return Kept(document, found[SECONDS], similar)

    def _too_old(self, published: str | None) -> bool:
        since = self._parts.options.since
        latest = latest_moment(published) if since is not None and published is not None else None
        return latest is not None and since is not None and latest < since


@dataclass(slots=True)
class _Seen:
    """What was seen of a page until now."""

    offer: Offer = field(default_factory=lambda: Offer(0))
    feeds: list[str] = field(default_factory=list)
    view: Mapping[str, Any] | None = None
    digest: str = ""


@dataclass(slots=True)
class _Visit:
    """A target under way: the addresses that redirects led to, and whether a request was made."""

    target: Target
    reached: list[str] = field(default_factory=list)
    asked: bool = True

    def states(self, state: PageState = PageState.DONE) -> list[tuple[str, PageState]]:
        """What became of its addresses."""
        own = state if self.asked or state is PageState.FAILED else PageState.PASSED
        others = PageState.PASSED if state is PageState.DONE else PageState.WAITING
        return [(self.target.url, own), *((url, others) for url in self.reached)]
