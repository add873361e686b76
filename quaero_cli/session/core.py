"""The session: one process's recorder, wake-ups and running jobs, in the one top nursery.

Two nurseries, one inside the other. The outer owns what must outlive the jobs: the recorder, which stores what they
still say while they end, and the watchers. The inner owns the jobs and whatever the command adds (a display, a
server). Leaving the session waits for the inner one, then cancels the outer one; the recorder drains and goes last.
"""

import contextvars
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import trio

from quaero_cli.engine.job import JobRun
from quaero_cli.engine.log import JobLog
from quaero_cli.engine.shared import Ground, JobCall, Running, now_us
from quaero_cli.engine.strays import become_subreaper, reap_orphans
from quaero_cli.errors import ExistsError, StoreError
from quaero_cli.jobdef.model import StepType
from quaero_cli.jobdef.place import hide
from quaero_cli.model import Fact, JobQueued, Kept, NewJob, Status
from quaero_cli.recorder import Recorder
from quaero_cli.session.filesout import FilesOut
from quaero_cli.session.handle import Handle
from quaero_cli.session.leased import Leased, Shipping, fenced, tell_begun_anew, tell_claimed
from quaero_cli.session.prepare import Prepared
from quaero_cli.session.secrecy import Guarded, guard
from quaero_cli.session.subjob import run_sub_job
from quaero_cli.session.sweep import end_survivors, sweep
from quaero_cli.session.trouble import Trouble
from quaero_cli.session.turn import claim_in_turn, end_unstarted
from quaero_cli.settings import Settings
from quaero_cli.steps.contract import SubJob
from quaero_cli.store import queue
from quaero_cli.store.artifacts import copy_artifacts
from quaero_cli.store.dispatch import Waiting
from quaero_cli.store.engine import is_passing
from quaero_cli.store.frontier import open_crawl_reader
from quaero_cli.store.locks import JobLock
from quaero_cli.store.writer import Writer
from quaero_cli.stream.wakeups import Wakeups

# Seconds between looks for requests to cancel, at most; they are made after a wake-up only.
CANCEL_INTERVAL = 0.1
# Seconds a thread keeps the interpreter lock when another one wants it. With Python's own 5 ms a loop that never
# rests (301 workers that log without a pause) holds up the recorder's thread after each of its statements.
_SWITCH_INTERVAL = 0.0005
# New objects until Python looks for garbage in cycles. Lines that wait for the recorder are many and are none: with
# Python's own 700 each line pays for looking at those before it, a fifth of what logging it takes.
_GARBAGE_THRESHOLD = 10_000


def tune_interpreter() -> None:
    """Set what Python's own settings make slow."""
    sys.setswitchinterval(_SWITCH_INTERVAL)
    gc.set_threshold(_GARBAGE_THRESHOLD)


