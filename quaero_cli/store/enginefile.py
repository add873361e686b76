"""The engine of a cluster of one machine: a file that its processes share, with the queue, the log and their words.

It is to several processes what NATS is to several machines, and needs no server. SQLite has one writer at a time, so
the log's numbers are in the order of its commits, and a claim is one transaction. Words (how far a view is, that a
job is to be cancelled) are rows that those who listen come upon; they are told, not kept.
"""

import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from quaero_cli.model.taking import Needs, Offer
from quaero_cli.store.encode import decode_json, encode_json
from quaero_cli.store.engine import connect, snapshot, transaction, translated
from quaero_cli.store.outbox import Shipment

# Shipments that are read at once.
AT_ONCE = 64
# Seconds that the log keeps what views have long read, and how long words and ended jobs are known; as with NATS.
LOG_AGE, WORD_AGE, JOB_AGE = 7 * 24 * 3600.0, 60.0, 90 * 24 * 3600.0
# Shipments between two looks for what is too old.
_SWEEP_EVERY = 256

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shipment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    body BLOB NOT NULL, tag TEXT NOT NULL, time REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, queue TEXT NOT NULL, labels TEXT NOT NULL,
    part INTEGER NOT NULL, body BLOB NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, held_until REAL NOT NULL DEFAULT 0,
    node TEXT NOT NULL DEFAULT '', cancel INTEGER NOT NULL DEFAULT 0, status TEXT, result TEXT, time REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS job_open ON job(part DESC, number) WHERE status IS NULL;
CREATE TABLE IF NOT EXISTS word (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, body TEXT NOT NULL,
    time REAL NOT NULL);
