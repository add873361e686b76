"""A job as it is enqueued: self-contained data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step as it is written when its job is enqueued."""

    name: str
    type: str
    depends: tuple[str, ...] = ()
    service: bool = False  # it has no progress: it ends when nobody needs it


# What made a job: a person's command, a request, the scheduler, a step of another job, a retry, another job's end.
Trigger = Literal["cli", "api", "schedule", "job", "retry", "hook"]

# What happens to a new job while one of its definition is open: it is not taken, it waits for its turn, it cancels
# the others and then starts, it runs beside them.
Overlap = Literal["refuse", "queue", "cancel", "allow"]


@dataclass(frozen=True, slots=True)
class KeptStep:
    """A step that was done in the job that is retried, and is not run again."""

    name: str
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KeptItem:
    """An item of a fan-out whose worker was done, in a step that is run again."""

    step: str
    item: Any
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a retry takes over from the job that it repeats. Outputs as they were stored: secrets masked."""

    steps: tuple[KeptStep, ...] = ()
    items: tuple[KeptItem, ...] = ()


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to enqueue: self-contained data, its ID made by the submitter."""

    id: str
    definition: str
    name: str
    trigger: Trigger
    definition_text: str  # the TOML text, as it was read
    definition_hash: str  # sha-256 of that text, hex
    definition_path: str  # where it was read from, for people
    parameters: Mapping[str, Any]
    steps: tuple[StepRow, ...]
    secrets: tuple[str, ...] = ()  # names only
    overlap: Overlap = "refuse"
    retry_of: str | None = None  # the job that this one repeats
    kept: Kept | None = None  # what it takes over from that one
    resumes: bool = False  # whether its steps go on where those of `retry_of` were: a crawl keeps its frontier
    parent: str | None = None  # the job, and the step in it, that runs this one as a sub-job
    parent_step: str | None = None
    scheduled_for: int | None = None  # the fire time, UTC microseconds
    queue: str | None = None  # of a cluster, whose workers may run it; None: it runs where it was made
    labels: Mapping[str, str] = field(default_factory=dict)  # that a cluster's worker must have to run it
