"""Looking after the file: what is in it, a copy of it, whether it is sound. Everything here reads one snapshot.

In WAL mode a reader holds up no writer, however long it reads; the write-ahead log grows meanwhile. So all of this
may run beside jobs.
"""

import os
import secrets
from contextlib import closing
from pathlib import Path
from typing import TypedDict

from quaero_cli.errors import UsageError
from quaero_cli.store.deletion import free_pages
from quaero_cli.store.engine import Connection, connect, engine_version, snapshot, transaction, translated
from quaero_cli.store.queue import interrupt_all
from quaero_cli.store.schema import missing_tables, new_epoch

_SHOWN_PROBLEMS = 20


class StoreInfo(TypedDict):
    """What `quaero db info` tells. Sizes are bytes; `free_bytes`: in the file, and not in use."""

    path: str
    bytes: int
    wal_bytes: int
    free_bytes: int
    engine: str
    schema: int
    epoch: str
    jobs: int
    jobs_open: int
    entries: int
    service_entries: int
    documents: int
    unfinished_deletions: int


def info(path: Path) -> StoreInfo:
    """Return facts about the store. Raises StoreError."""
    wal = path.with_name(path.name + "-wal")
    with closing(connect(path, readonly=True)) as connection, translated(path), snapshot(connection):

        def one(sql: str) -> int:
            return int(connection.execute(sql).fetchone()[0])

        return StoreInfo(
            path=str(path),
            bytes=path.stat().st_size,
            wal_bytes=wal.stat().st_size if wal.exists() else 0,
            free_bytes=free_pages(connection) * one("PRAGMA page_size"),
            engine=".".join(map(str, engine_version())),
            schema=one("PRAGMA user_version"),
            epoch=str(connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]),
            jobs=one("SELECT count(*) FROM job"),
            jobs_open=one("SELECT count(*) FROM job WHERE status IN ('pending', 'running')"),
            entries=one("SELECT coalesce(sum(entries), 0) FROM job"),
            service_entries=one("SELECT value FROM meta WHERE key = 'service_entries'"),
            documents=one("SELECT count(*) FROM document"),
            unfinished_deletions=one("SELECT count(*) FROM trash"),
        )


def backup(path: Path, target: Path) -> int:
    """Copy the store as it is at this moment to a file that must not be there yet; return its size.

    Jobs that run are interrupted in the copy. It is another store: cursors of the original are not its own.

    The copy has that name only once it is whole. Raises UsageError when the file is there, StoreError.
    """
    if target.exists():
        raise UsageError(f"{target}: is there already", hint="a backup overwrites nothing: give another name")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with closing(connect(path, readonly=True)) as source, closing(connect(part)) as copy, translated(part):
            source.backup(copy)  # in one step: one that is made in several begins anew after each commit
        interrupt_all(part)  # else whoever opens the copy takes their processes for orphans
        _renew_epoch(part)  # a reader of the original knows ids that the copy will give to other entries
        with translated(target):
            _sync(part)
            os.link(part, target)  # unlike a rename it fails when somebody else was first
        return target.stat().st_size
    finally:
        for rest in (part, *(part.with_name(part.name + end) for end in ("-wal", "-shm", "-journal"))):
            rest.unlink(missing_ok=True)


def _renew_epoch(path: Path) -> None:
    with closing(connect(path)) as connection, translated(path), transaction(connection):
        connection.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", (new_epoch(),))


def _sync(file: Path) -> None:
    for place, flags in ((file, os.O_RDONLY), (file.parent, os.O_RDONLY | os.O_DIRECTORY)):
        descriptor = os.open(place, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# Each query returns a line for each place where the store is not as it must be; what deleted jobs left is no problem.
_RULES = (
    "SELECT 'job ' || job.id || ': ' || job.entries || ' entries are counted, and ' || count(log.id) || ' are stored'"
    " FROM job LEFT JOIN log ON log.job = job.key GROUP BY job.key HAVING job.entries <> count(log.id)",
    "SELECT 'job ' || job.id || ': its entries are numbered ' || min(job_line) || ' to ' || max(job_line)"
    " FROM log JOIN job ON job.key = log.job GROUP BY job.key"
    " HAVING min(job_line) <> 1 OR max(job_line) <> count(*)",
    "SELECT 'job ' || job.id || coalesce(', step ' || step.name, '') || ': the numbers of its entries have holes'"
    " FROM log JOIN job ON job.key = log.job LEFT JOIN step ON step.key = log.step GROUP BY log.job, log.step"
    " HAVING min(line_number) <> 1 OR max(line_number) <> count(*) OR count(DISTINCT line_number) <> count(*)",
    "WITH real AS (SELECT job, coalesce(step, 0) AS step, level, count(*) AS count FROM log"
    " WHERE job NOT IN (SELECT job FROM trash) GROUP BY 1, 2, 3),"
    " kept AS (SELECT job, step, level, count FROM log_count"
    " WHERE count <> 0 AND job NOT IN (SELECT job FROM trash)),"
    " wrong AS (SELECT * FROM (SELECT * FROM real EXCEPT SELECT * FROM kept)"
    " UNION SELECT * FROM (SELECT * FROM kept EXCEPT SELECT * FROM real))"
    " SELECT DISTINCT coalesce('job ' || job.id, 'the service log') || ': its counts by level are wrong'"
    " FROM wrong LEFT JOIN job ON job.key = wrong.job",
    "SELECT 'entry ' || max(id) || ' has an id that will be given again' FROM log"
    " HAVING max(id) >= (SELECT value FROM meta WHERE key = 'next_id')",
    "SELECT 'job ' || job.id || ', step ' || step.name || ': its workers are miscounted' FROM step"
    " JOIN job ON job.key = step.job LEFT JOIN worker ON worker.step = step.key GROUP BY step.key"
    " HAVING count(worker.step) <> workers_pending + workers_running + workers_completed + workers_failed"
    " + workers_cancelled",
)  # fmt: skip


def check(path: Path) -> list[str]:
    """Return what is wrong with the store, a line each; nothing when it is sound. Reads all of it."""
    with closing(connect(path, readonly=True)) as connection, translated(path), snapshot(connection):
        found = connection.execute(f"PRAGMA integrity_check({_SHOWN_PROBLEMS})").fetchall()
        problems = [str(row[0]) for row in found if row[0] != "ok"]
        if problems:
            return problems  # counting in a damaged file says nothing
        problems += [f"there is no table {name}" for name in missing_tables(connection)]
        if problems:
            return problems
        problems += _orphans(connection)
        for rule in _RULES:
            problems += [str(row[0]) for row in connection.execute(rule).fetchmany(_SHOWN_PROBLEMS)]
    return problems


def _orphans(connection: Connection) -> list[str]:
    """Rows whose owner is gone; those of deleted jobs will be cleared away."""
    trash = {row[0] for row in connection.execute("SELECT job FROM trash")}
    steps = {key for key, job in connection.execute("SELECT key, job FROM step") if job in trash}
    problems = []
    for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchall():
        if rowid is not None and table == "step" and rowid in steps:
            continue
        problems.append(f"a row of {table} belongs to a {parent} that is not there")
    return problems[:_SHOWN_PROBLEMS]


def compact_log(path: Path) -> bool:
    """Take the write-ahead log into the file and empty it; False: somebody reads from it, and it stays."""
    with closing(connect(path)) as connection, translated(path):
        # Waits for readers no longer than a writer may be held up meanwhile.
        connection.execute("PRAGMA busy_timeout=50")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
