"""Entries that a reader will not get: retention took them, or it asked to be moved ahead when it is far behind.

Numbers in a job have no holes, so a hole after a reader's place is what retention has taken, exactly. Retention takes
the oldest entries first, so the hole is nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from quaero_cli.store.engine import Connection
from quaero_cli.store.scope import Scope


@dataclass(frozen=True, slots=True)
class Lost:
    """Entries of one job (its key) that a reader will not get: how many, and between which ids they were."""

    job: int
    count: int
    from_id: int
    to_id: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """Where a reader is moved to, and what it leaves out for that. `places` as in `entries`."""

    places: dict[int, int]
    cursor: int
    lost: tuple[Lost, ...]


def taken(connection: Connection, job: int, place: int, last: int, head: int) -> Lost | None:
    """Return what retention took of a job after `place` (a `job_line`; `last` is its newest), if anything."""
    first = connection.execute(
        "SELECT job_line, id FROM log WHERE job = ? AND job_line > ? ORDER BY job_line LIMIT 1", (job, place)
    ).fetchone()
    line, id_ = first if first is not None else (last + 1, head + 1)
    if line == place + 1:
        return None
    return Lost(job, line - place - 1, id_at(connection, job, place) + 1, id_ - 1)


def passed_over(
    connection: Connection, scope: Scope, before: Mapping[int, int], after: Mapping[int, int]
) -> list[Lost]:
    """Return the matching entries between two places, of each job that has some. Looks at every one of them."""
    conditions, values = scope.where()
    found = []
    for job in scope.jobs:
        count, lowest, highest = connection.execute(
            "SELECT count(*), min(id), max(id) FROM log WHERE job = ? AND job_line > ? AND job_line <= ?"
            + conditions,
            (job, before[job], after[job], *values),
        ).fetchone()
        if count:
            found.append(Lost(job, count, lowest, highest))
    return found


def id_at(connection: Connection, job: int, job_line: int) -> int:
    """Return the id of the newest entry of a job up to a `job_line`; 0 when there is none."""
    row = connection.execute(
        "SELECT id FROM log WHERE job = ? AND job_line <= ? ORDER BY job_line DESC LIMIT 1", (job, job_line)
    ).fetchone()
    return int(row[0]) if row else 0
