"""A job that a worker machine has claimed: made ready, run in the session like any other, and told to the queue."""

from contextlib import suppress

import trio

from quaero_cli.engine.shared import now_us
from quaero_cli.errors import ExistsError, NotFoundError, QuaeroError
from quaero_cli.model import Fact, JobChanged, JobClaimed, JobQueued, Level, LogLine, NewJob, Status, StepChanged
from quaero_cli.model.taking import DEFAULT_QUEUE
from quaero_cli.session.handle import Handle
from quaero_cli.session.holding import Held
from quaero_cli.session.leased import Leased
from quaero_cli.session.station import Station
from quaero_cli.session.sweep import end_survivors
from quaero_cli.settings import Settings
from quaero_cli.store import queue
from quaero_cli.store.deletion import discard

# Claims of a job until it is thought to be what kills its workers.
MAX_ATTEMPTS = 5
# Seconds until the lease of a job is given up although no view has said that it has all of it.
SHIPPED_PATIENCE = 60.0


class LeasedJobs:
    """Runs them on this machine."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._session = station.session

    async def run(self, held: Held, job: NewJob, ran: trio.Event) -> None:
        """Run a job until the queue knows its end. `ran` is set when it needs no room here any more."""
        handle = await self._start(held, job)
        attempt = held.lease.attempt
        words = "is taken" if attempt == 1 else f"is taken over, attempt {attempt}"
        self._station.log.info(f"Job {job.id} {words}")  # now: storing it would hold up the start
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._station.holding.beat, held, None if handle is None else handle.cancel)
            if handle is not None:
                await handle.done.wait()
            held.done = True
            ran.set()
            with trio.move_on_after(SHIPPED_PATIENCE):
                await self._station.shipper.wait_shipped()
            await self._station.holding.finish(held, Status.FAILED if handle is None else handle.status)
            nursery.cancel_scope.cancel()

    async def _start(self, held: Held, job: NewJob) -> Handle | None:
        """Start a job in the session; None: it cannot run here, and is ended with the reason."""
        lease, settings = held.lease, self._session.settings
        if lease.attempt > MAX_ATTEMPTS:
            reason = f"the {MAX_ATTEMPTS} workers that had it before were lost"
            self._end_unrun(job, lease.attempt, Status.INTERRUPTED, reason)
            return None
        try:
            prepared = self._station.arrivals.prepared(job)
            leased = Leased(job.queue or DEFAULT_QUEUE, lease.attempt, held.is_lost)
            with suppress(ExistsError):  # somebody looks at this moment whether it is still run
                if not self._station.known.has(job.id):
                    return self._session.begin(prepared, leased)
            if await trio.to_thread.run_sync(_forget_earlier, settings, job.id):
                await end_survivors([job.id], self._session.source_log("cluster").warn)
            return self._session.begin(prepared, leased)
        except QuaeroError as error:
            self._end_unrun(job, lease.attempt, Status.FAILED, f"cannot run here: {error.message}")
            return None

    def _end_unrun(self, job: NewJob, attempt: int, status: Status, reason: str) -> None:
        now = now_us()
        facts: list[Fact] = [JobQueued(job, job.queue, now, arrives=True)]
        facts.append(JobClaimed(job.id, self._station.node, attempt, now))
        facts += [StepChanged(job.id, step.name, Status.SKIPPED, now, reason) for step in job.steps]
        text = f"Status changed: {status} (job: {job.name})"
        facts.append(LogLine(job.id, None, None, now, Level.ERROR, text, "", "runner", {"error": reason}))
        facts.append(JobChanged(job.id, status, now, attempt, reason))
        for fact in facts:
            self._session.emit(fact)


def _forget_earlier(settings: Settings, job_id: str) -> bool:
    """Make room for a job that was here before, as an earlier attempt of this very machine; return whether it was."""
    queue.mark_interrupted(settings.database, settings.locks)
    try:
        discard(settings.database, job_id)
    except NotFoundError:
        return False
    return True
