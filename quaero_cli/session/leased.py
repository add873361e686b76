"""What a session does differently on a worker machine: it tells the others whose job is whose, and until when."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from quaero_cli.engine.shared import Ground, Parts, now_us
from quaero_cli.model import (
    Fact,
    JobChanged,
    JobClaimed,
    Level,
    LogLine,
    NewJob,
    Status,
    StepChanged,
    StepOutput,
    StepProgressed,
    WorkerChanged,
)
from quaero_cli.store.fresh import FreshRows

Room = Callable[[], Awaitable[None]]

_STATES = (JobChanged, StepChanged, StepOutput, StepProgressed, WorkerChanged)


@dataclass(frozen=True, slots=True)
class Leased:
    """A job that this machine has claimed from a cluster's queue; `is_lost` when another one has it by now."""

    queue: str
    attempt: int
    is_lost: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Shipping:
    """What this machine stores is for others, too. `node`: its name, if it runs jobs. `full`: waits for room."""

    node: str | None
    full: Room | None = None
    parts: Parts | None = None  # the way to have items of its jobs done by other machines
    fresh: FreshRows = field(default_factory=FreshRows)  # what was just stored, for whoever ships it

    def room(self, of_recorder: Room) -> Room:
        """Return a wait for room in the recorder, and then in the outbox."""
        if self.full is None:
            return of_recorder
        of_outbox = self.full

        async def room() -> None:
            await of_recorder()
            await of_outbox()

        return room


def fenced(ground: Ground, leased: Leased) -> Ground:
    """Return the ground of a job whose states are told for as long as its lease is ours; its entries always are."""

    def emit(fact: Fact) -> None:
        if not (isinstance(fact, _STATES) and leased.is_lost()):
            ground.emit(fact)

    return replace(ground, emit=emit)


def tell_claimed(emit: Callable[[Fact], None], job: NewJob, node: str, attempt: int) -> None:
    """Tell the others that this machine runs the job, and what of it is done already."""
    now = now_us()
    emit(JobClaimed(job.id, node, attempt, now))
    for kept in () if job.kept is None else job.kept.steps:
        emit(StepOutput(job.id, kept.name, kept.outputs))
        emit(StepChanged(job.id, kept.name, Status.COMPLETED, now))


def tell_begun_anew(emit: Callable[[Fact], None], job_id: str, node: str | None, attempt: int) -> None:
    """Say in the job's log why all of it comes once more."""
    text = f"Attempt {attempt}: the worker that had the job before is gone, all of it begins anew"
    emit(LogLine(job_id, None, None, now_us(), Level.WARN, text, "", "runner", {"worker": node, "attempt": attempt}))
