"""What happened in a job: the engine emits these, the recorder stores them, in the order of their emission."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from quaero_cli.model.crawl import CrawlFact, DocumentFound
from quaero_cli.model.newjob import NewJob
from quaero_cli.model.words import Originator, Status


class LogLine(NamedTuple):
    """One line, accepted. `job` None: the service log. A plain tuple, because 400,000 a second are made."""

    job: str | None
    step: str | None
    worker: int | None
    time_us: int  # UTC, microseconds since 1970
    level: int
    message: str
    originator: Originator
    source: str  # the step's type, `stdout`, `stderr`, a logger's name; "" for the runner
    fields: Mapping[str, Any] | None


class LogLines(NamedTuple):
    """Many lines of one originator at one moment, at most 64 KiB each: what a child printed at once."""

    job: str | None
    step: str | None
    worker: int | None
    time_us: int
    level: int
    messages: Sequence[str]
    originator: Originator
    source: str


@dataclass(frozen=True, slots=True)
class JobQueued:
    """A job was made. Where it is known already this changes nothing. `queue` None: it runs where it was made.

    `arrives`: the store of whoever says so has no row of it either. Only told there.
    """

    job: NewJob
    queue: str | None
    time_us: int
    arrives: bool = False


@dataclass(frozen=True, slots=True)
class JobClaimed:
    """The worker machine `node` runs the job from here on, as `attempt`; what an earlier one did is begun anew."""

    job: str
    node: str
    attempt: int
    time_us: int


@dataclass(frozen=True, slots=True)
class JobChanged:
    """The job reached `status`. A final one is written only if `attempt` still holds the job."""

    job: str
    status: Status
    time_us: int
    attempt: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StepChanged:
    """The step reached `status`; or, running already, it begins its next `attempt`."""

    job: str
    step: str
    status: Status
    time_us: int
    error: str | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class StepProgressed:
    """How far a step is: `progress` in percent (0 to 100), `text` for people. None leaves a value as it was."""

    job: str
    step: str
    progress: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class StepOutput:
    """Values that a step hands to later ones; JSON-able. Kept with the job."""

    job: str
    step: str
    outputs: Mapping[str, Any]


class WorkerChanged(NamedTuple):
    """The worker `number` (from 1 within its step) reached `status`; or, running already, its next `attempt`.

    A plain tuple: a crawl makes three of them for each page.

    The first fact about a worker makes it, with its `label` and the `item` of `for_each` that it works on (plain
    data; None: none). `outputs` are those that it left when it completed.
    """

    job: str
    step: str
    number: int
    status: Status
    time_us: int
    label: str = ""
    error: str | None = None
    attempt: int = 1
    item: object = None
    outputs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FilePiece:
    """A piece of a file that a step has left on the machine that ran it: `data` begins at byte `offset` of `size`.

    `name`: its path below the step's folder, as the bytes that the system calls it by. The pieces of a file come in
    order and without a gap; one of an empty file is empty.
    """

    job: str
    step: str
    name: bytes
    offset: int
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Abroad:
    """A fact for all stores but this one: of a job that another machine holds, or of a file that is here already."""

    fact: "LogLine | LogLines | JobQueued | DocumentFound | FilePiece"

    @property
    def job(self) -> str | None:
        """The job's ID."""
        return self.fact.job.id if isinstance(self.fact, JobQueued) else self.fact.job


Fact = (
    LogLine
    | LogLines
    | JobQueued
    | JobClaimed
    | JobChanged
    | StepChanged
    | StepProgressed
    | StepOutput
    | WorkerChanged
    | DocumentFound
    | CrawlFact
    | FilePiece
    | Abroad
)
