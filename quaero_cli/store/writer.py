"""The writer's side: facts in, one transaction per batch.

Rules:

1. A batch is stored whole or not at all: entries, counters, states of jobs, steps and workers, documents.
2. A batch may be stored twice without harm. A fact's identity is (origin, sequence), the origin new for each
   writing process; `origin.applied` moves in the same transaction, and what it covers is skipped. That matters
   because an fsync that failed may still have committed.
3. Numbers are given inside the write lock (`batch`), so that they have no holes and their order is the order of
   commits.
4. A final status is never left: every status update says so in its WHERE.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from quaero_cli.errors import StoreError
from quaero_cli.model import Fact, Status, WorkerChanged
from quaero_cli.store.batch import Batch
from quaero_cli.store.damage import replaced
from quaero_cli.store.engine import Connection, SqliteError, connect, transaction, translated
from quaero_cli.store.fresh import FreshRows
from quaero_cli.store.keys import Keys
from quaero_cli.store.logsync import LogSync
from quaero_cli.store.outbox import add_to_outbox
from quaero_cli.store.workers import WorkerChanges


class Writer:
    """Stores batches of facts. Sync; used by one thread at a time. The caller closes it."""

    def __init__(
        self, path: Path, *, ships: bool = False, fresh: FreshRows | None = None, eager: bool = False
    ) -> None:
        """`ships`: what is stored is also put into the outbox, for the other stores of a cluster.

        `fresh` gets copies of what is put there; `eager`: before the disk has it, which `apply` then waits for. A
        power cut may take from this store what others have; for a store that nobody follows from afar.
        """
        self._path = path
        self._ships = ships
        self._fresh = fresh
        self._eager = eager
        self.origin = secrets.token_hex(8)
        self._connection = connect(path, lazy=eager)
        self._epoch = self._read_epoch()
        self._sync = self._open_sync()
        self.keys = Keys(self._connection)

    def close(self) -> None:
        """Forget this origin (all of it is applied) and close the file. Never raises: everything is stored.

        What was shipped comes back with the log of all, and must be known then.
        """
        if not self._ships:
            self._forget_origin()
        self._close_files()

    def _close_files(self) -> None:
        self._connection.close()
        if self._sync is not None:
            self._sync.close()
            self._sync = None

    def _open_sync(self) -> LogSync | None:
        with translated(self._path):
            return LogSync(self._path) if self._eager else None

    def _forget_origin(self) -> None:
        with suppress(SqliteError):  # a row too many in `origin` harms nobody
            self._connection.execute("DELETE FROM origin WHERE origin = ?", (self.origin,))

    def explain(self, error: SqliteError) -> StoreError:
        """Return the engine's error as one for people."""
        try:
            with translated(self._path):
                raise error
        except StoreError as explained:
            return explained

    def reopen(self) -> None:
        """Drop the connection after an error and open a new one; the origin stays, so a retry is exact.

        Raises StoreError when the file is another one by now: its numbers and keys mean other jobs.
        """
        self._close_files()
        self._connection = self.keys.connection = connect(self._path, lazy=self._eager)
        if self._read_epoch() != self._epoch:
            raise replaced(self._path)
        self._sync = self._open_sync()

    def _read_epoch(self) -> str:
        with translated(self._path):
            row = self._connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
        return "" if row is None else str(row[0])

    def apply(self, first: int, facts: Sequence[Fact]) -> None:
        """Store `facts`, whose sequence numbers begin with `first`, in one transaction.

        Raises the engine's errors (see `store.engine.SqliteError`); then nothing of the batch is stored, or all of
        it (a failed fsync): calling again with the same facts is right in both cases.
        """
        connection = self._connection
        rows = None
        with transaction(connection):
            row = connection.execute("SELECT applied FROM origin WHERE origin = ?", (self.origin,)).fetchone()
            applied: int = row[0] if row else 0
            batch = Batch(connection, self.keys)
            new = facts[max(0, applied + 1 - first) :]
            batch.add(new)
            batch.flush()
            if self._ships and new:
                rows = add_to_outbox(connection, self.origin, first + len(facts) - len(new), new)
            connection.execute(
                "INSERT INTO origin VALUES (?, ?)"
                " ON CONFLICT (origin) DO UPDATE SET applied = max(applied, excluded.applied)",
                (self.origin, first + len(facts) - 1),
            )
        if self._fresh is not None:
            self._fresh.put(rows)
        if self._sync is not None:
            self._sync.wait()

    @contextmanager
    def taking_in(self) -> Iterator[tuple[Connection, Callable[[Sequence[Fact]], None]]]:
        """Give the connection and a function that stores facts, in one transaction: for facts of other stores."""
        self.keys.forget()  # a job may have been deleted, and come back as another row
        with transaction(self._connection):

            def store(facts: Sequence[Fact]) -> None:
                batch = Batch(self._connection, self.keys)
                batch.add(facts)
                batch.flush()

            yield self._connection, store

    def interrupt_workers(self, workers: Sequence[tuple[int, int]], now: int) -> None:
        """Mark workers (step key, number) whose process died as interrupted."""
        with transaction(self._connection):
            changes = WorkerChanges()
            for step, number in workers:
                changes.add(step, WorkerChanged("", "", number, Status.INTERRUPTED, now))
            changes.write(self._connection)
