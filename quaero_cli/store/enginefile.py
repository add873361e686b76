"""The engine of a cluster of one machine: a file that its processes share, with the queue, the log and their words.

It is to several processes what NATS is to several machines, and needs no server. SQLite has one writer at a time, so
the log's numbers are in the order of its commits, and a claim is one transaction. Words (how far a view is, that a
job is to be cancelled) are rows that those who listen come upon; they are told, not kept.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from quaero_cli.errors import StoreError
from quaero_cli.model.taking import Needs, Offer
from quaero_cli.store.damage import identity
from quaero_cli.store.encode import decode_json, encode_json
from quaero_cli.store.engine import Connection, SqliteError, snapshot, transaction
from quaero_cli.store.enginemaking import forget_former, open_engine, told, wal_of
from quaero_cli.store.outbox import Shipment

# Shipments that are read at once.
AT_ONCE = 64
# Seconds that the log keeps what views have long read, and how long words and ended jobs are known; as with NATS.
LOG_AGE, WORD_AGE, JOB_AGE = 7 * 24 * 3600.0, 60.0, 90 * 24 * 3600.0
# A job that this process holds, or that the file has forgotten to be claimed so often.
_OURS = "(attempt < :attempt OR (attempt = :attempt AND node = :node))"
# Shipments between two looks for what is too old.
_SWEEP_EVERY = 256


class Read(NamedTuple):
    """What a look at the log brought; see `cluster.ports.Reading`."""

    shipments: Sequence[Shipment]
    place: str
    behind: int
    reset: bool
    cut: bool
    skipped: bool


class Claimed(NamedTuple):
    """A job that was claimed."""

    job: str
    attempt: int
    body: bytes


class Holder(NamedTuple):
    """Who claimed a job: which attempt it is, and the process, named like no other."""

    job: str
    attempt: int
    node: str


class Heard(NamedTuple):
    """A place among the words."""

    log: str
    number: int


class EngineFile:
    """One process's hold on the file. Used by one thread at a time. The caller closes it. Raises StoreError.

    After any error, and when another file has the name by now, the next call opens it anew: a process that held on
    to what was deleted or damaged would talk to itself alone. `openings` counts.
    """

    def __init__(self, path: Path, lease: float) -> None:
        self._path = path
        self._lease = lease
        self._connection: Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._wal: tuple[int, int] | None = None
        self.openings = 0
        with self._opened():
            pass

    def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SqliteError):
                connection.close()

    @contextmanager
    def _opened(self) -> Iterator[Connection]:
        """Give the connection to the file that has the name now."""
        try:
            if self._connection is not None and not self._is_there():
                forget_former(self._path, self._wal)
                self.close()
            connection = self._connection or self._open()
            with told(self._path):
                yield connection
        except StoreError:
            self.close()
            raise

    def _is_there(self) -> bool:
        """Return whether the file that is open here still has the name."""
        found = identity(self._path)
        return found is not None and found == self._identity

    def _open(self) -> Connection:
        before = identity(self._path)
        connection = self._connection = open_engine(self._path)
        self.openings += 1
        self._identity = identity(self._path)
        if before not in (None, self._identity):
            raise StoreError(f"{self._path}: was replaced while it was opened")
        with told(self._path):
            _value(connection, "SELECT count(*) FROM meta")  # before this its log is not open
        self._wal = identity(wal_of(self._path))
        return connection

    # ------------------------------------------------------------------ the log

    def publish(self, shipment: Shipment) -> None:
        """Append to the log; on the disk when this returns."""
        now = time.time()
        with self._opened() as connection, transaction(connection):
            number = connection.execute(
                "INSERT INTO shipment (origin, first, last, body, tag, time) VALUES (?, ?, ?, ?, ?, ?)",
                (shipment.origin, shipment.first, shipment.last, shipment.body, secrets.token_hex(4), now),
            ).lastrowid
            if number is not None and number % _SWEEP_EVERY == 0:
                connection.execute("DELETE FROM shipment WHERE time < ?", (now - LOG_AGE,))
                connection.execute("DELETE FROM job WHERE status IS NOT NULL AND time < ?", (now - JOB_AGE,))

    def read(self, place: str | None) -> Read:
        """Return what comes after a place (None: from the beginning)."""
        with self._opened() as connection, snapshot(connection):
            log = _log_of(connection)
            number, reset = _start(connection, log, place)
            rows = connection.execute(
                "SELECT id, origin, first, last, body, tag FROM shipment WHERE id > ? ORDER BY id LIMIT ?",
                (number, AT_ONCE),
            ).fetchall()
            last = rows[-1][0] if rows else number
            tag = rows[-1][5] if rows else place.split("|")[2] if place is not None and not reset else ""
            behind = int(_value(connection, "SELECT count(*) FROM shipment WHERE id > ?", last))
            first = int(_value(connection, "SELECT min(id) FROM shipment") or _newest(connection, "shipment") + 1)
        shipments = [Shipment(*row[1:5]) for row in rows]
        return Read(shipments, f"{log}|{last}|{tag}", behind, reset, first > 1, number + 1 < first)

    # ------------------------------------------------------------------ jobs

    def enqueue(self, needs: Needs, job: str, body: bytes) -> bool:
        """Add a job; False when it is known already."""
        with self._opened() as connection, transaction(connection):
            added = connection.execute(
                "INSERT OR IGNORE INTO job (id, queue, labels, part, body, time) VALUES (?, ?, ?, ?, ?, ?)",
                (job, needs.queue, encode_json(dict(needs.labels)), needs.part, body, time.time()),
            ).rowcount
        return added == 1

    def claim(self, offer: Offer, node: str) -> Claimed | None:
        """Take the oldest job that may run there and that nobody holds; items of those that have begun come first."""
        now = time.time()
        with self._opened() as connection, transaction(connection):
            rows = connection.execute(
                "SELECT id, queue, labels, part, attempt, body FROM job WHERE status IS NULL AND held_until < ?"
                " ORDER BY part DESC, number",
                (now,),
            )
            for job, queue, labels, part, attempt, body in rows:
                if offer.meets(Needs(queue, decode_json(labels), bool(part))):
                    connection.execute(
                        "UPDATE job SET attempt = attempt + 1, held_until = ?, node = ? WHERE id = ?",
                        (now + self._lease, node, job),
                    )
                    return Claimed(job, attempt + 1, bytes(body))
        return None

    def renew(self, holder: Holder) -> bool | None:
        """Renew a lease; return whether the job is to be cancelled, None when it is another's.

        A job that the file does not know, or not as claimed so often, was forgotten: nobody else has it either. It
        may have been cancelled since as one that waits.
        """
        with self._opened() as connection, transaction(connection):
            row = connection.execute(
                "UPDATE job SET held_until = :until, attempt = :attempt, node = :node"
                f" WHERE id = :job AND status IS NULL AND {_OURS} RETURNING cancel",
                {**holder._asdict(), "until": time.time() + self._lease},
            ).fetchone()
            if row is None and not _is_known(connection, holder.job):
                return False
            unclaimed = "SELECT cancel FROM job WHERE id = ? AND cancel AND attempt = 0"
            row = row or connection.execute(unclaimed, (holder.job,)).fetchone()
        return None if row is None else bool(row[0])

    def finish(self, holder: Holder, status: str, result: str | None) -> bool:
        """End a job, if this process holds it, or has ended it just so; also one that was forgotten."""
        values = {**holder._asdict(), "status": status, "result": result, "now": time.time()}
        with self._opened() as connection, transaction(connection):
            ended = connection.execute(
                "UPDATE job SET status = :status, result = :result, body = x'', time = :now, attempt = :attempt,"
                " node = :node WHERE id = :job"
                f" AND ((status IS NULL AND {_OURS}) OR (status = :status AND node IN (:node, '')))",
                values,
            ).rowcount
            if not ended and not _is_known(connection, holder.job):
                ended = connection.execute(
                    "INSERT INTO job (id, queue, labels, part, body, attempt, node, status, result, time)"
                    " VALUES (:job, '', '{}', 0, x'', :attempt, :node, :status, :result, :now)",
                    values,
                ).rowcount
        return ended == 1

    def release(self, holder: Holder) -> None:
        """Give a job back."""
        with self._opened() as connection, transaction(connection):
            connection.execute(
                "UPDATE job SET held_until = 0 WHERE id = :job AND attempt = :attempt AND node = :node",
                holder._asdict(),
            )

    def cancel(self, job: str) -> bool | None:
        """End a job that waits, or is not known (True), flag one that runs (False); None: it has ended."""
        with self._opened() as connection, transaction(connection):
            row = connection.execute(
                "UPDATE job SET cancel = 1, status = CASE attempt WHEN 0 THEN 'cancelled' END"
                " WHERE id = ? AND status IS NULL RETURNING attempt",
                (job,),
            ).fetchone()
            if row is None and not _is_known(connection, job):
                connection.execute(
                    "INSERT INTO job (id, queue, labels, part, body, cancel, status, time)"
                    " VALUES (?, '', '{}', 0, x'', 1, 'cancelled', ?)",
                    (job, time.time()),
                )
                return True
        return None if row is None else row[0] == 0

    def settle(self, job: str, status: str) -> None:
        """Keep that a job has ended."""
        with self._opened() as connection, transaction(connection):
            connection.execute("UPDATE job SET status = ?, body = x'' WHERE id = ? AND status IS NULL", (status, job))

    def look(self, job: str) -> tuple[int, str | None, str, str | None] | None:
        """Return a job's attempt, status, node and result; None: it is not known."""
        with self._opened() as connection:
            row = connection.execute("SELECT attempt, status, node, result FROM job WHERE id = ?", (job,)).fetchone()
        return None if row is None else (int(row[0]), row[1], str(row[2]), row[3])

    # ------------------------------------------------------------------ words

    def say(self, words: Sequence[tuple[str, str]]) -> None:
        """Tell those who listen: topics and texts."""
        now = time.time()
        with self._opened() as connection, transaction(connection):
            connection.execute("DELETE FROM word WHERE time < ?", (now - WORD_AGE,))
            connection.executemany(
                "INSERT INTO word (topic, body, time) VALUES (?, ?, ?)", [(topic, text, now) for topic, text in words]
            )

    def newest_word(self) -> Heard:
        """Return up to where there are words now."""
        with self._opened() as connection, snapshot(connection):
            return Heard(_log_of(connection), _newest(connection, "word"))

    def words_after(self, heard: Heard) -> tuple[Heard, list[tuple[str, str]]]:
        """Return the words after a place, and the place behind them; all that there are in another file, or older."""
        with self._opened() as connection, snapshot(connection):
            log = _log_of(connection)
            number = heard.number if log == heard.log and heard.number <= _newest(connection, "word") else 0
            rows = connection.execute(
                "SELECT id, topic, body FROM word WHERE id > ? ORDER BY id", (number,)
            ).fetchall()
        return Heard(log, rows[-1][0] if rows else number), [row[1:] for row in rows]


def _start(connection: Connection, log: str, place: str | None) -> tuple[int, bool]:
    """Return the number to read on from, and whether the place is not of this log: it is an older one, or new."""
    if place is None:
        return 0, False
    known, number, tag = place.split("|")
    row = connection.execute("SELECT tag FROM shipment WHERE id = ?", (int(number),)).fetchone()
    if known != log or _newest(connection, "shipment") < int(number) or (row is not None and row[0] != tag):
        return 0, True
    return int(number), False


def _is_known(connection: Connection, job: str) -> bool:
    return _value(connection, "SELECT 1 FROM job WHERE id = ?", job) is not None


def _newest(connection: Connection, table: str) -> int:
    """Return the newest number that a row of a table had."""
    return int(_value(connection, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?", table))


def _log_of(connection: Connection) -> str:
    """Return the name of this very log."""
    return str(_value(connection, "SELECT value FROM meta WHERE key = 'log'"))


def _value(connection: Connection, sql: str, *values: object) -> Any:  # noqa: ANN401
    row = connection.execute(sql, values).fetchone()
    return None if row is None else row[0]
