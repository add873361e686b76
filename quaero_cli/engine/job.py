"""One job, from claimed to ended: asks the plan what to do, does it, waits for something to happen, asks again.

The loop is the only place that starts steps and ends the job, so no two parts can disagree about a state. Steps run
in the job's nursery; each is stopped through its own scope (`StepRun.stop`), so that a job that is cancelled, stopped
or out of time takes the same path to its end as any other: every step gets its final status, after its last line, and
clean-up (`always_run`) has its turn. Only `abandon` takes that away.
"""

import functools
from collections.abc import Mapping
from typing import Any

import trio

from quaero_cli.engine.context import Context
from quaero_cli.engine.failures import describe
from quaero_cli.engine.fanout import FanOut
from quaero_cli.engine.hooks import Ended, run_hooks
from quaero_cli.engine.keptitems import KeptItems
from quaero_cli.engine.log import JobLog
from quaero_cli.engine.shared import Running, now_us
from quaero_cli.engine.step import StepRun, Work
from quaero_cli.engine.strays import kill_strays
from quaero_cli.errors import QuaeroError
from quaero_cli.jobdef.conditions import is_met
from quaero_cli.jobdef.model import StepDefinition, StepType
from quaero_cli.jobdef.placeholders import Scope, resolve_options
from quaero_cli.jobdef.ready import resolve_ready
from quaero_cli.model import JobChanged, Level, Status, StepChanged
from quaero_cli.plan import Course, Decision, Plan, job_status


