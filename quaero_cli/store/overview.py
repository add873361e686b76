"""Looking over a whole job: where its warnings and errors lie, which errors there are, where a text occurs.

Every one of these may read each row of a job (0.4 us each): run them in a thread. Answers are bounded all the same.
"""

import re
from typing import TypedDict

from quaero_cli.errors import NotFoundError
from quaero_cli.model import Entry, Level
from quaero_cli.store.engine import Connection
from quaero_cli.store.entries import COLUMNS, last_line
from quaero_cli.store.rows import EntryMaker
from quaero_cli.store.scope import Scope

# Errors that are looked at to find groups; a job with more has one cause, not ten thousand.
MOST_ERRORS = 10_000
# What differs between two errors of one kind: numbers, hexadecimal ids, quoted texts, addresses.
_VARYING = re.compile(r"https?://\S+|'[^']*'|\"[^\"]*\"|\b[0-9a-f]{8,}\b|\d+")


class LogMap(TypedDict):
    """A job's log in equal parts: warnings and errors of each. `lines` entries, the last numbered `lines`."""

    lines: int
    warnings: list[int]
    errors: list[int]


class Hits(TypedDict):
    """Where a text occurs. `hits` are [id, job_line], oldest first; `complete`: there are no more."""

    count: int
    complete: bool
    hits: list[list[int]]


class ErrorGroup(TypedDict):
    """Errors that differ in numbers and names alone."""

    message: str  # that of the first
    count: int
    steps: list[str]
    first: Entry


class ErrorGroups(TypedDict):
    """A job's errors by kind, in the order in which each came first."""

    groups: list[ErrorGroup]
    complete: bool


class LinePlace(TypedDict):
    """Where a line of a job is: `id` is the entry's cursor."""

    job_line: int
    id: int


def log_map(connection: Connection, job: int, parts: int) -> LogMap:
    """Return the warnings and errors in each of `parts` equal parts of a job's log."""
    lines = last_line(connection, job)
    found = LogMap(lines=lines, warnings=[0] * parts, errors=[0] * parts)
    if lines:
        rows = connection.execute(
            "SELECT (job_line - 1) * ? / ?, level >= ?, count(*) FROM log WHERE job = ? AND level >= ? GROUP BY 1, 2",
            (parts, lines, int(Level.ERROR), job, int(Level.WARN)),
        )
        for part, is_error, count in rows:
            found["errors" if is_error else "warnings"][min(part, parts - 1)] = count
    return found


def find_line(connection: Connection, job: int, line: int) -> LinePlace:
    """Return the entry that is line `line` of a job, or the next one that is left. Raises NotFoundError."""
    row = connection.execute(
        "SELECT job_line, id FROM log WHERE job = ? AND job_line >= ? ORDER BY job_line LIMIT 1", (job, line)
    ).fetchone()
    if row is None:
        raise NotFoundError(f"no line {line}", hint=f"the job has {last_line(connection, job)} lines")
    return LinePlace(job_line=row[0], id=row[1])


def find_hits(connection: Connection, scope: Scope, limit: int) -> Hits:
    """Return the first `limit` entries of one job that a scope lets through."""
    conditions, values = scope.where()
    rows = connection.execute(
        f"SELECT id, job_line FROM log WHERE job = ?{conditions} ORDER BY job_line LIMIT ?",
        (scope.jobs[0], *values, limit + 1),
    ).fetchall()
    hits = [list(row) for row in rows[:limit]]
    return Hits(count=len(hits), complete=len(rows) <= limit, hits=hits)


def error_groups(connection: Connection, make: EntryMaker, job: int, limit: int) -> ErrorGroups:
    """Return the first `limit` kinds of errors of a job."""
    # The literal lets the planner use the index that holds errors alone.
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM log WHERE job = ? AND level >= 40 ORDER BY id LIMIT ?", (job, MOST_ERRORS + 1)
    )
    groups: dict[str, ErrorGroup] = {}
    seen = 0
    for row in rows:
        seen += 1
        if seen > MOST_ERRORS:
            break
        kind = _VARYING.sub("#", row[9])
        group = groups.get(kind)
        if group is None:
            if len(groups) >= limit:
                continue
            entry = make.entries([row])[0]
            group = groups[kind] = ErrorGroup(message=entry["message"], count=0, steps=[], first=entry)
        group["count"] += 1
        step = make.step_name(row[3])
        if step is not None and step not in group["steps"]:
            group["steps"].append(step)
    return ErrorGroups(groups=list(groups.values()), complete=seen <= MOST_ERRORS and len(groups) < limit)
