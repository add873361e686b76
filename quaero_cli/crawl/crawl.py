"""One crawl, from its options to its outputs: makes the parts, starts them, and tells how it went.

Start URLs are admitted first, then the sites' sitemaps are read while the first pages are already on their way. The
crawl is over when the last worker has ended; links found by one are admitted, as workers, before it ends.
"""

import functools

import trio

from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.asking import PAGE_ACCEPT, PAGE_TYPES, open_asker
from quaero_cli.crawl.discovery import Discovery
from quaero_cli.crawl.fetch import Fetcher
from quaero_cli.crawl.frontier import Frontier, Target
from quaero_cli.crawl.listings import Listings, default_sitemap
from quaero_cli.crawl.options import Options
from quaero_cli.crawl.pages import Pages, Parts
from quaero_cli.crawl.polite import Manners
from quaero_cli.crawl.pool import Pool, open_pool
from quaero_cli.crawl.ports import Memory, Surroundings, Worker, Workers
from quaero_cli.crawl.progress import Progress
from quaero_cli.crawl.recall import Recall
from quaero_cli.crawl.report import Report
from quaero_cli.crawl.resuming import Resuming
from quaero_cli.crawl.robots import WANTED as WANTED_ROBOTS
from quaero_cli.crawl.robots import Robots, Rules
from quaero_cli.crawl.scouts import Scouts
from quaero_cli.crawl.secrecy import Secrecy
from quaero_cli.crawl.tally import Tally
from quaero_cli.crawl.transfer import Wanted
from quaero_cli.crawl.tuning import Tuning
from quaero_cli.crawl.urls import authority, origin
from quaero_cli.crawl.visit import Client, Visitor
from quaero_cli.errors import StepFailed

# Start sites whose robots.txt is fetched at the same time: as many as pages by default.
_SITES_AT_ONCE = 32

# Sites that are asked for their robots.txt beyond one for each page: whose rules then forbid all that is linked.
_SPARE_SITES = 100


async def crawl(around: Surroundings, options: Options, tuning: Tuning | None = None) -> dict[str, int]:
    """Run a crawl; returns its outputs. Raises StepFailed if no start URL gave a page."""
    tuning = tuning or Tuning()
    manners = Manners(per_host=options.per_host, delay=options.delay)
    async with (
        around.open_memory() as memory,
        open_pool(factory=tuning.factory(options), page_seconds=tuning.reader_seconds) as pool,
        open_asker(options, tuning, pool, manners) as asker,
    ):
        end = await _Crawl(around, options, tuning, memory, pool, manners, asker).run()
    # Raised out here, where no nursery makes a group of it.
    if isinstance(end, StepFailed):
        raise end
    return end


