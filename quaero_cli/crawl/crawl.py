"""One crawl, from its options to its outputs: makes the parts, starts them, and tells how it went.

Start URLs are admitted first, then the sites' sitemaps are read while the first pages are already on their way. The
crawl is over when the last worker has ended; links found by one are admitted, as workers, before it ends.
"""

import functools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from quaero_cli.crawl.discovery import Discovery
from quaero_cli.crawl.fetch import Fetcher, Identity, open_fetcher
from quaero_cli.crawl.frontier import Frontier, Target
from quaero_cli.crawl.listings import Listings, default_sitemap
from quaero_cli.crawl.options import Options
from quaero_cli.crawl.pages import Pages, Parts
from quaero_cli.crawl.patience import Patience
from quaero_cli.crawl.polite import Manners
from quaero_cli.crawl.pool import DEFAULT_FACTORY, PAGE_SECONDS, Pool, open_pool
from quaero_cli.crawl.ports import Surroundings, Worker, Workers
from quaero_cli.crawl.report import Report
from quaero_cli.crawl.resolve import Lookup, Resolver, system_lookup
from quaero_cli.crawl.robots import WANTED as WANTED_ROBOTS
from quaero_cli.crawl.robots import Robots, Rules
from quaero_cli.crawl.tally import Tally
from quaero_cli.crawl.transfer import Wanted
from quaero_cli.crawl.urls import authority, origin
from quaero_cli.crawl.visit import Client, Visitor
from quaero_cli.errors import StepFailed

_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_PAGE_ACCEPT = "text/html, application/xhtml+xml, */*;q=0.1"

# Start sites whose robots.txt is fetched at the same time: as many as pages by default.
_SITES_AT_ONCE = 32

_HINTS = {
    "resolve": "check the spelling of the host, and the network",
    "refused": "is the server running, and the port right?",
    "tls": "the site's certificate or encryption cannot be trusted; open it in a browser to see why",
    "robots": "set obey_robots = false only where you may",
    "private address": 'name the host in allow_private if it is yours: allow_private = ["127.0.0.1"]',
    "redirect outside": "name the host that it leads to in allowed_domains",
    "scope": "look at allowed_domains and exclude_patterns",
}


@dataclass(frozen=True)
class Tuning:
    """What the author of a job does not choose."""

    patience: Patience = field(default_factory=Patience)
    lookup: Lookup = system_lookup
    reader_factory: str = DEFAULT_FACTORY
    reader_seconds: float = PAGE_SECONDS


async def crawl(around: Surroundings, options: Options, tuning: Tuning | None = None) -> dict[str, int]:
    """Run a crawl; returns its outputs. Raises StepFailed if no start URL gave a page."""
    tuning = tuning or Tuning()
    async with (
        open_pool(factory=tuning.reader_factory, page_seconds=tuning.reader_seconds) as pool,
        _open_fetcher(options, tuning) as fetcher,
    ):
        end = await _Crawl(around, options, tuning, pool, fetcher).run()
    # Raised out here, where no nursery makes a group of it.
    if isinstance(end, StepFailed):
        raise end
    return end


@asynccontextmanager
async def _open_fetcher(options: Options, tuning: Tuning) -> AsyncGenerator[Fetcher, None]:
    resolver = Resolver(options.policy, timeout=options.timeout_connect, lookup=tuning.lookup)
    identity = Identity(
        options.user_agent, options.all_headers, frozenset(map(origin, options.start_urls)), options.proxy
    )
    async with open_fetcher(
        resolver, identity, timeout_connect=options.timeout_connect, timeout_page=options.timeout_page
    ) as fetcher:
        yield fetcher


class _Crawl:
    """The parts of one crawl, joined."""

    def __init__(self, around: Surroundings, options: Options, tuning: Tuning, pool: Pool, fetcher: Fetcher) -> None:
        self._around = around
        self._options = options
        self._workers: Workers | None = None
        self._tally = tally = Tally()
        self._report = Report(tally)
        self._manners = Manners(per_host=options.per_host, delay=options.delay)
        client = Client(fetcher, options.scope, self._manners, tuning.patience)
        # Twice as many pages under way as connections: while half are fetched, half are read.
        self._frontier = Frontier(max_pages=options.max_pages, per_server=2 * options.per_host)
        self._robots = robots = Robots(
            lambda url: client.follow(url, WANTED_ROBOTS),
            user_agent=options.user_agent,
            obey=options.obey_robots,
            on_rules=self._on_rules,
        )
        wanted = Wanted(limit=options.max_bytes, types=_PAGE_TYPES, accept=_PAGE_ACCEPT)
        visitor = Visitor(client, options.scope, robots, self._frontier, wanted)
        self._discovery = Discovery(self._frontier, options.scope, robots, tally, around.log, self._admit)
        self._listings = Listings(
            client, pool, self._discovery, robots, options.scope, around.log, since=options.since
        )
        self._pages = Pages(
            Parts(around, options, visitor, pool, self._frontier, self._discovery, self._listings, self._report)
        )

    async def run(self) -> dict[str, int] | StepFailed:
        """The crawl itself: its outputs, or why it came to nothing."""
        began = trio.current_time()
        sites = list(dict.fromkeys(map(origin, self._options.start_urls)))
        async with self._around.open_workers() as self._workers:
            await self._ask_rules(sites)
            for url in self._options.start_urls:
                problem = await self._discovery.start(url)
                if problem is not None:
                    self._around.log.warn("Skipped", url=url, reason=problem.reason)
                    self._report.start_problems.append((url, problem.kind, problem.reason))
            if self._options.sitemaps:
                await self._listings.sitemaps(sites)
        self._around.log.info(
            "Crawl finished", **self._tally.fields(self._frontier.pages, trio.current_time() - began)
        )
        if not self._pages.started:
            return self._no_start()
        return self._tally.outputs(self._frontier.pages)

    async def _ask_rules(self, sites: list[str]) -> None:
        """Fetch the robots rules of the start sites, many at once: one slow site is not to hold up the others."""
        places = trio.CapacityLimiter(_SITES_AT_ONCE)

        async def ask(site: str) -> None:
            async with places:
                await self._robots.rules(site)

        async with trio.open_nursery() as nursery:
            for site in sites:
                nursery.start_soon(ask, site)

    def _admit(self) -> None:
        """Spawn a worker for every page that may be fetched from now on."""
        assert self._workers is not None
        for target in self._frontier.take():
            self._workers.spawn(functools.partial(self._work, target), label=target.url)

    async def _work(self, target: Target, worker: Worker) -> None:
        try:
            await self._pages.work(worker.log, target)
        except Exception:
            # Cancelled is none: then nothing new is to start.
            self._next(target)
            raise
        self._next(target)

    def _next(self, target: Target) -> None:
        self._frontier.done(target)
        self._admit()

    def _on_rules(self, site: str, rules: Rules) -> None:
        if rules.delay > 0:
            self._manners.slow_down(authority(site + "/"), rules.delay)
        if self._options.sitemaps:
            self._discovery.set_aside([*rules.sitemaps, default_sitemap(site)])
        if rules.problem is not None:
            self._around.log.warn("Site not crawled", url=site, reason=rules.problem.reason)

    def _no_start(self) -> StepFailed:
        if not self._report.start_problems:  # then their workers failed otherwise, and the log says how
            return StepFailed("no start URL could be fetched")
        url, kind, reason = self._report.start_problems[0]
        others = len(self._report.start_problems) - 1
        more = f" (and {others} more)" if others else ""
        return StepFailed(f"no start URL could be fetched: {url}: {reason}{more}", hint=_HINTS.get(kind))
