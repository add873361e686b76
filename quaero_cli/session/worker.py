"""`quaero worker`: runs the jobs of a cluster's queues on this machine, and items of jobs that others hold.

Theory of operation: while there is room, one task claims what may run here, and starts it (`leasedjobs`, `partruns`).
Beside each a heartbeat renews the lease, and learns that it is to be cancelled or that another worker has it
(`holding`). A lease is given up when the views have all that was said, so a machine that vanishes before that has its
jobs run again. SIGTERM drains: no further job is taken, those that run come to their end, the outbox is emptied.

Room: each job takes one of the slots, and so does each item of a step with `spread`. A job that has items out lends
its slot to items, its own or others', while it waits for them; so whatever waits, some item can run.
"""

import signal
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import trio

from quaero_cli.cluster.bound import Bound
from quaero_cli.cluster.ports import EngineAway, Lease, owner_of_part
from quaero_cli.cluster.shipper import Shipper
from quaero_cli.jobdef.model import StepType
from quaero_cli.model.taking import Offer
from quaero_cli.session.arrivals import Arrivals
from quaero_cli.session.cluster import open_engine, role_of_home
from quaero_cli.session.core import open_session
from quaero_cli.session.failing import unwrapped
from quaero_cli.session.holding import RETRY_INTERVAL, Held, Holding
from quaero_cli.session.leased import Shipping
from quaero_cli.session.leasedjobs import LeasedJobs
from quaero_cli.session.namedlog import NamedLog
from quaero_cli.session.partruns import PartRuns
from quaero_cli.session.partsout import PartsOut
from quaero_cli.session.presence import News, Presence
from quaero_cli.session.reach import Reach
from quaero_cli.session.signals import watch_signals
from quaero_cli.session.station import Station
from quaero_cli.session.sweep import end_survivors
from quaero_cli.settings import Settings
from quaero_cli.store.factcodec import job_of
from quaero_cli.store.outbox import Outbox
from quaero_cli.store.queue import KnownJobs, left_unstored

# Seconds that one look at the queues waits for a job.
CLAIM_WAIT = 2.0
# Seconds to empty the outbox when leaving; what is left is shipped at the next start.
FINAL_SHIPPING = 10.0


