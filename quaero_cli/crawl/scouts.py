"""The program's side of scouts: processes that fetch pages and look at them (see `reading/scout`).

`Scouts.get` is `Fetcher.get` for pages. Names are resolved and judged here, and a scout is told the addresses;
manners are held here, by whoever asks. All requests to a server go to the same scout, so that no more connections to
it are kept than requests are made at once.

A scout that dies, or spends a page's time without an answer, is replaced; what it had under way is fetched by the
event loop, and read page by page in processes of their own: so the page that did it fails there, alone. A server with
a delay is asked by the event loop, too: a scout that is busy with a page may begin a request later than it was told.
"""

import os
import socket
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import outcome
import trio

from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.fetch import Fetcher
from quaero_cli.crawl.polite import Manners
from quaero_cli.crawl.pool import Pool
from quaero_cli.crawl.reading.scout import FORGET, Inbox, Settings, frame, unpacked
from quaero_cli.crawl.reading_server import PoolBroken
from quaero_cli.crawl.resolve import Resolver
from quaero_cli.crawl.transfer import Wanted
from quaero_cli.crawl.urls import authority, hostname, origin

# More would wait for the event loop, which has as much to do for a page as a scout has.
_MAX_SCOUTS = 2
# Scouts that may be lost before pages are fetched by the event loop for the rest of the crawl.
_MAX_LOST = 3
# Seconds beyond the limit of a request after which a scout that answers nothing is taken for stuck, however busy the
# machine is.
_STUCK_SECONDS = 300.0
# Seconds between two looks at what a scout spends.
_LOOK_EVERY = 1.0
# Sites whose addresses a scout is told before it forgets them.
_MAX_SITES = 10_000

_CPUCLOCK_SCHED = 2  # in a clock's number beside a process ID: its processor time (clock_getcpuclockid(3))


