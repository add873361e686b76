"""URLs that were found, to pages that will be fetched: scope, depth and robots rules, each asked once for a URL.

`begin` decides at once about every URL whose server's robots rules are known; `finish` asks for the missing rules
and decides about the rest. So a page's links are on their way before its text is read, and a slow robots.txt of one
server holds up no link to another.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import trio

from quaero_cli.crawl.answers import FetchError
from quaero_cli.crawl.frontier import Frontier, Target
from quaero_cli.crawl.ports import Log
from quaero_cli.crawl.robots import Robots
from quaero_cli.crawl.scope import TOO_DEEP, Scope
from quaero_cli.crawl.tally import Tally
from quaero_cli.crawl.urls import origin

# Why a URL is not followed, beside the reasons of the scope.
TOO_MANY = "more than may be fetched"
TOO_MANY_SITES = "too many sites"

# Sites whose robots.txt is asked for at the same time, for the links of one page.
_SITES_AT_ONCE = 8

_KNOWN = "known"
_UNDECIDED = "undecided"

# Seconds between two looks at what else wants to run: a page may have thousands of links, a robots.txt as many rules.
_AT_ONCE = 0.01


class _Pause:
    """Lets the rest of the program run once some time has passed since it ran."""

    def __init__(self) -> None:
        self._until = time.perf_counter() + _AT_ONCE

    @property
    def due(self) -> bool:
        return time.perf_counter() > self._until

    async def sometimes(self) -> None:
        if self.due:
            await trio.lowlevel.checkpoint()
            self._until = time.perf_counter() + _AT_ONCE


# A URL that was found, its depth, and the page, sitemap or feed that it was found on.
_Found = tuple[str, int, str | None]


@dataclass
class Offer:
    """The links of one page: how many were followed, already known, or filtered; and those not decided yet."""

    depth: int
    followed: int = 0
    known: int = 0
    filtered: int = 0
    undecided: list["_Found"] = field(default_factory=list)
    cut: bool = False  # the page has more, which nobody looked at

    def fields(self) -> dict[str, int]:
        """For the page's last line."""
        found = self.followed + self.known + self.filtered + len(self.undecided)
        fields = {"links": found, "links_followed": self.followed, "links_filtered": self.filtered}
        return {**fields, "links_cut": True} if self.cut else fields


