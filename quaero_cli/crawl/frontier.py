"""Which URL next, and never one twice: what is known, how deep, and how many pages may still be asked for. Pure.

Order is breadth first (depth, then the order in which URLs were found) within a server; servers take turns.
Pages end in any order, so a URL may first be found by a longer way than the shortest. Then its depth is put right
as soon as the shorter way is known, and so are the depths of what was found on it: in the end a page belongs to the
crawl exactly if its shortest way is no longer than the limit. For this the links of read pages are kept (where a
page can still come nearer, and as numbers): memory grows with the links, four bytes each.

A page that is admitted counts against the budget at once, before its request; `refund` gives back what was never
asked for. With one server everything is admitted when it is found, so that people see what is pending. With several,
each has a bounded number of pages under way: a slow one must not fill the workers of all.
"""

import heapq
from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from quaero_cli.crawl.urls import authority


class Target(NamedTuple):
    """A page to fetch."""

    url: str
    depth: int
    start: bool


class _Lane:
    """What waits for one server."""

    __slots__ = ("busy", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[int, int, str]] = []  # a heap of (depth, order, URL)
        self.busy = 0


class Frontier:
    """A crawl's memory. `per_server`: pages under way for one server when there are several."""

    def __init__(self, *, max_pages: int, per_server: int) -> None:
        self._budget = max_pages
        self._per_server = per_server
        self._lanes: dict[str, _Lane] = {}
        self._depth: dict[str, int] = {}  # every URL that belongs to the crawl
        self._admitted: set[str] = set()  # asked for, or about to be
        self._starts: set[str] = set()
        self._refused: set[str] = set()
        self._deferred: dict[str, str] = {}  # pages left alone in favour of another
        self._numbers: dict[str, int] = {}  # of URLs in `_links`
        self._urls: list[str] = []  # by number
        self._links: dict[str, array[int]] = {}  # of read pages, by number
        self._order = 0
        self.pages = 0  # admitted and not refunded

    def knows(self, url: str, depth: int) -> bool:
        """Whether finding `url` at `depth` is no news."""
        return url in self._refused or self._depth.get(url, depth + 1) <= depth

    def depth(self, url: str) -> int:
        """The shortest way known to a URL of the crawl."""
        return self._depth[url]

    def refuse(self, url: str) -> None:
        """The URL will never belong to the crawl."""
        self._refused.add(url)

    def add(self, url: str, depth: int, *, start: bool = False) -> Iterable[str]:
        """The URL belongs to the crawl, at `depth` or nearer.

        Returns the links of a read page that came nearer by this: they did, too, and are to be added again.
        """
        known = self._depth.get(url)
        if known is not None and known <= depth:
            return ()
        self._depth[url] = depth
        if start:
            self._starts.add(url)
        if url in self._admitted:
            return [self._urls[number] for number in self._links.get(url, ())]
        self._order += 1
        heapq.heappush(self._lane(url).waiting, (depth, self._order, url))
        return ()

    def will_fetch(self, url: str) -> bool:
        """Whether the URL was or surely will be asked for: the budget reaches for all that waits."""
        if url in self._admitted:
            return True
        return url in self._depth and sum(len(lane.waiting) for lane in self._lanes.values()) <= self._budget

    def claim(self, url: str, target: Target) -> bool:
        """A redirect of `target` led to `url`: mark it as asked for. False: it was already.

        A page that was left alone in favour of `target` may be claimed by it: else both would be lost.
        """
        if url in self._admitted and self._deferred.get(url) != target.url:
            return False
        self._admitted.add(url)
        self._depth[url] = min(target.depth, self._depth.get(url, target.depth))
        return True

    def defer(self, url: str, to: str) -> None:
        """The page at `url` is left alone because `to` will be fetched."""
        self._deferred[url] = to

    def read(self, target: Target, url: str, links: Sequence[str]) -> None:
        """The page of `target`, found at `url` after redirects, has these links, which may belong to the crawl."""
        if self._depth[target.url] > 1:  # else no shorter way can exist
            self._links[target.url] = self._links[url] = array("I", map(self._number, links))

    def take(self) -> list[Target]:
        """Every page that may be fetched from now on, in order; each is under way until `done`."""
        taken: list[Target] = []
        progress = True
        while progress and self._budget > 0:
            progress = False
            for lane in self._lanes.values():
                target = self._next(lane)
                if target is not None:
                    taken.append(target)
                    progress = True
        return taken

    def done(self, target: Target) -> None:
        """The page is no longer under way."""
        self._lane(target.url).busy -= 1

    def refund(self) -> None:
        """A page under way was never asked for."""
        self._budget += 1
        self.pages -= 1

    def _next(self, lane: _Lane) -> Target | None:
        if self._budget <= 0 or (len(self._lanes) > 1 and lane.busy >= self._per_server):
            return None
        while lane.waiting:
            depth, _, url = heapq.heappop(lane.waiting)
            # Claimed by a redirect meanwhile, or found again nearer: then it stands in the heap twice.
            if url not in self._admitted and self._depth[url] == depth:
                self._admitted.add(url)
                self._budget -= 1
                self.pages += 1
                lane.busy += 1
                return Target(url, depth, url in self._starts)
        return None

    def _number(self, url: str) -> int:
        number = self._numbers.setdefault(url, len(self._urls))
        if number == len(self._urls):
            self._urls.append(url)
        return number

    def _lane(self, url: str) -> _Lane:
        return self._lanes.setdefault(authority(url), _Lane())
