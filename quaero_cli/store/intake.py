"""A view's side: shipments of other stores, taken into this one.

Rules:

1. Shipments and the place in the log up to which they were read are stored in one transaction. What was stored is
   never taken in twice: `origin.applied` says how far each origin has come, exactly and for ever.
2. Contiguously: a shipment that does not follow the one before it is refused, and asked for again. So no list of gaps
   is needed, and the order of an origin's facts is that of their emission.
3. The last claim of a job counts. States that another origin tells of it are stale (its machine was thought to be
   dead) and are left out; its entries are stored, as all are.
4. Facts of a job that is not known here are of one that was deleted: they are left out.
5. Pieces of files go to the disk before the transaction is committed, and only while their job has not ended: its
   machine sends them before it tells the end, so nobody can change the files of a job that has one.
"""

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from quaero_cli.model import (
    DocumentFound,
    Fact,
    FilePiece,
    JobChanged,
    JobClaimed,
    JobQueued,
    StepChanged,
    StepOutput,
    StepProgressed,
    WorkerChanged,
)
from quaero_cli.store.engine import Connection, connect, translated
from quaero_cli.store.factcodec import decode_facts
from quaero_cli.store.filepieces import clear_coming, take_piece
from quaero_cli.store.insertion import claim_elsewhere, insert_job
from quaero_cli.store.outbox import Shipment
from quaero_cli.store.writer import Writer

_STATES = (JobChanged, StepChanged, StepOutput, StepProgressed, WorkerChanged)
_PLACE = "log_place"


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of shipments: how far each origin is now, and which of them lack something before what came."""

    applied: dict[str, int] = field(default_factory=dict)
    gaps: frozenset[str] = frozenset()
    refused: Sequence[str] = ()  # files that cannot be kept here, and why


class Intake:
    """Takes shipments in. Sync; used by one thread at a time. A context manager's job is the caller's: `close`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = Writer(path)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def take(
        self, shipments: Sequence[Shipment], place: str, *, cut: bool = False, held: Collection[str] = ()
    ) -> Taken:
        """Store shipments and the place up to which the log has been read. Raises StoreError; then nothing is.

        `cut`: the log has lost its beginning, so that an origin may begin in its middle; but for those that are
        `held`, of which a worker has something left, and sends what is missing, or says that it will not come.
        """
        with translated(self._path), self._writer.taking_in() as (connection, add):
            applied: dict[str, int] = {}
            gaps = set()
            refused: list[str] = []
            for shipment in shipments:
                origin = shipment.origin
                if origin not in applied:
                    applied[origin] = applied_of(connection, origin)
                done = applied[origin]
                if cut and not done and origin not in held:
                    done = shipment.first - 1
                if shipment.first > done + 1:
                    gaps.add(origin)
                elif shipment.last > done:
                    facts = decode_facts(shipment.body)[done + 1 - shipment.first :]
                    refused += self._take_one(connection, add, origin, facts)
                    applied[origin] = shipment.last
            connection.executemany(
                "INSERT INTO origin VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET applied = excluded.applied",
                applied.items(),
            )
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_PLACE, place))
        return Taken(applied, frozenset(gaps), refused)

    def _take_one(
        self, connection: Connection, add: Callable[[Sequence[Fact]], None], origin: str, facts: Sequence[Fact]
    ) -> list[str]:
        """Store one shipment's facts, without those that are stale or of jobs that are not known."""
        holders = _Holders(connection)
        admitted: list[Fact] = []
        refused = []
        for fact in facts:
            if isinstance(fact, JobQueued):
                if not holders.of(fact.job.id)[0]:
                    insert_job(connection, fact.job, fact.time_us, elsewhere=True, queue=fact.queue, travelled=True)
                    holders.forget(fact.job.id)
                continue
            job = fact.job
            known, holder = (True, None) if job is None else holders.of(job)
            if not known and not isinstance(fact, DocumentFound):
                continue
            if isinstance(fact, FilePiece):
                reason = take_piece(self._path, fact) if _goes_on(connection, fact.job) else None
                if reason is not None:
                    refused.append(f"{fact.step}/{os.fsdecode(fact.name)} of job {fact.job}: {reason}")
            elif isinstance(fact, JobClaimed):
                add(admitted)  # what it may begin anew is what was told before
                admitted = []
                claim_elsewhere(connection, self._writer.keys.job(fact.job), fact, origin)
                holders.forget(fact.job)
            elif holder in (None, origin) or not isinstance(fact, _STATES):
                admitted.append(fact)
                if isinstance(fact, JobChanged) and fact.status.final:
                    clear_coming(self._path, fact.job)
        add(admitted)
        return refused

    def place(self) -> str | None:
        """Return the place up to which the log has been read; None: it never was."""
        return log_place(self._path)


def applied_of(connection: Connection, origin: str) -> int:
    """Return the number of an origin's newest fact that is stored here."""
    row = connection.execute("SELECT applied FROM origin WHERE origin = ?", (origin,)).fetchone()
    return int(row[0]) if row else 0


def applied(path: Path, origins: Sequence[str]) -> dict[str, int]:
    """Return how far each origin is here."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        return {origin: applied_of(connection, origin) for origin in origins}


def log_place(path: Path) -> str | None:
    """Return the place up to which this store has taken in the log of all; None: never."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        row = connection.execute("SELECT value FROM meta WHERE key = ?", (_PLACE,)).fetchone()
        return None if row is None else str(row[0])


def _goes_on(connection: Connection, job: str) -> bool:
    sql = "SELECT 1 FROM job WHERE id = ? AND status IN ('pending', 'running')"
    return connection.execute(sql, (job,)).fetchone() is not None


class _Holders:
    """Which origin's word counts, of each job; looked up once a shipment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, tuple[bool, str | None]] = {}

    def of(self, job: str) -> tuple[bool, str | None]:
        """Return whether a job is known here, and the origin that holds it."""
        found = self._known.get(job)
        if found is None:
            row = self._connection.execute("SELECT origin FROM job WHERE id = ?", (job,)).fetchone()
            found = self._known[job] = (row is not None, None if row is None else row[0])
        return found

    def forget(self, job: str) -> None:
        """The job has changed."""
        self._known.pop(job, None)
