"""Levels, statuses, and which entries a reader wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal


class Level(IntEnum):
    """Severity of an entry; stored as this integer. A level filter is always a threshold."""

    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40

    @property
    def label(self) -> str:
        """The level's name in JSON, TOML and on the command line: `debug info warn error`."""
        return self.name.lower()


LEVELS: Mapping[str, Level] = {level.label: level for level in Level}


class Status(StrEnum):
    """State of a job, step or worker. The last six are final: written once, never left."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    WARNING = "warning"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self not in (Status.PENDING, Status.RUNNING)

    @property
    def good(self) -> bool:
        """Whether what depends on it may start."""
        return self in (Status.COMPLETED, Status.WARNING)


# Steps and workers alone are skipped.
JOB_STATUSES = tuple(status for status in Status if status is not Status.SKIPPED)

Originator = Literal["worker", "step", ""]

# An entry larger than this is split by whoever makes it, with a continuation mark (design: "Limits from the start").
MAX_ENTRY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which entries a reader wants. `jobs` empty: the service log.

    `steps` holds step names or step IDs (`JOB.STEP`); `worker` a worker's name (`fetch-17`); `text` is looked for
    in the message, case-insensitively.
    """

    jobs: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    level: Level = Level.INFO
    worker: str | None = None
    text: str | None = None
    originator: str | None = None  # `worker`, `step`, or "" for the runner; None: any
