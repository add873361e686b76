"""Running one step to its end, whatever the end is: its function, its limits, and the status it deserves.

A step is stopped through its own cancel scope, with the status that it then gets; the job's nursery is never
cancelled for that. So every end - done, failed, timed out, silent too long, stopped - passes the one place that
judges it, and is told to the recorder after the step's last line.

A step with `retries` runs in attempts, each with a context and limits of its own, until one does not fail. While it
waits for the next attempt it is running; a stop ends it there, too, and what was stopped is not tried again. (With
`for_each` it is the workers that are tried again; see `fanout`.)
"""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import trio

from quaero_cli.engine.attempts import failed_attempt, last_reason, pause_after
from quaero_cli.engine.context import Context
from quaero_cli.engine.failures import describe, is_cancellation, traceback_fields
from quaero_cli.engine.readiness import Readiness
from quaero_cli.engine.shared import Running, now_us
from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.model import Ready, StepDefinition
from quaero_cli.model import Level, Status, StepChanged
from quaero_cli.plan import judge_step

# What a step does in an attempt: it is handed the attempt's context, and returns the step's outputs.
Work = Callable[[Context], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt, or the whole step, ended: `reason` unless it ended well, `fields` for the entry about it."""

    status: Status
    reason: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


class StepRun:
    """One step that was started. `notice` is called when `ready` has changed, as a service's."""

    def __init__(self, job: Running, step: StepDefinition, ready: Ready | None, notice: Callable[[], None]) -> None:
        """`ready`: with its placeholders filled."""
        self.step = step
        self.ready = False  # whether the service can be used
        self._ready = ready
        self._job = job
        self._type = job.ground.step_types[step.type]
        self._notice = notice
        self._retries = None if step.for_each is not None else step.retries
        self._attempt = 0
        self._context = self._next_context(None)
        self._scope = trio.CancelScope()
        self._stopped_as: End | None = None

    def stop(self, status: Status, reason: str | None = None) -> None:
        """End it now with `status`; the first call decides."""
        if self._stopped_as is None:
            self._stopped_as = End(status, reason)
            self._scope.cancel()

    async def run(self, work: Work) -> End:
        """Run the step and return how it ended, which is then told. Raises nothing of the step's."""
        self._tell(End(Status.RUNNING))
        end: End | None = None
        failure: BaseException | None = None
        try:
            with self._scope:
                end = await self._run_attempts(work)
        except BaseException as error:
            # SystemExit and its kin, too: what step code raises is its own affair, and must not end other jobs.
            if is_cancellation(error):
                raise
            failure = error
        if end is None:
            # Nothing but a stop leaves the attempts like this.
            end = self._stopped_as or self._failed(failure)
        self._tell(end)
        return end

    # ------------------------------------------------------------------ attempts

    async def _run_attempts(self, work: Work) -> End:
        while True:
            end = await self._run_attempt(work)
            pause = pause_after(self._retries, self._attempt, random.random())
            if end.status is not Status.FAILED or self._stopped_as is not None:
                return end
            if pause is None:
                return End(end.status, last_reason(end.reason or "", self._attempt), end.fields)
            await self._wait_for_next(end, pause)

    async def _wait_for_next(self, end: End, pause: float) -> None:
        assert self._retries is not None
        message, fields = failed_attempt(self._retries, self._attempt, end.reason or "", pause, end.fields)
        self._context.log.write(Level.WARN, message, fields=fields)
        # What failed is done again, so its failed workers are no longer counted among those that the job bears.
        self._job.failed_workers -= self._context.failed_workers
        self._set_ready(False)
        await trio.sleep(pause)
        self._context = self._next_context(self._context)
        self._context.log.info(f"Attempt {self._attempt} of {self._retries.limit + 1}", attempt=self._attempt)
        self._emit_change(End(Status.RUNNING))

    def _next_context(self, last: Context | None) -> Context:
        self._attempt += 1
        if last is not None:
            last.close()
        self._readiness = None if self._ready is None else Readiness(self._ready)
        return Context(
            self._job, self.step, self._type,
            attempt=self._attempt, readiness=self._readiness, last_worker=last.last_worker if last else 0,
        )  # fmt: skip

    async def _run_attempt(self, work: Work) -> End:
        failure: BaseException | None = None
        limit = _Limit(self.step, self._context)
        try:
            with limit.scope:
                await self._call(work, limit)
        except BaseException as error:
            if is_cancellation(error):
                raise
            failure = error
        return self._judge(limit, failure)

    async def _call(self, work: Work, limit: "_Limit") -> None:
        async with trio.open_nursery() as nursery:
            if self.step.idle_timeout is not None:
                nursery.start_soon(limit.watch_silence, self.step.idle_timeout)
            if self._readiness is not None:
                nursery.start_soon(self._become_ready, self._readiness)
            outputs = await work(self._context)
            if outputs:
                self._context.keep_outputs(outputs)
            if self.step.service:
                raise StepFailed("the service ended by itself while it was still needed")
            nursery.cancel_scope.cancel()

    def _set_ready(self, ready: bool) -> None:
        if self.ready != ready:
            self.ready = ready
            self._notice()

    async def _become_ready(self, readiness: Readiness) -> None:
        outputs = await readiness.wait()
        if outputs:
            self._context.keep_outputs(outputs)
        self._context.log.info("Ready")
        self._set_ready(True)

    def _judge(self, limit: "_Limit", failure: BaseException | None) -> End:
        if self._stopped_as is not None and failure is not None:
            return self._stopped_as
        if limit.expired is not None:
            return End(Status.FAILED, limit.expired)
        if failure is not None:
            return self._failed(failure)
        context = self._context
        if not context.failed_workers:
            return End(Status.COMPLETED)
        status, _ = judge_step(context.failed_workers, self._job.failed_workers, self._job.definition.error_tolerance)
        plural = "" if context.failed_workers == 1 else "s"
        return End(status, f"{context.failed_workers} worker{plural} failed")

    @staticmethod
    def _failed(failure: BaseException | None) -> End:
        assert failure is not None
        return End(Status.FAILED, describe(failure), traceback_fields(failure))

    # ------------------------------------------------------------------ telling

    def _tell(self, end: End) -> None:
        subject = f"step: {self.step.name}, type: {self.step.type}"
        level = {Status.FAILED: Level.ERROR, Status.WARNING: Level.WARN}.get(end.status, Level.INFO)
        fields = {**({"error": end.reason} if end.reason else {}), **end.fields}
        self._context.log.write(level, f"Status changed: {end.status} ({subject})", fields=fields)
        self._emit_change(end)

    def _emit_change(self, end: End) -> None:
        change = StepChanged(self._job.id, self.step.name, end.status, now_us(), end.reason, self._attempt)
        self._job.ground.emit(change)


class _Limit:
    """How long an attempt may take, and how long it may be silent."""

    def __init__(self, step: StepDefinition, context: Context) -> None:
        self.scope = trio.CancelScope()
        if step.timeout is not None:
            self.scope.deadline = trio.current_time() + step.timeout
        self._step = step
        self._context = context
        self._silent = False

    @property
    def expired(self) -> str | None:
        """Why the attempt was ended, if it was."""
        if self._silent:
            return f"no output for {self._step.idle_timeout:g} s"
        return f"timed out after {self._step.timeout:g} s" if self.scope.cancelled_caught else None

    async def watch_silence(self, seconds: float) -> None:
        """End the attempt once its context has heard nothing for so long."""
        while True:
            silent_until = self._context.heard_at + seconds
            if trio.current_time() >= silent_until:
                self._silent = True
                self.scope.cancel()
                return
            await trio.sleep_until(silent_until)
