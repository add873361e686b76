"""What a step or a job is, once it has ended. Pure."""

from collections.abc import Mapping, Sequence

from quaero_cli.jobdef.model import ErrorTolerance, StepDefinition
from quaero_cli.model import Status

States = Mapping[str, Status]


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
