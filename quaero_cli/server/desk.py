"""What every route is given: the store, the streams, the session's actions, and where to log.

Two ways to the store: `reader`, for questions that are answered in well under a millisecond, on the event loop; and
`in_thread`, for those that may look at a whole job, with a connection of their own. This is the only place of the
server that enters threads.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import trio

from quaero_cli import __version__
from quaero_cli.errors import QuaeroError
from quaero_cli.model import EngineView, Entry
from quaero_cli.server.actions import Actions, ServiceLog
from quaero_cli.server.cursor import Cursor
from quaero_cli.server.limits import Limits
from quaero_cli.server.streams import SharedBatches, Streams
from quaero_cli.store.reader import Reader, open_reader
from quaero_cli.stream.wakeups import Wakeups

T = TypeVar("T")

# Threads that read the store at once: SQLite gains nothing from more on a few cores, and a burst of exports must not
# take the threads that others need.
_READING_THREADS = 4


# Makes a function that turns entries into lines of text; a new one for each output, since it may align columns.
TextMaker = Callable[[], Callable[[Sequence[Entry]], str]]


class OtherStore(QuaeroError):
    """A page was asked for with a cursor of another store."""


@dataclass(frozen=True, slots=True)
class ServerParts:
    """What the session hands to the server."""

    database: Path
    wakeups: Wakeups
    actions: Actions
    log: ServiceLog
    text: TextMaker  # how `logs.txt` looks: the same as `quaero logs export`
    started_at: str  # as on the wire: ISO 8601, UTC, "Z"
    engine: EngineView | None = None  # of the cluster that this is a view of; kept up to date by the session


@dataclass(frozen=True, slots=True)
class Desk:
    """The routes' view of the world."""

    parts: ServerParts
    limits: Limits
    reader: Reader
    streams: Streams
    batches: SharedBatches
    _threads: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(_READING_THREADS))

    async def in_thread(self, read: Callable[[Reader], T]) -> T:
        """Return what `read` finds, in a thread and with a reader of its own."""

        def work() -> T:
            with open_reader(self.parts.database) as reader:
                return read(reader)

        return await self.apart(work)

    async def apart(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, from a thread: for what may wait for the disk and needs no reader."""
        return await trio.to_thread.run_sync(work, limiter=self._threads)

    def id_of(self, place: Cursor | int, parameter: str) -> int:
        """Return the entry's id that a place means. Raises OtherStore."""
        if isinstance(place, int):
            return place
        if place.epoch != self.reader.epoch:
            raise OtherStore(f"{parameter}: the cursor {place} is of another store", hint="start afresh")
        return place.id

    def service_status(self) -> dict[str, dict[str, object]]:
        """Return the data of a `status` event of the service scope."""
        jobs = self.reader.job_counts()
        return {
            "service": {
                "version": __version__,
                "started_at": self.parts.started_at,
                "jobs_running": jobs.get("running", 0),
                "jobs_queued": jobs.get("pending", 0),
                "streams": self.streams.open,
                "store_bytes": self.reader.store_bytes(),
            }
        }


@contextmanager
def open_desk(parts: ServerParts, limits: Limits) -> Iterator[Desk]:
    """Open the store for the routes. Raises StoreError."""
    with open_reader(parts.database) as reader:
        yield Desk(parts, limits, reader, Streams(limits.streams), SharedBatches(reader.epoch))
