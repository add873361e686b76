"""What an engine does for a cluster: carry the log, the watermarks, the queue, and who is there.

Every call may raise EngineAway: the engine cannot be reached now, or did not answer. It may have done what was asked
all the same; everything here may be asked again without harm.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from quaero_cli.errors import ServerError
from quaero_cli.model.taking import Needs, Offer
from quaero_cli.store.outbox import Shipment


class EngineAway(ServerError):
    """The engine cannot be reached at the moment. `word` says for people what it is."""

    word = "away"


class EngineFull(EngineAway):
    """The engine takes nothing more at the moment, for want of room. What it has it keeps."""

    word = "full"


class EngineBroken(EngineAway):
    """The engine is damaged, or is none: it is tried again, but somebody has to see to it first."""

    word = "unusable"


def part_id(owner: str, job: str, attempt: int, step: str, number: int) -> str:
    """Return the ID of an item of a step, the worker `number`, of this attempt at a job, which `owner` holds."""
    return f"{owner}_{job}_{attempt}_{step}_{number}"


def owner_of_part(part: str) -> str | None:
    """Return the process that handed out a part; None: this is the ID of a job."""
    owner, mark, _ = part.partition("_")
    return owner if mark else None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a look at the log brought: `place` is where to go on, `behind` how many messages are left then.

    `reset`: the place that was asked for is not of this log any more (the engine came back from an older state, or
    is another one), and the log is read from its beginning. `cut`: that beginning is not there any more, for its age
    or because somebody made room. `skipped`: nor is some of what comes after the place.
    """

    shipments: Sequence[Shipment]
    place: str
    behind: int
    reset: bool = False
    cut: bool = False
    skipped: bool = False

    @property
    def brings(self) -> bool:
        """Whether there is something to store."""
        return bool(self.shipments) or self.reset


Take = Callable[[Reading], None]


@dataclass(frozen=True, slots=True)
class Mark:
    """The view `view` has an origin's facts up to `applied` on disk.

    `caught_up`: it has read the whole log: what it lacks is not there. `gap`: later ones came without these.
    """

    origin: str
    applied: int
    caught_up: bool = False
    gap: bool = False
    view: str = ""


class LogSink(Protocol):
    """The worker's end of the log."""

    def begin(self, shipment: Shipment) -> None:
        """It is about to be published: begin, where that is sooner. From any thread; nothing comes of it but that."""

    async def publish(self, shipment: Shipment) -> None:
        """Append a shipment. Returns when the engine says that it keeps it."""


class LogSource(Protocol):
    """The view's end of the log. Order is that of the engine, for all views the same."""

    async def read(self, place: str | None, wait: float, take: Take | None = None) -> Reading:
        """Return what comes after a place (None: from the beginning); wait `wait` seconds for it at most.

        What has come is given to `take` before, in a thread: sooner than whoever waits for this could do so.
        """


class Watermarks(Protocol):
    """How far views are. Told, not stored: whoever misses one asks again."""

    async def announce(self, marks: Sequence[Mark]) -> None:
        """Tell workers how far their origins are (a view's)."""

    async def ask(self, origins: Sequence[str]) -> None:
        """Ask the views how far these origins are (a worker's)."""

    async def next_mark(self) -> Mark:
        """Wait for a mark of an origin that was asked for (a worker's)."""

    async def next_question(self) -> str:
        """Wait for a question; return the origin (a view's)."""


class Health(Enum):
    """What a heartbeat learned of a lease."""

    OK = "ok"
    CANCEL = "cancel"  # somebody asked for the job to be cancelled
    LOST = "lost"  # another worker holds the job


class Lease(Protocol):
    """A job that this worker may run, as attempt number `attempt`, for as long as it sends heartbeats."""

    @property
    def job(self) -> str:
        """The job's ID."""

    @property
    def attempt(self) -> int:
        """The attempt, from 1. With the process that claimed it, it is the token that fences the job's end."""

    @property
    def body(self) -> bytes:
        """What was enqueued."""

    async def heartbeat(self) -> Health:
        """Renew the lease."""

    async def finish(self, status: str, result: str | None = None) -> bool:
        """Take the job off the queue; False when another process holds it. `result`: for whoever looks."""

    async def release(self) -> None:
        """Give the job back at once: another worker may have it."""


@dataclass(frozen=True, slots=True)
class JobState:
    """What the queue knows of a job: how often it was claimed, by whom last, and how it ended, leaving what."""

    attempt: int
    status: str | None
    node: str = ""
    result: str | None = None


class RunQueue(Protocol):
    """Jobs on their way to workers."""

    async def prepare(self, needs: Needs) -> None:
        """Make sure that jobs of these needs, and items of theirs, reach whoever meets them (a view's)."""

    async def enqueue(self, needs: Needs, job: str, body: bytes) -> bool:
        """Add a job for a worker with what it needs; False when it is known already, waiting, running or ended."""

    async def claim(self, offer: Offer, node: str, wait: float) -> Lease | None:
        """Take the next job that may run here, waiting `wait` seconds for one at most; None: there is none.

        `node`: names the process that claims, like no other.
        """

    async def cancel(self, job: str) -> bool:
        """Ask for a job to be cancelled; True when it was not claimed yet, or not known, and now never will be."""

    async def settle(self, job: str, status: str) -> None:
        """Keep that a job has ended: nobody needs to run it (again)."""

    async def look(self, job: str) -> JobState | None:
        """Return what is known of a job; None: nothing, perhaps that it waits."""

    async def next_cancel(self) -> str:
        """Wait until somebody asks for a job to be cancelled; return its ID (a worker's; may miss some)."""


class Parts(Protocol):
    """Items of steps with `spread`: jobs of the queue like others, whose ID says who handed them out (`part_id`).

    Whoever holds the job enqueues them and waits for their ends.
    """

    async def follow_parts(self, owner: str) -> None:
        """Hear from now on of the parts that `owner` hands out."""

    async def next_part(self) -> str:
        """Wait until something changes with one of them; return its ID (may miss some)."""


class Presence(Protocol):
    """Who is there."""

    async def tell(self, node: str, facts: Mapping[str, Any]) -> None:
        """Say that a worker machine is there, and what it does."""

    async def next_node(self) -> tuple[str, Mapping[str, Any]]:
        """Wait for such words (a view's)."""


class Engine(LogSink, LogSource, Watermarks, RunQueue, Parts, Presence, Protocol):
    """All of it."""


class Connection(Engine, Protocol):
    """A process's connection to an engine. `lease`: seconds without a heartbeat until another worker has a job."""

    @property
    def lease(self) -> float:
        """Seconds."""

    async def prepare_worker(self) -> None:
        """Hear what workers need to hear."""

    async def prepare_view(self, replicas: int, queues: Sequence[str]) -> None:
        """Make what is missing, and hear what views need to hear. Raises ServerError."""
