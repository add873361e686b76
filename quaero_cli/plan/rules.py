"""How the steps of a job stand to each other: the rules that a course follows. Pure, and without state.

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
running: a job never waits for nothing.
"""

from collections.abc import Sequence
from enum import Enum

from quaero_cli.jobdef.graph import dependents, reachable, topological_order
from quaero_cli.jobdef.model import StepDefinition
from quaero_cli.model import Status


class Standing(Enum):
    """How a step looks to those that depend on it."""

    OPEN = "open"
    DONE = "done"
    LOST = "lost"


class Plan:
    """The steps of one job and their order. Immutable; `course.Course` follows a job along it."""

    def __init__(self, steps: Sequence[StepDefinition], max_parallel_steps: int) -> None:
        """`steps` must be free of cycles and name only each other, as a loaded definition is."""
        self.steps = {step.name: step for step in steps}
        self.max_parallel_steps = max_parallel_steps
        depends = {step.name: step.depends for step in steps}
        self.place = {name: place for place, name in enumerate(self.steps)}  # in the file
        self.order = topological_order(depends)
        self.rank = {name: rank for rank, name in enumerate(self.order)}
        self.after = dependents(depends)
        # Of each service the steps that need it, over others, too; and the other way round.
        self.users = {step.name: reachable([step.name], self.after) for step in steps if step.service}
        self.needs: dict[str, list[str]] = {name: [] for name in self.steps}
        for service, users in self.users.items():
            for user in users:
                self.needs[user].append(service)


def standing(step: StepDefinition, status: Status, *, ready: bool, unhindered: bool) -> Standing:
    """Return how a step stands. `unhindered`: all it depends on is done, or it runs whatever became of that."""
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


def fate(status: Status) -> str:
    """Return what became of a lost step, in words."""
    return {Status.FAILED: "failed", Status.SKIPPED: "was skipped"}.get(status, f"was {status}")
