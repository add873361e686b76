"""Running one step to its end, whatever the end is: its function, its limits, and the status it deserves.

A step is stopped through its own cancel scope, with the status that it then gets; the job's nursery is never
cancelled for that. So every end - done, failed, timed out, silent too long, stopped - passes the one place that
judges it, and is told to the recorder after the step's last line.
"""

from collections.abc import Mapping
from typing import Any

import trio

from quaero_cli.engine.context import Context
from quaero_cli.engine.failures import describe, is_cancellation, traceback_fields
from quaero_cli.engine.shared import Running, now_us
from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.model import StepDefinition
from quaero_cli.model import Level, Status, StepChanged
from quaero_cli.plan import judge_step


class StepRun:
    """One step that was started."""

    def __init__(self, job: Running, step: StepDefinition) -> None:
        self.step = step
        self._job = job
        self._type = job.ground.step_types[step.type]
        self.context = Context(job, step, self._type)
        self._scope = trio.CancelScope()
        self._stopped_as: tuple[Status, str | None] | None = None
        self._silent = False

    def stop(self, status: Status, reason: str | None = None) -> None:
        """End it now with `status`; the first call decides."""
        if self._stopped_as is None:
            self._stopped_as = (status, reason)
            self._scope.cancel()

    async def run(self, options: Mapping[str, Any]) -> tuple[Status, str | None]:
        """Run the step; return its final status and, unless it ended well, why. Raises nothing of the step's."""
        self._tell(Status.RUNNING)
        failure: BaseException | None = None
        limit = trio.CancelScope()
        if self.step.timeout is not None:
            limit.deadline = trio.current_time() + self.step.timeout
        try:
            with self._scope, limit:
                await self._call(options, limit)
        except BaseException as error:
            # SystemExit and its kin, too: what step code raises is its own affair, and must not end other jobs.
            if is_cancellation(error):
                raise
            failure = error
        status, reason = self._judge(limit, failure)
        fields = {} if failure is None or status is not Status.FAILED else traceback_fields(failure)
        self._tell(status, reason, fields)
        return status, reason

    async def _call(self, options: Mapping[str, Any], limit: trio.CancelScope) -> None:
        async with trio.open_nursery() as nursery:
            if self.step.idle_timeout is not None:
                nursery.start_soon(self._watch_silence, self.step.idle_timeout, limit)
            outputs = await self._type.function(self.context, **options)
            if outputs:
                self.context.keep_outputs(outputs)
            if self.step.service:
                raise StepFailed("the service ended by itself while it was still needed")
            nursery.cancel_scope.cancel()

    async def _watch_silence(self, seconds: float, limit: trio.CancelScope) -> None:
        while True:
            silent_until = self.context.heard_at + seconds
            if trio.current_time() >= silent_until:
                self._silent = True
                limit.cancel()
                return
            await trio.sleep_until(silent_until)

    def _judge(self, limit: trio.CancelScope, failure: BaseException | None) -> tuple[Status, str | None]:
        if self._stopped_as is not None and (self._scope.cancelled_caught or failure is not None):
            return self._stopped_as
        if self._silent:
            return Status.FAILED, f"no output for {self.step.idle_timeout:g} s"
        if limit.cancelled_caught:
            return Status.FAILED, f"timed out after {self.step.timeout:g} s"
        if failure is not None:
            return Status.FAILED, describe(failure)
        context = self.context
        if not context.failed_workers:
            return Status.COMPLETED, None
        status, _ = judge_step(context.failed_workers, self._job.failed_workers, self._job.definition.error_tolerance)
        plural = "" if context.failed_workers == 1 else "s"
        return status, f"{context.failed_workers} worker{plural} failed"

    def _tell(self, status: Status, reason: str | None = None, fields: Mapping[str, Any] | None = None) -> None:
        subject = f"step: {self.step.name}, type: {self.step.type}"
        level = {Status.FAILED: Level.ERROR, Status.WARNING: Level.WARN}.get(status, Level.INFO)
        known = {**({"error": reason} if reason else {}), **(fields or {})}
        self.context.log.write(level, f"Status changed: {status} ({subject})", fields=known)
        self._job.ground.emit(StepChanged(self._job.id, self.step.name, status, now_us(), reason))