class _Kind(Enum):
    """What takes a slot."""

    JOB = auto()
    ITEM = auto()


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What to run: jobs that ask for no more than this, so many at once, under this name."""

    name: str
    offer: Offer
    slots: int


async def work(
    settings: Settings,
    options: WorkerOptions,
    announce: Callable[[], None],
    tell: Callable[[str], None],
    *,
    environment: Mapping[str, str],
    step_types: Mapping[str, StepType],
) -> None:
    """Run jobs until a signal; `announce` is called when the engine has been reached.

    `tell` is given words for stderr: the store cannot be written, no job can be taken, or can again. Raises
    UsageError, StateError, ServerError, and StoreError when the store fails for good, or while the worker is to end.
    """
    with unwrapped(), role_of_home(settings, "worker"):
        async with open_engine(settings, f"quaero worker {options.name}") as engine:
            await engine.prepare_worker()
            news = News()
            parts = PartsOut(engine, options.name, news.tell)
            said: list[Callable[[str], None]] = []
            ships: list[Shipper] = []
            bound = Bound(
                settings.database, settings.cluster.outbox_bytes, lambda text: said[0](text),
                missing=lambda: ships[0].silent_archives(),
            )  # fmt: skip
            shipping = Shipping(options.name, bound.room, parts)
            opening = open_session(
                settings, environment=environment, step_types=step_types, tell=tell, shipping=shipping
            )
            with Outbox(settings.database) as outbox, closing(KnownJobs(settings.database)) as known:
                async with opening as session:
                    log = NamedLog(session.source_log("cluster"), options.name)
                    said.append(log.info)
                    shipper = Shipper(
                        outbox, engine, engine, said[0], archives=settings.cluster.archives, fresh=shipping.fresh
                    )
                    ships.append(shipper)

                    async def settle() -> None:
                        await session.flush()
                        await shipper.wait_published()

                    parts.settle = settle
                    announce()
                    holding = Holding(engine, engine.lease / 3, log, news.tell)
                    station = Station(
                        session, engine, holding, shipper, Arrivals(settings, step_types), options.name, log, known
                    )
                    await _Worker(station, options, bound, parts, news, Reach(log, tell)).run()


class _Worker:
    """The worker's tasks."""

    def __init__(
        self, station: Station, options: WorkerOptions, bound: Bound, parts: PartsOut, news: News, reach: Reach
    ) -> None:
        self._session, self._engine, self._shipper = station.session, station.engine, station.shipper
        self._holding, self._log = station.holding, station.log
        assert station.session.trouble is not None
        self._trouble = station.session.trouble
        self._options = options
        self._bound = bound
        self._parts = parts
        self._news = news
        self._reach = reach
        self._jobs = LeasedJobs(station)
        self._items = PartRuns(station)
        self._presence = Presence(station.engine, options.name, self._facts, news)
        self._running: Counter[_Kind] = Counter()
        self._drain = trio.Event()

    async def run(self) -> None:
        """Work until a signal, then until what runs has ended and the views have it."""
        settings = self._session.settings
        left = await trio.to_thread.run_sync(left_unstored, settings.database, settings.locks)
        await end_survivors(left, self._log.warn)
        self._session.give_up_items = self._items.give_up
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._trouble.outlived, "outbox", self._shipper.run)
            nursery.start_soon(self._trouble.outlived, "bound", self._bound.run)
            nursery.start_soon(self._holding.hear_cancels)
            nursery.start_soon(self._parts.hear)
            nursery.start_soon(self._presence.run)
            await nursery.start(watch_signals, self._ask, self._insist, _leave)
            async with trio.open_nursery() as working:
                await self._take(working)
            await self._session.flush()
            with trio.move_on_after(FINAL_SHIPPING):
                await self._shipper.wait_shipped()
            await self._presence.tell(left=True)
            nursery.cancel_scope.cancel()

    def _ask(self, number: signal.Signals) -> None:
        self._log.info(f"{number.name}: no further job is taken; again to cancel those that run")
        self._session.lose_patience()
        self._drain.set()
        self._news.tell()

    def _insist(self) -> None:
        for handle in list(self._session.handles.values()):
            handle.cancel("the worker was stopped")
        self._items.stop()
        self._session.kill_children()

    # ------------------------------------------------------------------ room

    def _offer(self) -> Offer:
        """Return what may be claimed now."""
        jobs, items, lent = self._running[_Kind.JOB], self._running[_Kind.ITEM], self._parts.lent
        draining = self._drain.is_set()
        return replace(
            self._options.offer,
            jobs=not draining and jobs + max(0, items - lent) < self._options.slots,
            # A job of ours that waits for its items must not wait for ever: perhaps nobody else is there.
            parts=(not draining or lent > 0) and jobs - lent + items < self._options.slots,
        )

    async def _take(self, working: trio.Nursery) -> None:
        """Claim and start until nothing more is to be taken."""
        while not self._drain.is_set() or self._running[_Kind.JOB]:
            news = self._news.waiter()
            offer = self._offer()
            if not (offer.jobs or offer.parts):
                await news.wait()
            elif self._bound.is_full or self._trouble.lasts:
                await trio.sleep(RETRY_INTERVAL)
            else:
                await self._claim(offer, working)

    async def _claim(self, offer: Offer, working: trio.Nursery) -> None:
        try:
            lease = await self._engine.claim(offer, self._parts.holder, CLAIM_WAIT)
        except EngineAway as error:
            self._reach.lost(error)
            await trio.sleep(RETRY_INTERVAL)
            return
        self._reach.found()
        if lease is None:
            return
        kind = _Kind.JOB if owner_of_part(lease.job) is None else _Kind.ITEM
        if (self._drain.is_set() and kind is _Kind.JOB) or self._trouble.lasts:
            await self._holding.release(lease)
        else:
            self._running[kind] += 1
            working.start_soon(self._run, lease, kind)

    async def _run(self, lease: Lease, kind: _Kind) -> None:
        ran = trio.Event()  # set when it needs no room here any more, which is before it is told to the queue
        run = self._run_job if kind is _Kind.JOB else self._items.run
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._note_room, ran, kind)
            held = await self._holding.hold(lease)
            if held is not None:
                try:
                    await run(held, ran)
                finally:
                    self._holding.drop(held)
            ran.set()

    async def _run_job(self, held: Held, ran: trio.Event) -> None:
        job = job_of(held.lease.body)
        self._parts.own(job, held.lease.body)
        try:
            await self._jobs.run(held, job, ran)
        finally:
            self._parts.disown(job.id)

    async def _note_room(self, ran: trio.Event, kind: _Kind) -> None:
        await ran.wait()
        self._running[kind] -= 1
        self._news.tell()

    # ------------------------------------------------------------------ presence

    def _facts(self) -> dict[str, Any]:
        held = sorted(name for name, each in self._holding.held.items() if not each.done)
        offer = self._options.offer
        return {
            "queues": list(offer.queues), "labels": dict(offer.labels), "slots": self._options.slots,
            "jobs": [each for each in held if owner_of_part(each) is None],
            "items": sum(owner_of_part(each) is not None for each in held),
            "outbox_bytes": self._bound.bytes, "outbox_entries": self._bound.entries,
            "draining": self._drain.is_set(),
        }  # fmt: skip


def _leave() -> None:
    """There is no terminal to put in order."""