class JobRun:
    """Runs one claimed job. `run` is called once; `cancel` may be called at any time, from the loop's thread."""

    def __init__(self, job: Running) -> None:
        self._job = job
        self._steps = job.definition.steps
        self._by_name = {step.name: step for step in self._steps}
        self._course = Course(Plan(self._steps, job.definition.max_parallel_steps))
        self._states = dict.fromkeys((step.name for step in self._steps), Status.PENDING)
        self._reasons: dict[str, str] = {}  # failed step -> why
        self._runs: dict[str, StepRun] = {}
        self._changed = trio.Event()
        self._cancelled: str | None = None
        self._timed_out = False
        self._stopped: str | None = None
        self._abandoned = False
        self.error: str | None = None  # why it did not end well, once it has ended
        self._ending = False  # its steps have ended, and its status is decided
        self._hooks, self._keeping = trio.CancelScope(), trio.CancelScope()
        job.stop = self._stop
        self._keep()

    def _keep(self) -> None:
        """Count the steps that a retry takes over as done: they are stored as such already."""
        for kept in self._job.kept.steps:
            self._reached(kept.name, Status.COMPLETED)
            self._job.outputs[kept.name] = dict(kept.outputs)

    def cancel(self, reason: str) -> None:
        """End the job as cancelled: running steps are cancelled, of the others clean-up alone still runs.

        When its steps have ended already only what comes after them is cut short; its status stays.
        """
        if self._ending:
            self._cut_short()
        elif self._cancelled is None and not self._timed_out:
            self._cancelled = reason
            self._job.log.warn(f"Cancelling: {reason}")
            self._end_running(reason)
            self._notice()

    def fail(self, reason: str) -> None:
        """End the job as failed, for a reason that lies outside of it; clean-up steps still run."""
        if not self._ending:
            self._stop(reason)

    def abandon(self) -> None:
        """End a cancelled job without its clean-up: somebody insisted."""
        self._abandoned = True
        self._cut_short()
        self._end_running(self._cancelled or "ended")
        self._notice()

    def _cut_short(self) -> None:
        """Leave undone what comes after the steps."""
        self._hooks.cancel()
        self._keeping.cancel()

    def _stop(self, reason: str) -> None:
        """End the job as failed: the error tolerance is exceeded. Clean-up steps still run.

        What runs is cancelled here and now, before the plan is asked: of workers that end in the same moment, none
        comes after the one that was one too many.
        """
        if self._stopped is None:
            self._stopped = reason
            self._job.log.error(f"Stopping: {reason}")
            for run in self._runs.values():
                if not (run.step.service or run.step.always_run):
                    run.stop(Status.CANCELLED, "the job is stopping")
            self._notice()

    def _notice(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # ------------------------------------------------------------------ the loop

    async def run(self) -> Status:
        """Run the job and return its final status, which is then emitted; raises nothing of its steps."""
        self._say(Status.RUNNING)
        if self._job.kept.steps:
            names = ", ".join(kept.name for kept in self._job.kept.steps)
            self._job.log.info(f"Not run again, since they were completed: {names}")
        async with trio.open_nursery() as nursery:
            if self._job.definition.timeout is not None:
                nursery.start_soon(self._watch_timeout, self._job.definition.timeout)
            await self._work(nursery)
            nursery.cancel_scope.cancel()
        await self._end_strays()
        for log in list(self._job.logs):
            log.close()  # nothing comes after the last line, whatever threads a step has left behind
        self._ending = True
        status = self._final_status()
        error = self.error = self._error(status)
        with self._hooks:
            await run_hooks(self._job, Ended(status, error, self._states))
        if self._hooks.cancelled_caught:
            self._job.log.warn("The hooks were cut short")
        await self._end_strays()  # of the hooks
        await self._keep_files()
        self._say(status, error)
        self._job.ground.emit(JobChanged(self._job.id, status, now_us(), self._job.attempt, error))
        return status

    async def _keep_files(self) -> None:
        if self._job.ground.keep_files is not None:
            with self._keeping:
                await self._job.ground.keep_files(self._job.id)

    async def _work(self, nursery: trio.Nursery) -> None:
        while True:
            changed = self._changed
            why = self._why_stopping()
            if why is not None:
                self._course.stop(why)
            decision = self._course.decide()
            progressed = self._carry_out(decision, nursery)
            if decision.finished and not self._runs:
                return
            if progressed:
                continue
            await changed.wait()

    async def _end_strays(self) -> None:
        """End processes that left their group (double fork, setsid): nothing of a job outlives it."""
        if not self._job.ran_processes:
            return
        self._job.ran_processes = False
        ground = self._job.ground
        for stray in await kill_strays(self._job.id, grace=ground.grace, kill_now=ground.kill_now):
            self._job.log.warn("Ended a process that had outlived its step", pid=stray.pid, command=stray.command)

    async def _watch_timeout(self, seconds: float) -> None:
        await trio.sleep(seconds)
        if self._cancelled is None:
            self._timed_out = True
            self._job.log.error(f"Timed out after {seconds:g} s")
            self._end_running("the job timed out")
            self._notice()

    def _why_stopping(self) -> str | None:
        return self._cancelled or ("it timed out" if self._timed_out else self._stopped)

    def _end_running(self, reason: str) -> None:
        """Cancel every step that runs now, but for the services that clean-up may need."""
        for run in self._runs.values():
            if not run.step.service or self._abandoned:
                run.stop(Status.CANCELLED, reason)

    def _reached(self, name: str, status: Status) -> None:
        """The one place where a step's state moves."""
        self._states[name] = status
        self._course.set(name, status)

    def _ready_changed(self, name: str) -> None:
        run = self._runs.get(name)
        self._course.set_ready(name, run is not None and run.ready)
        self._notice()

    def _carry_out(self, decision: Decision, nursery: trio.Nursery) -> bool:
        """Do what the plan says; return whether a state changed at once, so that the plan must be asked again."""
        for name, reason in decision.skip.items():
            self._skip(name, reason)
        for name in decision.cancel:
            self._runs[name].stop(Status.CANCELLED, "the job is stopping")
        for name in decision.stop:
            self._runs[name].stop(Status.COMPLETED)
        for name in decision.start:
            if self._abandoned:
                self._skip(name, "the job was ended")
            else:
                self._start(self._by_name[name], nursery)
        return bool(decision.skip or decision.start)

    # ------------------------------------------------------------------ steps

    def _start(self, step: StepDefinition, nursery: trio.Nursery) -> None:
        scope = Scope(
            self._job.id,
            params=self._job.parameters,
            config=self._job.definition.config,
            env=self._job.environment,
            outputs=self._job.outputs,
            skipped=self._job.skipped,
        )
        try:
            if step.condition is not None and not is_met(step.condition, scope):
                self._job.skipped.add(step.name)
                self._skip(step.name, "its condition is not met")
                return
            work, when_ready = self._work_of(step, scope), resolve_ready(step, scope)
        except QuaeroError as error:
            self._fail_unstarted(step, error)
            return
        self._reached(step.name, Status.RUNNING)
        ready_changed = functools.partial(self._ready_changed, step.name)
        run = self._runs[step.name] = StepRun(self._job, step, when_ready, ready_changed)
        nursery.start_soon(self._run_step, run, work)

    def _work_of(self, step: StepDefinition, scope: Scope) -> Work:
        """What the step is to do, with all that is known before it starts. Raises QuaeroError."""
        type_ = self._job.ground.step_types[step.type]
        if step.for_each is not None:
            return FanOut(step, type_, scope, KeptItems(self._job.kept.items, step.name)).run
        return functools.partial(_call, type_, resolve_options(step, type_, scope))

    async def _run_step(self, run: StepRun, work: Work) -> None:
        name = run.step.name
        end = await run.run(work)
        del self._runs[name]
        self._reached(name, end.status)
        if end.reason is not None and end.status is Status.FAILED:
            self._reasons[name] = end.reason
        self._notice()

    def _skip(self, name: str, reason: str) -> None:
        self._end_unstarted(name, Status.SKIPPED, reason, self._job.log, Level.INFO, {"reason": reason})

    def _fail_unstarted(self, step: StepDefinition, error: QuaeroError) -> None:
        """Its options do not fit once they are filled: told as what fails while it runs."""
        reason = self._reasons[step.name] = describe(error).removeprefix(f"step {step.name}: ")
        log = JobLog(self._job.ground.emit, self._job.id, step=step.name, source=step.type, mask=self._job.mask)
        fields = {"error": reason, **({"hint": error.hint} if error.hint else {})}
        self._end_unstarted(step.name, Status.FAILED, reason, log, Level.ERROR, fields)

    def _end_unstarted(
        self, name: str, status: Status, reason: str, log: JobLog, level: Level, fields: Mapping[str, str]
    ) -> None:
        self._reached(name, status)
        log.write(level, f"Status changed: {status} (step: {name}, type: {self._by_name[name].type})", fields=fields)
        self._job.ground.emit(StepChanged(self._job.id, name, status, now_us(), reason))

    # ------------------------------------------------------------------ the end

    def _final_status(self) -> Status:
        if self._timed_out:
            return Status.FAILED
        cancelled = self._cancelled is not None
        return job_status(self._steps, self._states, stopped=self._stopped is not None, cancelled=cancelled)

    def _error(self, status: Status) -> str | None:
        if status.good:
            return None
        if self._timed_out:
            return f"timed out after {self._job.definition.timeout:g} s"
        if self._cancelled is not None:
            return self._cancelled
        if self._stopped is not None:
            return self._stopped
        return "; ".join(f"step {name} failed: {reason}" for name, reason in self._reasons.items()) or None

    def _say(self, status: Status, error: str | None = None) -> None:
        level = {Status.FAILED: Level.ERROR, Status.WARNING: Level.WARN, Status.CANCELLED: Level.WARN}
        message = f"Status changed: {status} (job: {self._job.definition.name})"
        self._job.log.write(level.get(status, Level.INFO), message, fields={"error": error} if error else None)


async def _call(type_: StepType, options: Mapping[str, Any], context: Context) -> Mapping[str, Any] | None:
    return await type_.function(context, **options)
