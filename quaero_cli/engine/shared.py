"""What the parts of one running job share: handed around as one record, so that signatures stay short."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

import trio

from quaero_cli.engine.log import JobLog
from quaero_cli.engine.masked import masked_emit
from quaero_cli.engine.memory import OpenCrawl, open_nothing
from quaero_cli.jobdef.model import JobDefinition, StepType
from quaero_cli.masking.mask import Mask
from quaero_cli.model import Fact, Kept, Trigger
from quaero_cli.steps.contract import SubJob

# Seconds between asking a process group to end and killing it.
GRACE = 10.0


def now_us() -> int:
    """Return the time of a fact: UTC, microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Ground:
    """What a job runs on: where its facts go and what surrounds it. The same for all jobs of a process."""

    emit: Callable[[Fact], None]
    room: Callable[[], Awaitable[None]]
    environment: Mapping[str, str]  # of this process, for children
    artifacts: Path  # jobs keep their files in a folder below it
    step_types: Mapping[str, StepType]
    kill_now: trio.Event  # set: children get no grace
    grace: float = GRACE
    takes_lines: bool = False  # `emit` takes LogLines, too: many lines at once are quicker
    run_job: "RunJob | None" = None  # the way to run other definitions; None: there is none
    flush: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint  # waits until everything emitted is stored
    open_crawl: OpenCrawl = open_nothing  # what crawls have left
    parts: "Parts | None" = None  # the way to have items done by other machines; None: there are none
    keep_files: "KeepFiles | None" = None  # sees to what a job's steps have left, before its end is told


@dataclass(slots=True)
class Running:
    """One running job: its identity, and the memory that its steps share."""

    ground: Ground
    id: str
    attempt: int
    definition: JobDefinition
    parameters: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)  # name -> value, for children and {env.NAME}
    mask: Mask | None = None  # what hides them; None: there is nothing to hide
    kept: Kept = field(default_factory=Kept)  # of the job that this one repeats: what is not run again
    ancestors: tuple[str, ...] = ()  # definitions of the jobs that this one is a sub-job of, the first one first
    log: JobLog = field(init=False)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)  # step -> its outputs
    skipped: set[str] = field(default_factory=set)  # steps whose condition was not met
    failed_workers: int = 0  # over the whole job, for the error tolerance
    logs: WeakSet[JobLog] = field(default_factory=WeakSet)  # of its steps and workers
    ran_processes: bool = False  # so that strays are looked for at its end
    stop: Callable[[str], None] = field(init=False)  # stops the job as failed, for this reason

    def __post_init__(self) -> None:
        if self.mask is not None:
            self.ground = replace(self.ground, emit=masked_emit(self.ground.emit, self.mask))
        self.log = JobLog(self.ground.emit, self.id, source="runner", mask=self.mask)

    @property
    def environment(self) -> dict[str, str]:
        """What children and {env.NAME} see: this process's variables, then `[env]`, then the secrets."""
        return {**self.ground.environment, **self.definition.env, **self.secrets}

    @property
    def directory(self) -> Path:
        """The job's private folder."""
        return self.ground.artifacts / self.id


@dataclass(frozen=True, slots=True)
class JobCall:
    """A wish to run another definition: of a step, or of a hook (`trigger`), whose name is `step` then.

    `started` is told the new job's ID once it is stored.
    """

    parent: Running
    step: str
    definition: str  # an id, or a path that ends in `.toml` from the parent's folder
    params: Mapping[str, Any]
    started: Callable[[str], None]
    trigger: Trigger = "job"


RunJob = Callable[[JobCall], Awaitable[SubJob]]
KeepFiles = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PartCall:
    """A wish to have one item of a step with `spread` done, by whatever machine: as the step's worker `number`.

    `began` is called when a machine has begun with it.
    """

    job: Running
    step: str
    number: int
    item: object
    began: Callable[[], None]


@dataclass(frozen=True, slots=True)
class PartEnd:
    """How an item ended: `error` None is well. `attempt`: as of how many; `fields`: for the entry about a failure."""

    error: str | None
    attempt: int
    outputs: Mapping[str, Any]
    fields: Mapping[str, Any]


class Parts(Protocol):
    """The way to other machines."""

    def takes(self, job: str) -> bool:
        """Return whether items of this job may be handed out."""

    async def hand_out(self, call: PartCall) -> PartEnd:
        """Have an item done; cancelled, it is cancelled. Raises QuaeroError when it cannot travel."""
