"""Deleting jobs: one short transaction makes a job disappear, many short ones clear away what it has left.

A job of a million entries cannot be deleted at once without holding up every writer for seconds. So its row goes
first, and its key into `trash`; from then on nobody sees it. Steps, workers, entries and counts of a key in `trash`
are cleared in small pieces, with room for others in between, by whoever comes along: a clearing that was cut short
goes on with the next one. Keys are never used again, so what is still there belongs to nobody.
"""

import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from quaero_cli.errors import NotFoundError, StateError
from quaero_cli.store.artifacts import remove_artifacts
from quaero_cli.store.engine import Connection, connect, transaction, translated
from quaero_cli.store.rows import status_of

# Seconds that a piece may take before it is committed: what a writer waits for at most, together with the commit.
PIECE_SECONDS = 0.01
_ROWS = 100  # in one statement; entries may be 64 KiB each
# Pages of 4 KiB that are given back to the disk in one piece.
_PAGES = 500

_OF_STEPS = "step IN (SELECT key FROM step WHERE job = ?1)"
# In this order: what is found through its step goes before the step.
_PIECES = (
    f"DELETE FROM worker WHERE (step, number) IN (SELECT step, number FROM worker WHERE {_OF_STEPS} LIMIT {_ROWS})",
    f"DELETE FROM frontier WHERE id IN (SELECT id FROM frontier WHERE {_OF_STEPS} LIMIT {_ROWS})",
    f"DELETE FROM log WHERE id IN (SELECT id FROM log WHERE job = ?1 ORDER BY job_line LIMIT {_ROWS})",
    "DELETE FROM log_count WHERE job = ?1",
    "DELETE FROM step WHERE job = ?1",
    "DELETE FROM trash WHERE job = ?1",
)


def discard(path: Path, job_id: str) -> int:
    """Make a job that has ended disappear, with the files it left; return how many entries it had.

    What the crawler collected stays. Raises NotFoundError, and StateError for a job that has not ended, or whose work
    another one goes on with. `Clearing` does the rest.
    """
    with closing(_connect(path)) as connection, translated(path):
        with transaction(connection):
            row = connection.execute("SELECT key, status, entries FROM job WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                raise NotFoundError(f"no job {job_id}", hint="list the jobs with: quaero jobs")
            key, status, entries = row
            if not status_of(status).final:
                raise StateError(f"job {job_id} is still {status}", hint=f"end it first: quaero cancel {job_id}")
            _refuse_needed(connection, job_id)
            connection.execute("INSERT INTO trash VALUES (?)", (key,))
            connection.execute("DELETE FROM job WHERE key = ?", (key,))
        remove_artifacts(path, job_id)
    return int(entries)


def _refuse_needed(connection: Connection, job_id: str) -> None:
    row = connection.execute(
        "SELECT id FROM job WHERE retry_of = ? AND resumes AND status IN ('pending', 'running')", (job_id,)
    ).fetchone()
    if row is not None:
        raise StateError(
            f"job {job_id} is needed: job {row[0]} goes on with its work",
            hint=f"wait for its end: quaero tail {row[0]}",
        )


class Clearing:
    """Clears away what deleted jobs have left, piece by piece; a context manager that closes its connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = _connect(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def clear_piece(self) -> bool:
        """Clear one piece in a transaction of its own; False: nothing is left. The caller then lets others write."""
        connection, end = self._connection, time.monotonic() + PIECE_SECONDS
        with translated(self._path), transaction(connection):
            row = connection.execute("SELECT min(job) FROM trash").fetchone()
            if row[0] is None:
                return False
            for statement in _PIECES:
                while connection.execute(statement, row).rowcount > 0:
                    if time.monotonic() >= end:
                        return True
            return True

    def give_back_piece(self) -> bool:
        """Give some free pages of the file back to the disk; False: there are none."""
        connection = self._connection
        with translated(self._path):
            before = free_pages(connection)
            if before == 0:
                return False
            connection.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
            return free_pages(connection) < before  # an old file gives nothing back


def free_pages(connection: Connection) -> int:
    """Return how many pages of the file hold nothing."""
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def _connect(path: Path) -> Connection:
    connection = connect(path)
    # The job's row goes before what refers to it.
    connection.execute("PRAGMA foreign_keys=OFF")
    # What is deleted is overwritten: somebody may delete a job because of what its log says.
    connection.execute("PRAGMA secure_delete=ON")
    return connection