class Discovery:
    """Feeds the frontier. `admit` is called whenever something new waits there.

    `max_sites`: how many sites are asked for their rules. A domain may have a subdomain for each link.
    """

    def __init__(
        self,
        frontier: Frontier,
        scope: Scope,
        robots: Robots,
        tally: Tally,
        log: Log,
        admit: Callable[[], None],
        *,
        max_sites: int,
    ) -> None:
        self._max_sites = max_sites
        self._frontier = frontier
        self._scope = scope
        self._robots = robots
        self._tally = tally
        self._log = log
        self._admit = admit

    async def start(self, url: str) -> FetchError | None:
        """Offer a start URL; returns why it may not be fetched.

        One whose site cannot be asked for its rules is admitted all the same: its worker then says what is wrong.
        """
        reason = self._scope.refuses(url, start=True)
        if reason is not None:
            return FetchError("scope", reason)
        rules = await self._robots.rules(origin(url))
        if rules.problem is None and not rules.allows(url):
            return FetchError("robots", "robots.txt forbids it")
        self._frontier.add(url, 0, start=True)
        self._admit()
        return None

    async def begin(self, urls: Sequence[str], depth: int, page: str) -> Offer:
        """Offer what was found on a page, at the depth that links from it have; others run in between."""
        _, news = self._frontier.sort_out(urls, depth)
        offer = Offer(depth, known=len(urls) - len(news))
        await self._decide_all(offer, [(url, depth, page) for url in news])
        return offer

    async def follow(self, urls: Sequence[str], target: Target, url: str) -> Offer:
        """`begin` with the links of a page, which was found at `url` after redirects; the frontier keeps them."""
        depth = self._frontier.depth(target.url) + 1
        ours, news = self._frontier.sort_out(urls, depth)
        if not news:
            self._frontier.read(target, url, ours)
            return Offer(depth, known=len(urls))
        self._frontier.read(target, url, ours + await self.in_scope(news))
        if self._frontier.depth(target.url) + 1 != depth:  # it has come nearer meanwhile
            return await self.begin(urls, self._frontier.depth(target.url) + 1, url)
        offer = Offer(depth, known=len(urls) - len(news))
        await self._decide_all(offer, [(each, depth, url) for each in news])
        return offer

    async def finish(self, offer: Offer) -> None:
        """Decide about the rest of an offer."""
        while offer.undecided:
            found, offer.undecided = offer.undecided, []
            await self._ask_rules(dict.fromkeys(origin(url) for url, _, _ in found))
            await self._decide_all(offer, found)

    async def _ask_rules(self, sites: Iterable[str]) -> None:
        """Ask sites for their rules, for as long as there may be more of them."""
        places = trio.CapacityLimiter(_SITES_AT_ONCE)

        async def ask(site: str) -> None:
            async with places:
                if self._robots.sites < self._max_sites:
                    await self._robots.rules(site)

        async with trio.open_nursery() as nursery:
            for site in sites:
                nursery.start_soon(ask, site)

    async def offer(self, urls: Sequence[str], depth: int, page: str) -> Offer:
        """`begin` and `finish`, for lists that nobody waits for."""
        offer = await self.begin(urls, depth, page)
        await self.finish(offer)
        return offer

    async def in_scope(self, urls: Sequence[str]) -> list[str]:
        """Those that may belong to the crawl, depth and robots apart."""
        found: list[str] = []
        pause = _Pause()
        for url in urls:
            if self._frontier.belongs(url) or self._scope.refuses(url) is None:
                found.append(url)
            await pause.sometimes()
        return found

    def links_in_scope(self, urls: Iterable[str]) -> list[str]:
        """The same for the links of one page that was read before, at once."""
        return [url for url in urls if self._frontier.belongs(url) or self._scope.refuses(url) is None]

    def set_aside(self, urls: Iterable[str]) -> None:
        """These are no pages (feeds, sitemaps): links to them are not followed."""
        for url in urls:
            self._frontier.refuse(url)

    def wants(self, url: str, depth: int) -> bool:
        """Offer one URL; whether it was or surely will be fetched."""
        self._decide(Offer(depth), [(url, depth, None)])
        self._admit()
        return self._frontier.will_fetch(url)

    async def _decide_all(self, offer: Offer, found: Iterable[_Found]) -> None:
        pause = _Pause()
        for each in found:
            self._decide(offer, (each,))
            if pause.due:
                self._admit()
                await pause.sometimes()
        self._admit()

    def _decide(self, offer: Offer, found: Iterable[_Found]) -> None:
        """Judge each URL; then, without counting them, the links of pages that came nearer by it."""
        for each in found:
            verdict, nearer = self._judge(offer, each)
            offer.followed += verdict is None
            offer.known += verdict == _KNOWN
            offer.filtered += verdict not in (None, _KNOWN, _UNDECIDED)
            while nearer:
                nearer.extend(self._judge(offer, nearer.popleft())[1])

    def _judge(self, offer: Offer, found: _Found) -> tuple[str | None, deque[_Found]]:
        """Judge one URL: why it is not followed (None: it is), and the links to judge again with their new depths."""
        url, depth, page = found
        nearer: deque[_Found] = deque()
        if self._frontier.knows(url, depth):
            return _KNOWN, nearer
        verdict = self._verdict(url, depth)
        if verdict is None:
            links = self._frontier.add(url, depth, found_on=page)
            nearer.extend((link, depth + 1, url) for link in links)
        elif verdict == _UNDECIDED:
            offer.undecided.append(found)
        else:
            self._tally.filtered[verdict] += 1
            if verdict not in (TOO_DEEP, TOO_MANY):  # a shorter way may still be found; there may be room again
                self._frontier.refuse(url)
        return verdict, nearer

    def _verdict(self, url: str, depth: int) -> str | None:
        if depth > self._scope.max_depth:
            return TOO_DEEP
        reason = self._scope.refuses(url)
        if reason is not None:
            return reason
        if self._frontier.full and not self._frontier.belongs(url):
            return TOO_MANY
        rules = self._robots.known(origin(url))
        if rules is None:
            return _UNDECIDED if self._robots.sites < self._max_sites else TOO_MANY_SITES
        if rules.allows(url):
            return None
        self._log.debug("Skipped", url=url, reason="robots")
        self._tally.robots_refused(url)
        return "robots"
