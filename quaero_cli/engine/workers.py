"""A step's fan-out: workers in a nursery, at most `concurrency` at once, started in the order of their spawning.

The queue of waiting workers is plain memory; every change of a worker's state is told to the recorder at once, so
what the viewer counts is what happens. A worker that fails harms no other; the engine judges the failures.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import trio

from quaero_cli.engine.attempts import last_reason
from quaero_cli.engine.failures import describe, is_cancellation, traceback_fields
from quaero_cli.engine.log import JobLog
from quaero_cli.engine.shared import now_us
from quaero_cli.model import Fact, Status, WorkerChanged
from quaero_cli.plaindata import text_of
from quaero_cli.steps.contract import WorkerFunction


@dataclass(slots=True)
class Worker:
    """One worker's side of the contract (`WorkerContext`), and what the engine's own workers say of themselves."""

    number: int
    name: str
    log: JobLog
    tell: Callable[["Worker"], None]  # tells that it runs
    attempt: int = 1
    outputs: Mapping[str, Any] | None = None  # that it leaves when it completes

    def begin_attempt(self) -> None:
        """Go on with the next attempt."""
        self.attempt += 1
        self.tell(self)


# Of so many workers of a task one lets others run before the next begins.
_SOMETIMES = 8

# A worker function of the engine's own: it is handed the whole worker.
_OwnFunction = Callable[[Worker], Awaitable[None]]


class Workers:
    """The pool that a step type spawns into (`WorkerPool`). Made by `open_workers`."""

    def __init__(
        self,
        nursery: trio.Nursery,
        *,
        emit: Callable[[Fact], None],
        job: str,
        step: str,
        concurrency: int,
        first_number: int,
        make_log: Callable[[int], JobLog],
        step_log: JobLog,
        on_failure: Callable[[], None],
    ) -> None:
        self._nursery = nursery
        self._emit = emit
        self._job, self._step = job, step
        self._concurrency = concurrency
        self._make_log, self._step_log = make_log, step_log
        self._on_failure = on_failure
        self._last_number = first_number - 1
        self._running = 0
        self._waiting: deque[tuple[int, WorkerFunction | _OwnFunction, bool]] = deque()
        self.failed = 0

    @property
    def last_number(self) -> int:
        """The number of the newest worker."""
        return self._last_number

    def spawn(
        self, fn: WorkerFunction | _OwnFunction, *, label: str = "", item: object = None, begins: bool = True
    ) -> int:
        """Queue a worker and return its number; it starts when its turn comes. `item`: plain data, for the store.

        `begins` False: the function itself tells when the worker runs.
        """
        self._last_number += 1
        number = self._last_number
        self._emit(WorkerChanged(self._job, self._step, number, Status.PENDING, now_us(), text_of(label), item=item))
        self._waiting.append((number, fn, begins))
        self._start_waiting()
        return number

    def add_done(self, outputs: Mapping[str, Any], *, label: str, item: object) -> int:
        """Add a worker that has done its work in an earlier job, and return its number."""
        self._last_number += 1
        worker = Worker(self._last_number, "", self._step_log, self._tell_running, outputs=outputs)
        self._emit(
            WorkerChanged(self._job, self._step, worker.number, Status.PENDING, now_us(), text_of(label), item=item)
        )
        self._tell(worker, Status.COMPLETED)
        return worker.number

    def _start_waiting(self) -> None:
        while self._waiting and (self._concurrency == 0 or self._running < self._concurrency):
            number, fn, begins = self._waiting.popleft()
            self._running += 1
            self._nursery.start_soon(self._run_on, number, fn, begins)

    async def _run_on(self, number: int, fn: WorkerFunction | _OwnFunction, begins: bool) -> None:
        """Run a worker, then others that wait, one by one: a task for each costs a crawl more than its log does."""
        while True:
            await self._run(number, fn, begins)
            # Its failure, or another, may have stopped the job. Workers that never rest must not hold up the others.
            if number % _SOMETIMES:
                await trio.lowlevel.checkpoint_if_cancelled()
            else:
                await trio.lowlevel.checkpoint()
            if not self._waiting or (0 < self._concurrency <= self._running):
                return
            self._running += 1
            number, fn, begins = self._waiting.popleft()

    async def _run(self, number: int, fn: WorkerFunction | _OwnFunction, begins: bool) -> None:
        name = f"{self._step}-{number}"
        status, error = Status.CANCELLED, None
        worker = Worker(number, name, self._make_log(number), self._tell_running)
        if begins:
            self._tell_running(worker)
        try:
            await fn(worker)
            status = Status.COMPLETED
        except BaseException as failure:
            if is_cancellation(failure):
                raise
            status, error = Status.FAILED, last_reason(describe(failure), worker.attempt)
            self._step_log.error(f"Worker failed: {name}: {error}", worker=name, **traceback_fields(failure))
        finally:
            # A cancelled worker passes here, too: what its status is must be known before the pool is left.
            self._running -= 1
            self._tell(worker, status, error)
        if status is Status.FAILED:
            self.failed += 1
            self._on_failure()

    def cancel_waiting(self) -> None:
        """Say of every worker that has not started that it never will."""
        while self._waiting:
            number, _, _ = self._waiting.popleft()
            self._emit(WorkerChanged(self._job, self._step, number, Status.CANCELLED, now_us()))

    def _tell_running(self, worker: Worker) -> None:
        self._tell(worker, Status.RUNNING)

    def _tell(self, worker: Worker, status: Status, error: str | None = None) -> None:
        outputs = worker.outputs if status is Status.COMPLETED else None
        self._emit(
            WorkerChanged(
                self._job, self._step, worker.number, status, now_us(), "", error, worker.attempt, None, outputs
            )
        )


@asynccontextmanager
async def open_workers(make_pool: Callable[[trio.Nursery], Workers]) -> AsyncIterator[Workers]:
    """Open a pool; leaving the block waits until every worker has ended, also those that workers spawned."""
    pool: Workers | None = None
    try:
        async with trio.open_nursery() as nursery:
            pool = make_pool(nursery)
            yield pool
    finally:
        if pool is not None:
            pool.cancel_waiting()
