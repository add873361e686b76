"""Whose turn it is: jobs of one definition that wait for each other, the oldest first.

There is no list of waiting jobs beside the jobs themselves: a `pending` job waits for the open jobs of its definition
that were stored before it. The keys of jobs are in the order in which they were stored, and are never used again.
Whoever submitted a job looks here after each wake-up and claims it when nothing is ahead; a job whose submitter died
is marked as interrupted like any other, and is then no longer in the way.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from quaero_cli.model import Status
from quaero_cli.store.engine import Connection, connect, translated


@dataclass(frozen=True, slots=True)
class Turn:
    """What a pending job waits for: `ahead`, the open jobs before it, oldest first. `pending` false: it has ended."""

    pending: bool
    ahead: tuple[str, ...] = ()


def open_before(connection: Connection, key: int, definition: str) -> tuple[str, ...]:
    """Return the open jobs of a definition that were stored before the job of that key, oldest first."""
    rows = connection.execute(
        "SELECT id FROM job WHERE status IN ('pending', 'running') AND definition = ? AND key < ? ORDER BY key",
        (definition, key),
    )
    return tuple(row[0] for row in rows)


def look_for_turn(path: Path, job_id: str) -> Turn:
    """Return what the job waits for now. A reading look: it holds up no writer."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        row = connection.execute("SELECT key, definition, status FROM job WHERE id = ?", (job_id,)).fetchone()
        if row is None or row[2] != Status.PENDING:
            return Turn(pending=False)
        return Turn(pending=True, ahead=open_before(connection, row[0], row[1]))
