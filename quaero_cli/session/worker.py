"""`quaero worker`: runs the jobs of a cluster's queues on this machine.

Theory of operation: a task takes a slot, claims a job, and starts it in the session like any other.
Beside it a heartbeat renews the lease, and learns that the job is to be cancelled or that another worker has it. The
lease is given up when the views have all that the job said, so a machine that vanishes before that has its jobs run
again. SIGTERM drains: no further job is taken, those that run come to their end, the outbox is emptied.
"""

import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import trio

from quaero_cli import __version__
from quaero_cli.cluster.bound import Bound
from quaero_cli.cluster.ports import EngineAway, Health, Lease
from quaero_cli.cluster.shipper import Shipper, ship_what_comes
from quaero_cli.engine.shared import now_us
from quaero_cli.errors import NotFoundError, QuaeroError
from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.model import StepType
from quaero_cli.model import Fact, JobChanged, JobClaimed, JobQueued, Level, LogLine, NewJob, Status, StepChanged
from quaero_cli.model.taking import DEFAULT_QUEUE, Offer
from quaero_cli.session.cluster import open_engine, role_of_home
from quaero_cli.session.core import Session, open_session
from quaero_cli.session.failing import unwrapped
from quaero_cli.session.handle import Handle
from quaero_cli.session.leased import Leased, Shipping
from quaero_cli.session.prepare import Prepared
from quaero_cli.session.signals import watch_signals
from quaero_cli.session.sweep import end_survivors
from quaero_cli.settings import Settings
from quaero_cli.store import queue
from quaero_cli.store.deletion import discard
from quaero_cli.store.factcodec import unpack_job
from quaero_cli.store.outbox import Outbox

if TYPE_CHECKING:
    from quaero_cli.cluster.nats.engine import NatsEngine