class _Crawl:
    """The parts of one crawl, joined."""

    def __init__(
        self,
        around: Surroundings,
        options: Options,
        tuning: Tuning,
        memory: Memory,
        pool: Pool,
        manners: Manners,
        asker: Fetcher | Scouts,
    ) -> None:
        self._around = around
        self._memory = memory
        self._options = options
        self._workers: Workers | None = None
        self._under_way = 0  # workers that have not ended
        self._turn = trio.Event()  # set and replaced when `_tend` may have something to do
        self._tally = tally = Tally()
        self._report = Report(tally)
        self._manners = manners
        self._recall = recall = Recall(memory, options)
        self._secrecy = Secrecy(around.mask, options.start_urls)
        self._client = client = Client(asker, options.scope, manners, tuning.patience, recall)
        # Twice as many pages under way as connections: while half are fetched, half are read.
        self._frontier = Frontier(
            max_pages=options.max_pages,
            per_server=2 * options.per_host,
            max_heaped=tuning.max_waiting,
            links_of=self._links_of,
        )
        self._resuming = Resuming(around, memory, self._frontier, self._secrecy, options.start_urls)
        self._robots = robots = Robots(
            self._robots_file,
            user_agent=options.user_agent,
            obey=options.obey_robots,
            on_rules=self._on_rules,
        )
        wanted = Wanted(limit=options.max_bytes, types=PAGE_TYPES, accept=PAGE_ACCEPT, page=True)
        visitor = Visitor(client, options.scope, robots, self._frontier, wanted)
        self._discovery = Discovery(
            self._frontier,
            options.scope,
            robots,
            tally,
            around.log,
            self._admit,
            max_sites=options.max_pages + _SPARE_SITES,
        )
        self._listings = Listings(
            client, pool, self._discovery, robots, options.scope, around.log, recall, since=options.since
        )
        self._pages = Pages(
            Parts(
                around,
                memory,
                recall,
                options,
                visitor,
                pool,
                self._frontier,
                self._discovery,
                self._listings,
                self._report,
            )
        )

    async def run(self) -> dict[str, int] | StepFailed:
        """The crawl itself: its outputs, or why it came to nothing."""
        began = trio.current_time()
        self._pages.started = await self._resuming.resume()
        sites = list(dict.fromkeys(map(origin, self._options.start_urls)))
        progress = Progress(self._around, self._frontier, self._manners, self._tally)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(progress.run)
            await self._fetch_all(sites)
            nursery.cancel_scope.cancel()
        progress.finish()
        self._around.log.info("Crawl finished", **self._summary(trio.current_time() - began))
        if not self._pages.started:
            return self._report.no_start()
        if not self._tally.unfinished:
            await self._resuming.forget()
        return self._tally.outputs(self._frontier.pages)

    async def _fetch_all(self, sites: list[str]) -> None:
        async with self._around.open_workers() as self._workers:
            await self._ask_rules(sites)
            for url in self._options.start_urls:
                problem = await self._discovery.start(url)
                if problem is not None:
                    self._around.log.warn("Skipped", url=url, reason=problem.reason)
                    self._report.start_problems.append((url, problem.kind, problem.reason))
            if self._options.sitemaps:
                await self._listings.sitemaps(sites)
            await self._tend()

    def _summary(self, seconds: float) -> dict[str, object]:
        return self._tally.fields(self._frontier.pages, seconds, self._manners.states())

    async def _ask_rules(self, sites: list[str]) -> None:
        """Fetch the robots rules of the start sites, many at once: one slow site is not to hold up the others."""
        places = trio.CapacityLimiter(_SITES_AT_ONCE)

        async def ask(site: str) -> None:
            async with places:
                await self._robots.rules(site)

        async with trio.open_nursery() as nursery:
            for site in sites:
                nursery.start_soon(ask, site)

    def _links_of(self, url: str) -> list[str]:
        """The links of a page that was read, from the store."""
        return self._discovery.links_in_scope(self._recall.links(url))

    async def _robots_file(self, url: str) -> Response | FetchError:
        """A robots.txt; where it has not changed, as it was."""
        answer = await self._client.follow(url, WANTED_ROBOTS)
        if isinstance(answer, FetchError):
            return answer
        if answer.status == 304:
            known = self._recall.known(answer.url)
            self._recall.used(answer.url)
            text = "" if known is None else str(known.facts["robots"])
            return Response(answer.url, 200, answer.headers, text.encode("latin-1"), answer.duration)
        self._recall.remember(answer, {"robots": answer.body.decode("latin-1")})
        return answer

    async def _tend(self) -> None:
        """Fetch what waits in the store while there is room for it in memory, until no page is left."""
        while True:
            turn = self._turn
            if self._frontier.hungry:
                limit = self._frontier.appetite
                pages = await self._memory.waiting(limit)
                self._frontier.feed(self._secrecy.whole_pages(pages), complete=len(pages) < limit)
                self._admit()
            elif not self._under_way:
                return
            else:
                await turn.wait()

    def _admit(self) -> None:
        """Spawn a worker for every page that may be fetched from now on, and let the store know what was found."""
        assert self._workers is not None
        if found := self._frontier.fresh():
            self._memory.found(found)
        for target in self._frontier.take():
            self._under_way += 1
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
        self._under_way -= 1
        self._admit()
        if not self._under_way or self._frontier.hungry:
            self._turn.set()
            self._turn = trio.Event()

    def _on_rules(self, site: str, rules: Rules) -> None:
        if rules.delay > 0:
            self._manners.slow_down(authority(site + "/"), rules.delay)
        if self._options.sitemaps:
            self._discovery.set_aside([*rules.sitemaps, default_sitemap(site)])
        if rules.problem is not None:
            self._around.log.warn("Site not crawled", url=site, reason=rules.problem.reason)