class Scouts:
    """Fetches pages by scouts, and all else by a fetcher; from `open_scouts`."""

    def __init__(
        self,
        nursery: trio.Nursery,
        pool: Pool,
        fetcher: Fetcher,
        resolver: Resolver,
        manners: Manners,
        settings: Settings,
        page_seconds: float,
    ) -> None:
        self._nursery = nursery
        self._pool = pool
        self._fetcher = fetcher
        self._resolver = resolver
        self._manners = manners
        self._settings = settings
        self._page_seconds = page_seconds
        count = max(1, min(_MAX_SCOUTS, len(os.sched_getaffinity(0)) // 2))
        self._scouts: list[_Scout | None] = [None] * count
        self._starting = trio.Lock()
        self._lost = 0

    async def get(
        self, url: str, wanted: Wanted, *, fresh: bool = False, conditions: Mapping[str, str] | None = None
    ) -> Response | FetchError:
        """GET a normalised URL, as `Fetcher.get` does; of a page that a scout fetched the answer has a look."""
        server = authority(url)
        if wanted.page and self._lost < _MAX_LOST and not self._manners.delays(server):
            addresses = await self._resolver.addresses(hostname(url))
            if isinstance(addresses, FetchError):
                return addresses
            place = self._place(server)
            scout = self._scouts[place] or await self._start(place)
            item = await scout.ask(url, addresses, conditions, fresh=fresh) if scout is not None else None
            if item is not None:
                return unpacked(url, item)
        return await self._fetcher.get(url, wanted, fresh=fresh, conditions=conditions)

    def expect(self, url: str) -> None:
        """A page of this site will be wanted: its scout is started while its robots.txt is asked for."""
        self._nursery.start_soon(self._start, self._place(authority(url)))

    def _place(self, server: str) -> int:
        return hash(server) % len(self._scouts)

    async def _start(self, place: int) -> "_Scout | None":
        """Start a scout, unless there is one by now; None: it cannot be."""
        async with self._starting:
            scout = self._scouts[place]
            if scout is None and self._lost < _MAX_LOST:
                try:
                    pipe, process_id = await self._pool.start_scout()
                except PoolBroken:  # whoever reads the pages has the same trouble, and tells
                    self._lost = _MAX_LOST
                    return None
                scout = self._scouts[place] = _Scout(pipe, process_id, self._settings, self._page_seconds)
                self._nursery.start_soon(self._keep, place, scout)
            return scout

    async def _keep(self, place: int, scout: "_Scout") -> None:
        await scout.run()
        self._lost += 1
        self._scouts[place] = None
        await self._pool.end_scout(scout.process_id)


class _Scout:
    """One process, and what it is asked for at the moment."""

    def __init__(self, pipe: socket.socket, process_id: int, settings: Settings, page_seconds: float) -> None:
        """`pipe` does not block; it is closed by `run`."""
        self.process_id = process_id
        self._pipe = pipe
        self._page_seconds = page_seconds
        self._stuck_seconds = sum(settings["limits"]) + _STUCK_SECONDS
        self._outbox: list[Any] = []
        self._unsent = frame(settings)
        self._sender: trio.lowlevel.Task | None = None  # while it waits for something to send
        self._waiting: dict[int, trio.lowlevel.Task] = {}
        self._told: dict[str, list[str]] = {}  # addresses of sites
        self._number = 0
        self._answers = 0
        self._ended = False

    async def ask(
        self, url: str, addresses: list[str], conditions: Mapping[str, str] | None, *, fresh: bool
    ) -> list[Any] | None:
        """What it answers to a request; None: it is lost."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._ended:
            return None
        site = origin(url)
        if self._told.get(site) is not addresses:
            self._tell(site, addresses)
        self._number += 1
        number = self._number

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting.pop(number, None)
            return trio.lowlevel.Abort.SUCCEEDED

        self._waiting[number] = trio.lowlevel.current_task()
        self._outbox.append((number, url, conditions or None, fresh))
        if self._sender is not None:  # it runs when all have asked who ask just now
            trio.lowlevel.reschedule(self._sender)
            self._sender = None
        item: list[Any] | None = await trio.lowlevel.wait_task_rescheduled(abort)
        return item

    async def run(self) -> None:
        """Talk to it until it is lost; then whoever waits is told so."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send)
                nursery.start_soon(self._watch, nursery.cancel_scope)
                await self._hear()
                nursery.cancel_scope.cancel()
        finally:
            self._ended = True
            self._pipe.close()
            for task in self._waiting.values():
                trio.lowlevel.reschedule(task, outcome.Value(None))
            self._waiting.clear()

    def _tell(self, site: str, addresses: list[str]) -> None:
        if len(self._told) >= _MAX_SITES:
            self._told.clear()
            self._outbox.append((FORGET, []))
        self._told[site] = addresses
        self._outbox.append((site, addresses))

    async def _send(self) -> None:
        """Send what gathers."""
        while True:
            if not self._unsent:
                if not self._outbox:
                    self._sender = trio.lowlevel.current_task()
                    await trio.lowlevel.wait_task_rescheduled(self._stop_waiting)
                self._unsent, self._outbox = frame(self._outbox), []
            try:
                self._unsent = self._unsent[self._pipe.send(self._unsent) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._pipe)
            except OSError:
                return  # it is gone, as whoever hears will find

    def _stop_waiting(self, _: object) -> trio.lowlevel.Abort:
        self._sender = None
        return trio.lowlevel.Abort.SUCCEEDED

    async def _hear(self) -> None:
        """Hand out answers until it ends, or says what no scout says."""
        inbox = Inbox(self._pipe)
        with suppress(OSError, ValueError, LookupError, TypeError):
            while True:
                await trio.lowlevel.wait_readable(self._pipe)
                frames = inbox.read()
                if frames is None:
                    return
                for items in frames:
                    self._answers += 1
                    for item in items:
                        task = self._waiting.pop(item[0], None)
                        if task is not None:  # else it was cancelled
                            trio.lowlevel.reschedule(task, outcome.Value(item))

    async def _watch(self, scope: trio.CancelScope) -> None:
        """Give it up when it spends the time of a page, or very long, without an answer."""
        answers, began, spent = 0, trio.current_time(), 0.0
        while True:
            await trio.sleep(min(_LOOK_EVERY, self._page_seconds / 2))
            now, spends = trio.current_time(), self._spent()
            if self._answers != answers or not self._waiting:
                answers, began, spent = self._answers, now, spends
            elif spends - spent > self._page_seconds or now - began > self._stuck_seconds:
                scope.cancel()

    def _spent(self) -> float:
        """Processor time of the process, in seconds; none where it is gone, which its pipe tells."""
        try:
            return time.clock_gettime(~self.process_id << 3 | _CPUCLOCK_SCHED)
        except OSError:
            return 0.0


@asynccontextmanager
async def open_scouts(
    pool: Pool, fetcher: Fetcher, resolver: Resolver, manners: Manners, settings: Settings, page_seconds: float
) -> AsyncGenerator[Scouts, None]:
    """Scouts for as long as the block runs; the pool, which is closed after it, ends their processes."""
    async with trio.open_nursery() as nursery:
        yield Scouts(nursery, pool, fetcher, resolver, manners, settings, page_seconds)
        nursery.cancel_scope.cancel()
