"""Whose turn it is: jobs of one definition that wait for each other, the oldest first.

There is no list of waiting jobs beside the jobs themselves: a `pending` job waits for the open jobs of its definition
that were stored before it. The keys of jobs are in the order in which they were stored, and are never used again.
Whoever submitted a job looks here after each wake-up and claims it when nothing is ahead; a job whose submitter died
is marked as interrupted like any other, and is then no longer in the way.

Jobs that run jobs can come to wait in a circle: of two that run each other's definition, each waits for a turn behind
the other. A circle is complete when its youngest waiting job is stored, and that one is told when it looks.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quaero_cli.model import Status
from quaero_cli.store.engine import Connection, connect, translated


@dataclass(frozen=True, slots=True)
class Turn:
    """What a pending job waits for: `ahead`, the open jobs before it, oldest first. `pending` false: it has ended.

    `circle`: the jobs from it to itself of which each waits for the next one, if it is for this job to give way.
    """

    pending: bool
    ahead: tuple[str, ...] = ()
    circle: tuple[str, ...] = ()


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
        row = connection.execute("SELECT key, definition, status, parent FROM job WHERE id = ?", (job_id,)).fetchone()
        if row is None or row[2] != Status.PENDING:
            return Turn(pending=False)
        ahead = open_before(connection, row[0], row[1])
        # Nobody but its parent waits for a job and not for those before it.
        circle = _circle(connection, row[0]) if ahead and row[3] is not None else ()
        return Turn(pending=True, ahead=ahead, circle=circle)


def _circle(connection: Connection, key: int) -> tuple[str, ...]:
    """Return the circle whose youngest waiting job has that key: its IDs, the first again at the end; or nothing."""
    rows = connection.execute(
        "SELECT key, id, definition, status, parent FROM job"
        " WHERE status IN ('pending', 'running') AND NOT cancel_requested ORDER BY key"
    ).fetchall()
    known = {row[0]: row for row in rows}
    paths: dict[int, tuple[int, ...]] = {key: (key,)}
    todo = [key] if key in known else []
    while todo:
        at = todo.pop()
        for next_ in _waited_for(known[at], rows):
            if next_ == key:
                return tuple(known[each][1] for each in (*paths[at], key))
            waits_longer = known[next_][3] == Status.PENDING and next_ > key
            if next_ not in paths and not waits_longer:
                paths[next_] = (*paths[at], next_)
                todo.append(next_)
    return ()


def _waited_for(job: tuple[Any, ...], others: list[tuple[Any, ...]]) -> list[int]:
    """Return the keys of the jobs for which one waits: those before it while it is pending, then its sub-jobs."""
    key, id_, definition, status, _ = job
    if status == Status.PENDING:
        return [other[0] for other in others if other[2] == definition and other[0] < key]
    return [other[0] for other in others if other[4] == id_]