class Session:
    """What a command works with. Made by `open_session`."""

    def __init__(
        self,
        settings: Settings,
        recorder: Recorder,
        wakeups: Wakeups,
        ground: Ground,
        nursery: trio.Nursery,
        background: trio.Nursery,
        *,
        trouble: Trouble | None = None,
        node: str | None = None,
    ) -> None:
        self.settings = settings
        self.wakeups = wakeups
        self.nursery = nursery  # the inner one: jobs, and what the command adds
        self.background = background  # the outer one: what need not be finished when the command leaves
        self.log = JobLog(recorder.emit, None, source="runner")
        self.trouble = trouble  # of a process that outlives a store that cannot be written for a while
        self._recorder = recorder
        self._ground = ground
        self._node = node
        most = settings.cluster.artifacts_bytes
        self.files = (
            None if node is None else FilesOut(settings.database, node, most)
        )  # that jobs leave, for the views
        self._handles: dict[str, Handle] = {}
        self.guests = 0  # items of other machines' jobs that run here
        self.give_up_items: Callable[[], None] = lambda: None  # ends them, for another machine to do them
        self.hand_over: Callable[[Waiting], Awaitable[None]] | None = None  # to a cluster's workers, if that is here

    @property
    def ground(self) -> Ground:
        """What jobs run on here."""
        return self._ground

    @property
    def handles(self) -> Mapping[str, Handle]:
        """The jobs that run in this process, by ID."""
        return self._handles

    def kill_children(self) -> None:
        """Give children no more grace, and cancelled jobs no time for their clean-up."""
        self._ground.kill_now.set()
        for handle in self._handles.values():
            if handle.run is not None:
                handle.run.abandon()

    def fail_jobs(self, reason: str) -> None:
        """End the jobs that run here as failed, and items of others' jobs: what they say cannot be stored."""
        for handle in self._handles.values():
            handle.fail(reason)
        self.give_up_items()

    def lose_patience(self) -> None:
        """Fail when the store cannot be written: the program is to end, and nobody is left who could wait for it."""
        self._recorder.lose_patience()

    def service_log(self, level: int, message: str, fields: Mapping[str, object], *, source: str) -> None:
        """Write an entry of the service log."""
        self.log.write(level, message, source=source, fields=dict(fields))

    def source_log(self, source: str) -> JobLog:
        """Return the service log under the name of who writes it."""
        return JobLog(self._recorder.emit, None, source=source)

    def emit(self, fact: Fact) -> None:
        """Store a fact. Raises StoreError when the store has failed."""
        self._recorder.emit(fact)

    async def flush(self) -> None:
        """Wait until all that was said so far is stored."""
        await self._recorder.flush()

    async def submit(self, prepared: Prepared, *, parent: Running | None = None) -> Handle:
        """Enqueue a job and start it here, when its turn has come. Returns when it is stored.

        `parent` is the job of which it is a sub-job; what that one hides, this one hides, too.
        Raises DefinitionError when a secret is missing, OverlapError when its definition runs already and refuses
        another, ExistsError when there is a job of its ID (a scheduled one that another process was first to start),
        StoreError when it cannot be stored.
        """
        inherited = parent.mask.secrets if parent is not None and parent.mask is not None else ()
        guarded = guard(prepared, self._ground.environment, inherited)
        path, job = self.settings.database, guarded.job
        lock = self._lock(job)
        try:
            dead = await trio.to_thread.run_sync(queue.mark_interrupted, path, self.settings.locks)
            await end_survivors(dead, self.log.warn)
            await trio.to_thread.run_sync(queue.enqueue, path, job)
            if self._node is not None:
                self._recorder.emit(JobQueued(job, None, now_us()))
            if job.retry_of is not None and job.kept is not None:
                await self._copy_artifacts(job, job.retry_of, job.kept)
        except BaseException:
            lock.release()
            raise
        self.wakeups.committed()
        ancestors = () if parent is None else (*parent.ancestors, parent.definition.id)
        return self._start(prepared, guarded, ancestors, lock, None)

    def begin(self, prepared: Prepared, leased: Leased) -> Handle:
        """Start a job that this machine has claimed from a cluster's queue, and that its store does not know.

        Its row is stored with the first that it says. Raises DefinitionError when a secret is missing, ExistsError
        when another process here runs it, StoreError when nothing can be stored any more.
        """
        assert self._node is not None
        guarded = guard(prepared, self._ground.environment)
        lock = self._lock(guarded.job)
        try:
            self._recorder.emit(JobQueued(guarded.job, leased.queue, now_us(), arrives=True))
            tell_claimed(self._recorder.emit, prepared.job, self._node, leased.attempt)
        except BaseException:
            lock.release()
            raise
        return self._start(prepared, guarded, (), lock, leased)

    def _lock(self, job: NewJob) -> JobLock:
        lock = JobLock(self.settings.locks, job.id)
        if not lock.acquire():
            raise ExistsError(f"job {job.id} is run by another process")
        return lock

    def _start(
        self,
        prepared: Prepared,
        guarded: Guarded,
        ancestors: tuple[str, ...],
        lock: JobLock,
        leased: Leased | None,
    ) -> Handle:
        handle = self._handles[prepared.job.id] = Handle(prepared.job.id)
        # A job's tasks see nothing of who started it: a request, or a step of another job.
        contextvars.Context().run(
            self.nursery.start_soon, self._execute, prepared, guarded, ancestors, handle, lock, leased
        )
        return handle

    async def _copy_artifacts(self, job: NewJob, source: str, kept: Kept) -> None:
        """Give a stored job the files of what it keeps; it ends where that cannot be. Raises StoreError."""
        names = [step.name for step in kept.steps]
        try:
            await trio.to_thread.run_sync(copy_artifacts, self.settings.database, source, job.id, names)
        except StoreError as error:
            reason = f"the files of {source} cannot be copied: {error}"
            end_unstarted(self._recorder.emit, job, reason, failed=True)
            await self._recorder.flush()
            raise

    async def _execute(
        self,
        prepared: Prepared,
        guarded: Guarded,
        ancestors: tuple[str, ...],
        handle: Handle,
        lock: JobLock,
        leased: Leased | None,
    ) -> None:
        with lock:
            attempt = await self._claim(prepared.job, handle) if leased is None else leased.attempt
            if attempt is None:  # it ended while it was pending
                handle.status = Status.CANCELLED if handle.error is None else Status.FAILED
                handle.error = handle.error or handle.cancelled
            else:
                definition = prepared.definition
                self.log.info(f"Job started: {handle.id}", job_id=handle.id, definition=definition.id)
                if self._node is not None and leased is None:
                    tell_claimed(self._recorder.emit, prepared.job, self._node, attempt)
                ground = self._ground if leased is None else fenced(self._ground, leased)
                if self.files is not None:
                    ground = self.files.on(ground, (lambda: False) if leased is None else leased.is_lost)
                if attempt > 1:
                    tell_begun_anew(ground.emit, handle.id, self._node, attempt)
                running = Running(
                    ground, handle.id, attempt, definition, prepared.parameters,
                    secrets=guarded.secrets, mask=guarded.mask, kept=prepared.job.kept or Kept(), ancestors=ancestors,
                )  # fmt: skip
                if guarded.mask is not None:
                    hide.set(guarded.mask.text)  # of this task, and of all that it starts
                run = JobRun(running)
                handle.attach(run)
                handle.status = await run.run()
                known = (run.error, running.outputs)
                handle.error, handle.outputs = known if guarded.mask is None else guarded.mask.value(known)
                self.log.info(
                    f"Job ended: {handle.id}", job_id=handle.id, definition=definition.id, status=str(handle.status)
                )
            await self._recorder.flush()
        del self._handles[handle.id]
        if not self._handles and not self.guests:
            reap_orphans(idle=True)
        handle.done.set()

    async def _claim(self, job: NewJob, handle: Handle) -> int | None:
        """Claim the job when its turn has come; None: it has ended before."""
        emit = self._recorder.emit
        try:
            return await claim_in_turn(self.settings, self.wakeups, emit, job, handle)
        except StoreError as error:
            if not (self.trouble is not None and is_passing(error.__cause__)):
                raise
            handle.error = str(error)
            end_unstarted(emit, job, handle.error, failed=True)
            return None

    async def watch_cancel_requests(self) -> None:
        """Cancel jobs of ours that somebody asked to cancel, in whatever process."""
        while True:
            waiter = self.wakeups.waiter()
            if self._handles:
                requested = await trio.to_thread.run_sync(queue.cancel_requests, self.settings.database)
                for job_id in requested & self._handles.keys():
                    self._handles[job_id].cancel("cancelled on request")
            await trio.sleep(CANCEL_INTERVAL)
            await waiter.wait()


