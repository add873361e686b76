"""What happens next in a job: which steps start, are skipped, are stopped; and what became of it. Pure.

The plan holds no state of its own. It is asked again after everything that happens, with the status of every step
and the names of the services that are ready, and answers with what to do now. Asked twice, it answers the same.

Theory. Each step *stands* somewhere, seen by those that depend on it, and its standing follows from its status:

=========  ==========================================================================================
done       completed, warning; failed with on_error = "continue"; skipped by its `condition`; a service
           that runs and is ready
lost       failed otherwise, cancelled, interrupted; skipped because something it depends on is lost
open       pending, running
=========  ==========================================================================================

* A step starts when all it depends on is done, in the order of the file, at most `max_parallel_steps` at once;
  services do not count. It is skipped as soon as one of those is lost, and so are its own dependents.
* An `always_run` step starts when all it depends on has ended, done or lost.
* A skip needs no reason kept with it: a skipped step of which every dependency is done (or that always runs) can
  only have been skipped by its condition, so it is done, too: what comes after it does not need it.
* A stop is ordered by a failed step with on_error = "fatal", or by the caller (too many failed workers, a cancel,
  the job's timeout). Then running steps are
  cancelled and pending ones skipped; `always_run` steps are let run, and those that have not begun wait until the
  cancelled ones are gone.
* A service is stopped when no step that depends on it, over others, too, is unfinished; one that was not started by
  then is skipped. Chained services therefore stop in the reverse order of their start.

Since dependencies have no cycle, the first open step in topological order can always start, be skipped, or is
running: a plan never waits for nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from quaero_cli.jobdef.graph import dependents, reachable, topological_order
from quaero_cli.jobdef.model import ErrorTolerance, StepDefinition
from quaero_cli.model import Status

States = Mapping[str, Status]


class Standing(Enum):
    """How a step looks to those that depend on it."""

    OPEN = "open"
    DONE = "done"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, each in the order of the file."""

    start: tuple[str, ...] = ()  # a step whose `condition` is false is then skipped by the caller
    skip: Mapping[str, str] = field(default_factory=dict)  # step -> why
    cancel: tuple[str, ...] = ()  # running steps that a stop ends; repeated until they have ended
    stop: tuple[str, ...] = ()  # running services that nobody needs any more; they end well
    stopping: bool = False
    finished: bool = False  # nothing runs, nothing will


class Plan:
    """The steps of one job. Immutable; built once, asked often."""

    def __init__(self, steps: Sequence[StepDefinition], max_parallel_steps: int) -> None:
        """`steps` must be free of cycles and name only each other, as a loaded definition is."""
        self._steps = {step.name: step for step in steps}
        self._max = max_parallel_steps
        depends = {step.name: step.depends for step in steps}
        self._order = topological_order(depends)
        after = dependents(depends)
        self._users = {step.name: reachable([step.name], after) for step in steps if step.service}

    def decide(self, states: States, *, ready: Collection[str] = (), stop: str | None = None) -> Decision:
        """Return what to do now.

        `states` has every step; `ready` names the running services that can be used; `stop` says why a stop was
        ordered, once it was. The caller carries the decision out before it asks again.
        """
        stopping = stop is not None or self._fatal(states) is not None
        skip = self._skips(states, ready, stop)
        after = {name: Status.SKIPPED if name in skip else status for name, status in states.items()}
        return Decision(
            start=self._starts(after, ready, stopping),
            skip={name: skip[name] for name in self._steps if name in skip},
            cancel=self._in_the_way(after) if stopping else (),
            stop=tuple(name for name in self._users if self._idle(name, after, Status.RUNNING)),
            stopping=stopping,
            finished=all(status.final for status in after.values()),
        )

    def _fatal(self, states: States) -> str | None:
        for name, step in self._steps.items():
            if step.on_error == "fatal" and states[name] is Status.FAILED:
                return name
        return None

    def _standings(self, states: States, ready: Collection[str]) -> dict[str, Standing]:
        standings: dict[str, Standing] = {}
        for name in self._order:
            step = self._steps[name]
            unhindered = step.always_run or all(standings[other] is Standing.DONE for other in step.depends)
            standings[name] = _standing(step, states[name], name in ready, unhindered)
        return standings

    def _skips(self, states: States, ready: Collection[str], stop: str | None) -> dict[str, str]:
        """Steps that will never start, with the reason."""
        skip: dict[str, str] = {}
        fatal = self._fatal(states)
        after = dict(states)
        standings = self._standings(states, ready)
        for name in self._order:
            step = self._steps[name]
            if states[name] is not Status.PENDING or step.always_run:
                continue
            lost = next((other for other in step.depends if standings[other] is Standing.LOST), None)
            if lost is not None:
                skip[name] = f"depends on {lost}, which {_fate(after[lost])}"
            elif fatal is not None:
                skip[name] = f"the job is stopping: {fatal} failed"
            elif stop is not None:
                skip[name] = f"the job is stopping: {stop}"
            if name in skip:
                after[name] = Status.SKIPPED
                standings[name] = Standing.LOST
        for name in reversed(self._order):
            if name in self._users and self._idle(name, after, Status.PENDING):
                after[name] = Status.SKIPPED
                skip[name] = "no step needs it any more"
        return skip

    def _starts(self, states: States, ready: Collection[str], stopping: bool) -> tuple[str, ...]:
        standings = self._standings(states, ready)
        blocked = stopping and bool(self._in_the_way(states))
        room = self._max - sum(
            states[name] is Status.RUNNING and not step.service for name, step in self._steps.items()
        )
        start = []
        for name, step in self._steps.items():
            if states[name] is not Status.PENDING or blocked or (room <= 0 and not step.service):
                continue
            if all(self._lets_start(step, standings[other]) for other in step.depends):
                start.append(name)
                room -= not step.service
        return tuple(start)

    @staticmethod
    def _lets_start(step: StepDefinition, standing: Standing) -> bool:
        return standing is Standing.DONE or (step.always_run and standing is Standing.LOST)

    def _in_the_way(self, states: States) -> tuple[str, ...]:
        """Running steps that a stop ends: all but clean-up, and but services, which end when nobody needs them."""
        return tuple(
            name
            for name, step in self._steps.items()
            if states[name] is Status.RUNNING and not step.always_run and not step.service
        )

    def _idle(self, service: str, states: States, status: Status) -> bool:
        """Whether the service has that status and everything that uses it has ended."""
        return states[service] is status and all(states[user].final for user in self._users[service])


