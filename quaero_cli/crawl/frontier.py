"""Which URL next, and never one twice: what is known, how deep, and how many pages may still be asked for. Pure.

Order is breadth first (depth, then the order in which URLs were found) within a server; servers take turns.
Pages end in any order, so a URL may first be found by a longer way than the shortest. Then its depth is put right
as soon as the shorter way is known, and so are the depths of what was found on it: in the end a page belongs to the
crawl exactly if its shortest way is no longer than the limit. For this the links of read pages are kept (where a
page can still come nearer, and as hashes); of large crawls, and of resumed ones, they are looked up in the store.

A page that is admitted counts against the budget at once, before its request; `refund` gives back what was never
asked for. Pages under way are bounded, for one server more generously than for several: people are to see what is
pending, and a slow server must not fill the workers of all.

Memory is bounded: of a known URL only a hash and a number are kept (75 bytes), and of those that wait no more than
`MAX_HEAPED` themselves. The rest waits in the store, where everything found stands anyway (`fresh`), and is fetched
by the owner when `hungry` says so (`feed`).
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

from quaero_cli.crawl.readlinks import ReadLinks
from quaero_cli.crawl.urls import authority
from quaero_cli.model import FoundPage, FrontierPage, PageState

# URLs that wait in memory: 300 bytes each. Refilled when a quarter is left.
MAX_HEAPED = 20_000
# Pages under way where there is one server: what a person looks at as "pending".
MAX_UNDER_WAY = 1_000
# URLs that wait beyond what may still be asked for, and so many for each page of that: a trap has no end.
SPARE = 100_000
SPARE_PER_PAGE = 10
# URLs that are remembered as refused: 75 bytes each. Further ones are judged each time.
MAX_REFUSED = 1_000_000

# A URL's entry is one integer: its depth above five flags.
_ADMITTED = 1  # asked for, or about to be
_REFUSED = 2  # will never belong to the crawl
_START = 4
_HEAPED = 8  # waits in memory
_READ_AWAY = 16  # was read, and its links are kept in the store alone
_DEPTH = 5  # bits to shift
_FLAGS = (1 << _DEPTH) - 1
_NOWHERE = 1 << 40 << _DEPTH  # no way to it is known


class Target(NamedTuple):
    """A page to fetch."""

    url: str
    depth: int
    start: bool
    found_on: str | None = None  # the page, sitemap or feed that led to it


class _Lane:
    """What waits for one server: a heap of (depth, order, URL, where it was found)."""

    __slots__ = ("busy", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[int, int, str, str | None]] = []
        self.busy = 0


class Frontier:
    """A crawl's memory. `per_server`: pages under way for one server when there are several.

    `links_of` gives the links of a page that was read and whose links are not kept in memory.
    """

    def __init__(
        self,
        *,
        max_pages: int,
        per_server: int,
        max_heaped: int = MAX_HEAPED,
        links_of: Callable[[str], Iterable[str]] = lambda _url: (),
    ) -> None:
        self._links_of = links_of
        self._budget = max_pages
        self._per_server = per_server
        self._max_heaped = max_heaped
        self._lanes: dict[str, _Lane] = {}
        self._known: dict[int, int] = {}  # hash of a URL (64 bits, keyed by the process): its entry
        self._deferred: dict[str, str] = {}  # pages left alone in favour of another
        self._read = ReadLinks()
        self._order = 0
        self._heaped = 0
        self._spilled = False
        self._refused = 0  # that are remembered
        self._fresh: list[FoundPage] = []
        self.pages = 0  # admitted and not refunded
        self.waiting = 0  # known, and not admitted

    def knows(self, url: str, depth: int) -> bool:
        """Whether finding `url` at `depth` is no news."""
        entry = self._known.get(hash(url), _NOWHERE)
        return bool(entry & _REFUSED) or entry >> _DEPTH <= depth

    def sort_out(self, urls: Sequence[str], depth: int) -> tuple[list[str], list[str]]:
        """Those of `urls` that are no news at `depth` and belong to the crawl; and those that are news.

        `knows` and `belongs` for a whole page: nearly all its links are known, and this is all that is done for them.
        """
        nearer = (depth + 1) << _DEPTH  # what the entry of a URL that is no news is below
        entries = list(map(self._known.get, map(hash, urls), repeat(_NOWHERE)))
        if max(entries, default=_NOWHERE) < nearer and not any(map(_REFUSED.__and__, entries)):
            return list(urls), []
        found = list(zip(urls, entries, strict=True))
        ours = [url for url, entry in found if entry < nearer and not entry & _REFUSED]
        return ours, [url for url, entry in found if entry >= nearer and not entry & _REFUSED]

    def belongs(self, url: str) -> bool:
        """Whether the URL was added, and not refused since."""
        entry = self._known.get(hash(url), _NOWHERE)
        return entry < _NOWHERE and not entry & _REFUSED

    def depth(self, url: str) -> int:
        """The shortest way known to a URL of the crawl."""
        return self._known[hash(url)] >> _DEPTH

    def refuse(self, url: str) -> None:
        """The URL will never belong to the crawl."""
        key = hash(url)
        if key not in self._known:
            if self._refused >= MAX_REFUSED:
                return
            self._refused += 1
        self._known[key] = self._known.get(key, _NOWHERE) | _REFUSED

    def add(self, url: str, depth: int, *, start: bool = False, found_on: str | None = None) -> Iterable[str]:
        """The URL belongs to the crawl, at `depth` or nearer.

        Returns the links of a read page that came nearer by this: they did, too, and are to be added again.
        """
        key = hash(url)
        entry = self._known.get(key, _NOWHERE) | (_START if start else 0)
        if entry >> _DEPTH <= depth:
            self._known[key] = entry
            return ()
        self._fresh.append((url, depth, found_on))
        self._known[key] = depth << _DEPTH | entry & _FLAGS
        if entry & _READ_AWAY:
            return self._links_of(url)
        if entry & _ADMITTED:
            return self._read.of(url)
        self.waiting += entry >= _NOWHERE
        self._push(url, depth, found_on)
        return ()

    def restore(self, page: FrontierPage) -> None:
        """What an earlier part of the same crawl left of a URL: it is known, and waits unless it was visited."""
        key = hash(page.url)
        entry = self._known.get(key, _NOWHERE)
        if entry & _ADMITTED:
            return
        depth = min(page.depth, entry >> _DEPTH)
        if page.state in (PageState.DONE, PageState.PASSED):
            self.waiting -= entry < _NOWHERE
            self._known[key] = depth << _DEPTH | _ADMITTED | _READ_AWAY
            if page.state is PageState.DONE:
                self._budget -= 1
                self.pages += 1
        elif entry >= _NOWHERE:
            self._known[key] = depth << _DEPTH
            self.waiting += 1
            self._push(page.url, depth, page.found_on)

    def fresh(self) -> list[FoundPage]:
        """URLs found, or found nearer, since this was asked last: for the store."""
        found, self._fresh = self._fresh, []
        return found

    @property
    def size(self) -> int:
        """URLs that are known."""
        return len(self._known)

    @property
    def full(self) -> bool:
        """Whether so much waits that what is found from now on will never be asked for."""
        return self.waiting > SPARE + SPARE_PER_PAGE * self._budget

    @property
    def hungry(self) -> bool:
        """Whether pages that wait in the store are wanted."""
        return self._spilled and self._budget > 0 and self._heaped < self._max_heaped // 4

    @property
    def appetite(self) -> int:
        """How many rows of the store to look at: those wanted, and those that are in memory or under way."""
        under_way = sum(lane.busy for lane in self._lanes.values())
        return self._max_heaped // 2 + self._heaped + under_way

    def feed(self, pages: Sequence[FrontierPage], *, complete: bool) -> None:
        """Take pages that wait in the store, in order. `complete`: there are no others."""
        self._spilled = False
        before = self._order
        for page in pages:
            entry = self._known.get(hash(page.url), _NOWHERE)
            if not entry & (_ADMITTED | _HEAPED):
                self._push(page.url, entry >> _DEPTH if entry < _NOWHERE else page.depth, page.found_on)
        # Rows that brought nothing new would bring nothing new for ever.
        self._spilled = self._spilled or (not complete and self._order > before)

    def will_fetch(self, url: str) -> bool:
        """Whether the URL was or surely will be asked for: the budget reaches for all that waits."""
        entry = self._known.get(hash(url), _NOWHERE)
        return bool(entry & _ADMITTED) or (entry < _NOWHERE and self.waiting <= self._budget)

    def claim(self, url: str, target: Target) -> bool:
        """A redirect of `target` led to `url`: mark it as asked for. False: it was already.

        A page that was left alone in favour of `target` may be claimed by it: else both would be lost.
        """
        key = hash(url)
        entry = self._known.get(key, _NOWHERE)
        if entry & _ADMITTED:
            if self._deferred.get(url) != target.url:
                return False
        elif entry < _NOWHERE:
            self.waiting -= 1
        if target.depth < entry >> _DEPTH:
            self._fresh.append((url, target.depth, target.url))
        self._known[key] = min(target.depth, entry >> _DEPTH) << _DEPTH | entry & _FLAGS | _ADMITTED
        return True

    def defer(self, url: str, to: str) -> None:
        """The page at `url` is left alone because `to` will be fetched."""
        self._deferred[url] = to

    def revive(self, url: str) -> None:
        """A page that was left alone in favour of one that cannot be had waits again: it is to be asked for anew."""
        self._deferred.pop(url, None)
        entry = self._known[hash(url)] & ~_ADMITTED
        self._known[hash(url)] = entry
        self.waiting += 1
        self._push(url, entry >> _DEPTH)

    def read(self, target: Target, url: str, links: Sequence[str]) -> None:
        """The page of `target`, found at `url` after redirects, has these links, which may belong to the crawl."""
        if self.depth(target.url) <= 1:
            return  # no shorter way can exist
        if not self._read.keep((target.url, url), links):
            for name in (target.url, url):
                self._known[hash(name)] |= _READ_AWAY

    def take(self) -> list[Target]:
        """Every page that may be fetched from now on, in order; each is under way until `done`."""
        taken: list[Target] = []
        lanes = [lane for lane in self._lanes.values() if lane.waiting]
        while lanes and self._budget > 0:
            found = [target for lane in lanes if (target := self._next(lane)) is not None]
            if not found:
                break
            taken += found
        return taken

    def done(self, target: Target) -> None:
        """The page is no longer under way."""
        self._lane(target.url).busy -= 1

    def refund(self) -> None:
        """A page under way was never asked for."""
        self._budget += 1
        self.pages -= 1

    def _next(self, lane: _Lane) -> Target | None:
        most = self._per_server if len(self._lanes) > 1 else MAX_UNDER_WAY
        if self._budget <= 0 or lane.busy >= most:
            return None
        while lane.waiting:
            depth, _, url, found_on = heapq.heappop(lane.waiting)
            self._heaped -= 1
            key = hash(url)
            entry = self._known[key]
            # Claimed by a redirect meanwhile, or found again nearer: then it stands in the heap twice.
            if not entry & _ADMITTED and entry >> _DEPTH == depth:
                self._known[key] = entry & ~_HEAPED | _ADMITTED
                self._budget -= 1
                self.pages += 1
                self.waiting -= 1
                lane.busy += 1
                return Target(url, depth, bool(entry & _START), found_on)
        return None

    def _push(self, url: str, depth: int, found_on: str | None = None) -> None:
        self._order += 1
        heapq.heappush(self._lane(url).waiting, (depth, self._order, url, found_on))
        self._known[hash(url)] |= _HEAPED
        self._heaped += 1
        if self._heaped > self._max_heaped:
            self._spill()

    def _spill(self) -> None:
        """Let the farthest half go: the store has them."""
        everything = [item for lane in self._lanes.values() for item in lane.waiting]
        limit = heapq.nsmallest(self._max_heaped // 2, everything)[-1]
        for lane in self._lanes.values():
            for item in lane.waiting:
                if item > limit:
                    self._known[hash(item[2])] &= ~_HEAPED
            lane.waiting = [item for item in lane.waiting if item <= limit]
            heapq.heapify(lane.waiting)
        self._heaped = sum(len(lane.waiting) for lane in self._lanes.values())
        self._spilled = True

    def _lane(self, url: str) -> _Lane:
        server = authority(url)
        lane = self._lanes.get(server)
        if lane is None:
            lane = self._lanes[server] = _Lane()
        return lane
