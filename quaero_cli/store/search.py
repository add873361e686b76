"""Looking for a text in the entries of all jobs, the newest first.

A scan, not an index: it reads 100,000 rows in 10 ms and costs the writer nothing, while a full-text index of a
million entries would slow every insert by a third to answer a question that is rarely asked (and a trigram index,
which alone finds any text, tenfold). The scan goes backwards in short ranges of ids, each a read of its own, so it
ends early when enough was found, and never keeps SQLite from reusing its write-ahead log. Where only a few entries
belong to the jobs that are asked for, their own index is quicker, row by row five times dearer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from quaero_cli.errors import FilterError, NotFoundError
from quaero_cli.model import Entry, Level
from quaero_cli.store.engine import Connection, snapshot
from quaero_cli.store.entries import COLUMNS, PAGE_BYTES, Row, head, size_of
from quaero_cli.store.rows import EntryMaker
from quaero_cli.store.scope import contains

# Ids in one read: 20 ms.
RANGE = 200_000
# A job's index is read when the jobs asked for have less than this share of all entries.
_FEW = 0.15

# Keys in `log` of entries that belong to no job: the service's, and what is left of deleted ones.
_NO_JOB = "SELECT 0 UNION ALL SELECT job FROM trash"


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, and where. Empty tuples and None: everywhere."""

    text: str
    level: Level = Level.INFO
    jobs: tuple[str, ...] = ()
    definition: str | None = None
    steps: tuple[str, ...] = ()  # names, or IDs (JOB.STEP)
    since: int | None = None  # only entries with a larger id
    since_us: int | None = None  # only entries that are not older
    before: int | None = None  # only entries with a smaller id


def search(connection: Connection, make: EntryMaker, wanted: Search, limit: int) -> tuple[list[Entry], bool]:
    """Return the newest `limit` entries with the text, oldest first, and whether older ones have it.

    Fewer where they would have more than PAGE_BYTES. May look at every entry of the store: run it in a thread.
    Raises NotFoundError for an unknown job, FilterError for a step that none of the jobs has.
    """
    jobs = _job_keys(connection, wanted)
    conditions, values = _where(connection, wanted, jobs)
    found: list[Row] = []
    size = 0
    for rows in _read(connection, wanted, jobs, (conditions, values), limit + 1):
        for row in rows:
            if len(found) == limit or size >= PAGE_BYTES:
                return _entries(connection, make, found), True
            found.append(row)
            size += size_of(row)
    return _entries(connection, make, found), False


def _read(
    connection: Connection, wanted: Search, jobs: list[int] | None, where: tuple[str, list[Any]], limit: int
) -> Iterator[Sequence[Row]]:
    """Yield matching rows, the newest first."""
    newest = head(connection) if wanted.before is None else min(head(connection), wanted.before - 1)
    if jobs is not None and _entries_of(connection, jobs) < newest * _FEW:
        yield _of_jobs(connection, jobs, where, newest, limit)
        return
    conditions, values = where
    if jobs is not None:  # the plus keeps SQLite from their index, which would make it sort
        conditions += f" AND +job IN ({','.join(map(str, jobs))})"
    while newest > (wanted.since or 0):
        lowest = max(newest - RANGE, wanted.since or 0)
        yield connection.execute(
            f"SELECT {COLUMNS} FROM log WHERE id > ? AND id <= ? AND +job NOT IN ({_NO_JOB}){conditions}"
            " ORDER BY id DESC LIMIT ?",
            (lowest, newest, *values, limit),
        ).fetchall()
        newest = lowest


def _of_jobs(
    connection: Connection, jobs: list[int], where: tuple[str, list[Any]], newest: int, limit: int
) -> list[Row]:
    conditions, values = where
    rows: list[Row] = []
    for job in jobs:
        rows += connection.execute(
            f"SELECT {COLUMNS} FROM log WHERE job = ? AND id <= ?{conditions} ORDER BY job_line DESC LIMIT ?",
            (job, newest, *values, limit),
        )
    rows.sort(reverse=True)
    return rows


def _where(connection: Connection, wanted: Search, jobs: list[int] | None) -> tuple[str, list[Any]]:
    """Return the conditions on a row but for its job (each begins with ` AND `) and their values."""
    sql, values = "", list[Any]()
    if wanted.level > Level.DEBUG:
        sql, values = sql + " AND level >= ?", [*values, int(wanted.level)]
    if wanted.since is not None:
        sql, values = sql + " AND id > ?", [*values, wanted.since]
    if wanted.since_us is not None:
        sql, values = sql + " AND time >= ?", [*values, wanted.since_us]
    if wanted.steps:
        sql += f" AND step IN ({','.join(map(str, _step_keys(connection, wanted.steps, jobs)))})"
    condition, value = contains(wanted.text)
    return sql + condition, [*values, value]


def _job_keys(connection: Connection, wanted: Search) -> list[int] | None:
    if not wanted.jobs and wanted.definition is None:
        return None
    sql, values = "SELECT key, id FROM job WHERE 1", list[str]()
    if wanted.jobs:
        sql, values = sql + f" AND id IN ({','.join('?' * len(wanted.jobs))})", [*wanted.jobs]
    rows = connection.execute(sql, values).fetchall()
    known = {row[1] for row in rows}
    for job in wanted.jobs:
        if job not in known:
            raise NotFoundError(f"no job {job}", hint="list the jobs with: quaero jobs")
    if wanted.definition is not None:
        of = connection.execute("SELECT key FROM job WHERE definition = ?", (wanted.definition,)).fetchall()
        rows = [row for row in rows if (row[0],) in set(of)]
    return [row[0] for row in rows]


def _step_keys(connection: Connection, names: Sequence[str], jobs: list[int] | None) -> list[int]:
    among = "" if jobs is None else f" AND step.job IN ({','.join(map(str, jobs))})"
    keys: list[int] = []
    for name in names:
        found = connection.execute(
            "SELECT step.key FROM step JOIN job ON job.key = step.job"
            f" WHERE (step.name = ? OR job.id || '.' || step.name = ?){among}",
            (name, name),
        ).fetchall()
        if not found:
            raise FilterError("step", f"no step {name}", "the name or the ID of a step of these jobs")
        keys += [row[0] for row in found]
    return keys


def _entries_of(connection: Connection, jobs: list[int]) -> int:
    sql = f"SELECT sum(entries) FROM job WHERE key IN ({','.join(map(str, jobs))})"
    return int(connection.execute(sql).fetchone()[0] or 0)


def _entries(connection: Connection, make: EntryMaker, rows: list[Row]) -> list[Entry]:
    """Return the entries, oldest first, of the jobs that are still there."""
    with snapshot(connection):
        keys = {row[1] for row in rows}
        there = {key for key in keys if connection.execute("SELECT 1 FROM job WHERE key = ?", (key,)).fetchone()}
        return make.entries([row for row in reversed(rows) if row[1] in there])