"""


class Read(NamedTuple):
    """What a look at the log brought; see `cluster.ports.Reading`."""

    shipments: Sequence[Shipment]
    place: str
    behind: int
    reset: bool
    cut: bool


class Claimed(NamedTuple):
    """A job that was claimed."""

    job: str
    attempt: int
    body: bytes


class EngineFile:
    """One process's hold on the file. Used by one thread at a time. The caller closes it. Raises StoreError."""

    def __init__(self, path: Path, lease: float) -> None:
        self._path = path
        self._lease = lease
        self._connection = connect(path)
        with translated(path):
            self._connection.execute("PRAGMA journal_mode=WAL")
            with transaction(self._connection):
                for statement in filter(str.strip, _TABLES.split(";\n")):
                    self._connection.execute(statement)
                self._connection.execute("INSERT OR IGNORE INTO meta VALUES ('log', ?)", (secrets.token_hex(6),))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # ------------------------------------------------------------------ the log

    def publish(self, shipment: Shipment) -> None:
        """Append to the log; on the disk when this returns."""
        now = time.time()
        with translated(self._path), transaction(self._connection):
            number = self._connection.execute(
                "INSERT INTO shipment (origin, first, last, body, tag, time) VALUES (?, ?, ?, ?, ?, ?)",
                (shipment.origin, shipment.first, shipment.last, shipment.body, secrets.token_hex(4), now),
            ).lastrowid
            if number is not None and number % _SWEEP_EVERY == 0:
                self._connection.execute("DELETE FROM shipment WHERE time < ?", (now - LOG_AGE,))
                self._connection.execute("DELETE FROM job WHERE status IS NOT NULL AND time < ?", (now - JOB_AGE,))

    def read(self, place: str | None) -> Read:
        """Return what comes after a place (None: from the beginning)."""
        with translated(self._path), snapshot(self._connection):
            log = str(self._value("SELECT value FROM meta WHERE key = 'log'"))
            number, reset = self._start(log, place)
            rows = self._connection.execute(
                "SELECT id, origin, first, last, body, tag FROM shipment WHERE id > ? ORDER BY id LIMIT ?",
                (number, AT_ONCE),
            ).fetchall()
            last = rows[-1][0] if rows else number
            tag = rows[-1][5] if rows else place.split("|")[2] if place is not None and not reset else ""
            behind = int(self._value("SELECT count(*) FROM shipment WHERE id > ?", last))
            first = self._value("SELECT min(id) FROM shipment") or self._value(
                "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'shipment'"
            )
        shipments = [Shipment(*row[1:5]) for row in rows]
        return Read(shipments, f"{log}|{last}|{tag}", behind, reset, int(first or 1) > 1)

    def _start(self, log: str, place: str | None) -> tuple[int, bool]:
        """Return the number to read on from, and whether the place is not of this log: it is an older one, or new."""
        if place is None:
            return 0, False
        known, number, tag = place.split("|")
        row = self._connection.execute("SELECT tag FROM shipment WHERE id = ?", (int(number),)).fetchone()
        newest = int(self._value("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'shipment'") or 0)
        if known != log or newest < int(number) or (row is not None and row[0] != tag):
            return 0, True
        return int(number), False

    def _value(self, sql: str, *values: object) -> Any:  # noqa: ANN401
        row = self._connection.execute(sql, values).fetchone()
        return None if row is None else row[0]

    # ------------------------------------------------------------------ jobs

    def enqueue(self, needs: Needs, job: str, body: bytes) -> bool:
        """Add a job; False when it is known already."""
        with translated(self._path), transaction(self._connection):
            added = self._connection.execute(
                "INSERT OR IGNORE INTO job (id, queue, labels, part, body, time) VALUES (?, ?, ?, ?, ?, ?)",
                (job, needs.queue, encode_json(dict(needs.labels)), needs.part, body, time.time()),
            ).rowcount
        return added == 1

    def claim(self, offer: Offer, node: str) -> Claimed | None:
        """Take the oldest job that may run there and that nobody holds; items of those that have begun come first."""
        now = time.time()
        with translated(self._path), transaction(self._connection):
            rows = self._connection.execute(
                "SELECT id, queue, labels, part, attempt, body FROM job WHERE status IS NULL AND held_until < ?"
                " ORDER BY part DESC, number",
                (now,),
            )
            for job, queue, labels, part, attempt, body in rows:
                if offer.meets(Needs(queue, decode_json(labels), bool(part))):
                    self._connection.execute(
                        "UPDATE job SET attempt = attempt + 1, held_until = ?, node = ? WHERE id = ?",
                        (now + self._lease, node, job),
                    )
                    return Claimed(job, attempt + 1, bytes(body))
        return None

    def renew(self, job: str, attempt: int) -> bool | None:
        """Renew a lease; return whether the job is to be cancelled, None when it is another's."""
        with translated(self._path), transaction(self._connection):
            row = self._connection.execute(
                "UPDATE job SET held_until = ? WHERE id = ? AND attempt = ? AND status IS NULL RETURNING cancel",
                (time.time() + self._lease, job, attempt),
            ).fetchone()
        return None if row is None else bool(row[0])

    def finish(self, job: str, attempt: int, status: str, result: str | None) -> bool:
        """End a job, if it is this attempt's, or was ended by it just so."""
        with translated(self._path), transaction(self._connection):
            ended = self._connection.execute(
                "UPDATE job SET status = ?, result = ?, body = x'', time = ?"
                " WHERE id = ? AND attempt = ? AND (status IS NULL OR status = ?)",
                (status, result, time.time(), job, attempt, status),
            ).rowcount
        return ended == 1

    def release(self, job: str, attempt: int) -> None:
        """Give a job back."""
        with translated(self._path), transaction(self._connection):
            self._connection.execute("UPDATE job SET held_until = 0 WHERE id = ? AND attempt = ?", (job, attempt))

    def cancel(self, job: str) -> bool | None:
        """End a job that waits (True), flag one that runs (False); None: there is none, or it has ended."""
        with translated(self._path), transaction(self._connection):
            row = self._connection.execute(
                "UPDATE job SET cancel = 1, status = CASE attempt WHEN 0 THEN 'cancelled' END"
                " WHERE id = ? AND status IS NULL RETURNING attempt",
                (job,),
            ).fetchone()
        return None if row is None else row[0] == 0

    def settle(self, job: str, status: str) -> None:
        """Keep that a job has ended."""
        with translated(self._path), transaction(self._connection):
            self._connection.execute(
                "UPDATE job SET status = ?, body = x'' WHERE id = ? AND status IS NULL", (status, job)
            )

    def look(self, job: str) -> tuple[int, str | None, str, str | None] | None:
        """Return a job's attempt, status, node and result; None: it is not known."""
        with translated(self._path):
            row = self._connection.execute(
                "SELECT attempt, status, node, result FROM job WHERE id = ?", (job,)
            ).fetchone()
        return None if row is None else (int(row[0]), row[1], str(row[2]), row[3])

    # ------------------------------------------------------------------ words

    def say(self, words: Sequence[tuple[str, str]]) -> None:
        """Tell those who listen: topics and texts."""
        now = time.time()
        with translated(self._path), transaction(self._connection):
            self._connection.execute("DELETE FROM word WHERE time < ?", (now - WORD_AGE,))
            self._connection.executemany(
                "INSERT INTO word (topic, body, time) VALUES (?, ?, ?)", [(topic, text, now) for topic, text in words]
            )

    def newest_word(self) -> int:
        """Return the number of the newest word."""
        with translated(self._path):
            return int(self._value("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'word'") or 0)

    def words_after(self, number: int) -> list[tuple[int, str, str]]:
        """Return the words after a number, with their numbers."""
        with translated(self._path):
            return self._connection.execute(
                "SELECT id, topic, body FROM word WHERE id > ? ORDER BY id", (number,)
            ).fetchall()