@asynccontextmanager
async def open_session(
    settings: Settings,
    *,
    environment: Mapping[str, str],
    step_types: Mapping[str, StepType],
    tell: Callable[[str], None] | None = None,
    shipping: Shipping | None = None,
) -> AsyncIterator[Session]:
    """Open a session; leaving the block waits for its jobs and stores all they said.

    With `tell` (words for stderr) it outlives a disk that is full for a while: the jobs that run then end as failed,
    once that can be stored. Otherwise raises StoreError (alone or in a group) when the store fails in the middle.
    `shipping`: what is stored also goes into the outbox, for the other machines of a cluster.
    """
    tune_interpreter()
    become_subreaper()
    wakeups = Wakeups(settings.wake, settings.database)

    def on_trouble(error: StoreError | None, lost: int) -> None:
        assert trouble is not None
        if error is not None:
            trouble.begins("recorder", error)
            session.fail_jobs(f"the store could not be written: {error}")
        else:
            trouble.ends("recorder", lost)

    def over(lost: int) -> None:
        session.log.warn("The store could not be written for a while", **({"lines_lost": lost} if lost else {}))

    trouble = None if tell is None else Trouble(tell, over)
    if shipping is None:
        writer = Writer(settings.database)
    else:
        writer = Writer(settings.database, ships=True, fresh=shipping.fresh, eager=shipping.node is not None)
    recorder = Recorder(
        writer, wakeups.committed, None if trouble is None else on_trouble, brisk=shipping is not None
    )

    async def run_job(call: JobCall) -> SubJob:
        return await run_sub_job(session, step_types, call)

    ground = Ground(
        emit=recorder.emit, takes_lines=True,
        room=recorder.room if shipping is None else shipping.room(recorder.room),
        environment=environment, artifacts=settings.home / "artifacts",
        step_types=step_types, kill_now=trio.Event(), run_job=run_job, flush=recorder.flush,
        open_crawl=partial(open_crawl_reader, settings.database), parts=None if shipping is None else shipping.parts,
    )  # fmt: skip
    async with trio.open_nursery() as outer:
        await outer.start(recorder.run)
        await outer.start(wakeups.run)
        warn = JobLog(recorder.emit, None, source="runner").warn
        outer.start_soon(partial(sweep, settings, wakeups, warn, patient=tell is not None))
        async with trio.open_nursery() as inner:
            node = None if shipping is None else shipping.node
            session = Session(settings, recorder, wakeups, ground, inner, outer, trouble=trouble, node=node)
            outer.start_soon(session.watch_cancel_requests)
            yield session
        outer.cancel_scope.cancel()