# Seconds that one look at the queues waits for a job.
CLAIM_WAIT = 2.0
# Seconds between words of this machine to the views.
PRESENCE_INTERVAL = 10.0
RETRY_INTERVAL = 0.5
# Claims of a job until it is thought to be what kills its workers.
MAX_ATTEMPTS = 5
# Seconds until the lease of a job is given up although no view has said that it has all of it.
SHIPPED_PATIENCE = 60.0
# Seconds to empty the outbox when leaving; what is left is shipped at the next start.
FINAL_SHIPPING = 10.0


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What to run: jobs that ask for no more than this, so many at once, under this name."""

    name: str
    offer: Offer
    slots: int


@dataclass(slots=True)
class _Held:
    """A lease, and what is known of it."""

    lease: Lease
    lost: bool = False
    wake: trio.Event = field(default_factory=trio.Event)
    ended: trio.Event = field(default_factory=trio.Event)

    def is_lost(self) -> bool:
        """Whether another worker has the job."""
        return self.lost


async def work(
    settings: Settings,
    options: WorkerOptions,
    announce: Callable[[], None],
    *,
    environment: Mapping[str, str],
    step_types: Mapping[str, StepType],
) -> None:
    """Run jobs until a signal; `announce` is called when the engine has been reached.

    Raises UsageError, StateError, ServerError and StoreError.
    """
    with unwrapped(), role_of_home(settings, "worker"):
        async with open_engine(settings, f"quaero worker {options.name}") as engine:
            await engine.prepare_worker()
            said: list[Callable[[str], None]] = []
            bound = Bound(settings.database, settings.cluster.outbox_bytes, lambda text: said[0](text))
            shipping = Shipping(options.name, bound.room)
            opening = open_session(settings, environment=environment, step_types=step_types, shipping=shipping)
            with Outbox(settings.database) as outbox:
                async with opening as session:
                    said.append(session.source_log("cluster").info)
                    shipper = Shipper(outbox, engine, engine, said[0])
                    announce()
                    await _Worker(session, options, engine, shipper, bound, step_types).run()


class _Worker:
    """The worker's tasks."""

    def __init__(
        self,
        session: Session,
        options: WorkerOptions,
        engine: "NatsEngine",
        shipper: Shipper,
        bound: Bound,
        step_types: Mapping[str, StepType],
    ) -> None:
        self._session = session
        self._options = options
        self._engine = engine
        self._shipper = shipper
        self._bound = bound
        self._types = step_types
        self._held: dict[str, _Held] = {}
        self._slots = trio.Semaphore(options.slots)
        self._drain = trio.Event()
        self._news = trio.Event()
        self._log = session.source_log("cluster")

    async def run(self) -> None:
        """Work until a signal, then until what runs has ended and the views have it."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._shipper.run)
            nursery.start_soon(ship_what_comes, self._shipper, self._session.wakeups)
            nursery.start_soon(self._bound.run)
            nursery.start_soon(self._hear_cancels)
            nursery.start_soon(self._show_presence)
            await nursery.start(watch_signals, self._ask, self._insist, _leave)
            async with trio.open_nursery() as working:
                await self._take_jobs(working)
            await self._session.flush()
            with trio.move_on_after(FINAL_SHIPPING):
                await self._shipper.wait_shipped()
            with suppress(EngineAway):
                await self._engine.tell(self._options.name, self._facts(left=True))
            nursery.cancel_scope.cancel()

    def _ask(self, number: signal.Signals) -> None:
        self._log.info(f"{number.name}: no further job is taken; again to cancel those that run")
        self._drain.set()
        self._news.set()

    def _insist(self) -> None:
        for handle in list(self._session.handles.values()):
            handle.cancel("the worker was stopped")
        self._session.kill_children()

    # ------------------------------------------------------------------ jobs

    async def _take_jobs(self, working: trio.Nursery) -> None:
        while not self._drain.is_set():
            await self._slots.acquire()
            lease = None
            try:
                if self._bound.is_full:
                    await trio.sleep(RETRY_INTERVAL)
                elif not self._drain.is_set():
                    lease = await self._engine.claim(self._options.offer, self._options.name, CLAIM_WAIT)
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)
            if lease is None:
                self._slots.release()
            elif self._drain.is_set():
                self._slots.release()
                with suppress(EngineAway):
                    await lease.release()
            else:
                working.start_soon(self._run_lease, lease)

    async def _run_lease(self, lease: Lease) -> None:
        """Run one job, from its claim until the queue knows its end."""
        while (earlier := self._held.get(lease.job)) is not None:
            if not earlier.lost:  # the engine was away for longer than a lease: the job has run here all the while
                earlier.lease = lease
                self._slots.release()
                return
            await earlier.ended.wait()
        held = self._held[lease.job] = _Held(lease)
        self._tell_news()
        try:
            handle = await self._start(held)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._beat, held, handle)
                if handle is not None:
                    await handle.done.wait()
                self._slots.release()
                with trio.move_on_after(SHIPPED_PATIENCE):
                    await self._shipper.wait_shipped()
                await self._finish(held, Status.FAILED if handle is None else handle.status)
                nursery.cancel_scope.cancel()
        finally:
            del self._held[lease.job]
            held.ended.set()
            self._tell_news()

    async def _start(self, held: _Held) -> Handle | None:
        """Start a job in the session; None: it cannot run here, and is ended with the reason."""
        lease, settings = held.lease, self._session.settings
        job = unpack_job(orjson.loads(lease.body))
        if lease.attempt > MAX_ATTEMPTS:
            reason = f"the {MAX_ATTEMPTS} workers that had it before were lost"
            self._end_unrun(job, lease.attempt, Status.INTERRUPTED, reason)
            return None
        try:
            if await trio.to_thread.run_sync(_forget_earlier, settings, job.id):
                await end_survivors([job.id], self._log.warn)
            prepared = _prepared(settings, job, self._types)
            leased = Leased(job.queue or DEFAULT_QUEUE, lease.attempt, held.is_lost)
            return await self._session.submit(prepared, leased=leased)
        except QuaeroError as error:
            self._end_unrun(job, lease.attempt, Status.FAILED, f"cannot run here: {error.message}")
            return None

    def _end_unrun(self, job: NewJob, attempt: int, status: Status, reason: str) -> None:
        now = now_us()
        facts: list[Fact] = [JobQueued(job, job.queue, now), JobClaimed(job.id, self._options.name, attempt, now)]
        facts += [StepChanged(job.id, step.name, Status.SKIPPED, now, reason) for step in job.steps]
        text = f"Status changed: {status} (job: {job.name})"
        facts.append(LogLine(job.id, None, None, now, Level.ERROR, text, "", "runner", {"error": reason}))
        facts.append(JobChanged(job.id, status, now, attempt, reason))
        for fact in facts:
            self._session.emit(fact)

    async def _beat(self, held: _Held, handle: Handle | None) -> None:
        while True:
            lease = held.lease
            try:
                health = await lease.heartbeat()
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)
                continue
            if lease is not held.lease:  # a newer one has come meanwhile
                continue
            if health is Health.CANCEL and handle is not None:
                handle.cancel("cancelled on request")
            if health is Health.LOST and not held.lost:
                held.lost = True
                if handle is not None:
                    handle.cancel("another worker has taken it over")
            held.wake = trio.Event()
            with trio.move_on_after(self._engine.lease / 3):
                await held.wake.wait()

    async def _finish(self, held: _Held, status: Status) -> None:
        while not held.lost:
            lease = held.lease
            try:
                if not await lease.finish(status) and lease is held.lease:
                    self._log.warn(
                        f"Job {held.lease.job} was ended elsewhere: what this worker came to does not count"
                    )
                if lease is held.lease:
                    return
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)

    async def _hear_cancels(self) -> None:
        while True:
            held = self._held.get(await self._engine.next_cancel())
            if held is not None:
                held.wake.set()

    # ------------------------------------------------------------------ presence

    def _tell_news(self) -> None:
        self._news.set()

    async def _show_presence(self) -> None:
        while True:
            self._news = trio.Event()
            with suppress(EngineAway):
                await self._engine.tell(self._options.name, self._facts())
            with trio.move_on_after(PRESENCE_INTERVAL):
                await self._news.wait()

    def _facts(self, *, left: bool = False) -> dict[str, Any]:
        return {
            "version": __version__, "host": socket.gethostname(), "queues": list(self._options.offer.queues),
            "labels": dict(self._options.offer.labels),
            "slots": self._options.slots, "jobs": sorted(self._held), "outbox_bytes": self._bound.bytes,
            "draining": self._drain.is_set(), "left": left,
        }  # fmt: skip


def _leave() -> None:
    """There is no terminal to put in order."""


def _forget_earlier(settings: Settings, job_id: str) -> bool:
    """Make room for a job that was here before, as an earlier attempt of this very machine; return whether it was."""
    queue.mark_interrupted(settings.database, settings.locks)
    try:
        discard(settings.database, job_id)
    except NotFoundError:
        return False
    return True


def _prepared(settings: Settings, job: NewJob, step_types: Mapping[str, StepType]) -> Prepared:
    """Return a job that came over the queue, ready to be submitted. Raises DefinitionError."""
    path = Path(job.definition_path)
    if not path.parent.is_dir():
        path = settings.home / path.name  # its folder is on another machine: what it names lies elsewhere, too
    definition = parse(job.definition_text, path=path, step_types=step_types)
    # Whether it may run beside others was decided where it was made.
    return Prepared(replace(job, overlap="allow"), definition, job.parameters)