def _standing(step: StepDefinition, status: Status, ready: bool, unhindered: bool) -> Standing:
    match status:
        case Status.COMPLETED | Status.WARNING:
            return Standing.DONE
        case Status.FAILED:
            return Standing.DONE if step.on_error == "continue" else Standing.LOST
        case Status.SKIPPED:
            return Standing.DONE if unhindered else Standing.LOST
        case Status.CANCELLED | Status.INTERRUPTED:
            return Standing.LOST
        case Status.RUNNING:
            return Standing.DONE if step.service and ready else Standing.OPEN
        case Status.PENDING:
            return Standing.OPEN


def _fate(status: Status) -> str:
    return {Status.FAILED: "failed", Status.SKIPPED: "was skipped"}.get(status, f"was {status}")


def job_status(
    steps: Sequence[StepDefinition], states: States, *, stopped: bool = False, cancelled: bool = False
) -> Status:
    """Return what a job is when all its steps have ended.

    `cancelled`: somebody cancelled it; `stopped`: its error tolerance was exceeded with `stop_all`. A failed step
    fails its job, unless on_error = "continue": then the job, too, is a `warning`, never `completed`.
    """
    if cancelled:
        return Status.CANCELLED
    failed = [step for step in steps if states[step.name] is Status.FAILED]
    if stopped or any(step.on_error != "continue" for step in failed):
        return Status.FAILED
    ended = {states[step.name] for step in steps}
    if ended & {Status.CANCELLED, Status.INTERRUPTED}:
        return Status.CANCELLED
    return Status.WARNING if failed or Status.WARNING in ended else Status.COMPLETED


def judge_step(failed_in_step: int, failed_in_job: int, tolerance: ErrorTolerance | None) -> tuple[Status, bool]:
    """Return the status of a step that ended by itself, and whether the whole job must stop now.

    `failed_in_step` and `failed_in_job` count failed workers (the second one those of all steps so far, this one's
    included). The tolerance is a number for the whole job, so how many workers did well does not matter. May be asked
    while the step still runs, to stop the job at the very worker that is one too many.
    """
    if failed_in_step == 0:
        return Status.COMPLETED, False
    if tolerance is None:
        return Status.FAILED, False
    if failed_in_job <= tolerance.max_child_failures:
        return Status.WARNING, False
    if tolerance.failure_action == "mark_warning" and tolerance.max_child_failures > 0:
        return Status.WARNING, False
    return Status.FAILED, tolerance.failure_action == "stop_all"
