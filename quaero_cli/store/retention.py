"""Which jobs retention takes: a pure decision over the jobs that there are, and how large the store is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from quaero_cli.store.deletion import free_pages
from quaero_cli.store.engine import Connection, connect, snapshot, translated


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that has ended and may go. `finished_at`: UTC microseconds; `bytes`: about what its entries take."""

    id: str
    definition: str
    status: str
    finished_at: int
    entries: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may stay. None: no bound. `keep`: each definition's newest jobs, which stay in any case."""

    older_than: float | None = None  # seconds since the end
    keep: int | None = None
    max_size: int | None = None  # bytes of the store


@dataclass(frozen=True, slots=True)
class Taken:
    """`always`: too old, or too many. `while_too_large`: after these, the oldest first, until the store is small."""

    always: tuple[Ended, ...]
    while_too_large: tuple[Ended, ...]


def choose(jobs: Sequence[tuple[Ended | None, str]], bounds: Bounds, now: int) -> Taken:
    """Return what goes. `jobs`: all of them, the newest first, with their definition; None for one that is open."""
    seen: Counter[str] = Counter()
    free: list[Ended] = []
    for job, definition in jobs:
        seen[definition] += 1
        if job is not None and (bounds.keep is None or seen[definition] > bounds.keep):
            free.append(job)
    free.reverse()
    if bounds.older_than is not None:
        always = [job for job in free if now - job.finished_at > bounds.older_than * 1_000_000]
    else:
        always = free if bounds.keep is not None and bounds.max_size is None else []
    gone = {job.id for job in always}
    rest = [job for job in free if job.id not in gone] if bounds.max_size is not None else []
    return Taken(tuple(always), tuple(rest))


def within(rest: Iterable[Ended], size: int, max_size: int) -> list[Ended]:
    """Return which of `rest` go, as far as it can be known beforehand, until `size` is within the bound."""
    chosen = []
    for job in rest:
        if size <= max_size:
            break
        chosen.append(job)
        size -= job.bytes
    return chosen


def list_ended(path: Path) -> list[tuple[Ended | None, str]]:
    """Return the jobs as `choose` wants them."""
    with closing(connect(path, readonly=True)) as connection, translated(path), snapshot(connection):
        total = connection.execute("SELECT coalesce(sum(entries), 0) FROM job").fetchone()[0]
        share = _used(connection) / max(1, total)
        rows = connection.execute(
            "SELECT id, definition, status, coalesce(finished_at, created_at), entries,"
            " status IN ('pending', 'running') FROM job ORDER BY key DESC"
        ).fetchall()
    return [
        (None if is_open else Ended(id_, definition, status, finished, entries, int(entries * share)), definition)
        for id_, definition, status, finished, entries, is_open in rows
    ]


def used_bytes(path: Path) -> int:
    """Return how much of the database file is in use; what is free is given back, or used again."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        return _used(connection)


def _used(connection: Connection) -> int:
    pages = connection.execute("PRAGMA page_count").fetchone()[0] - free_pages(connection)
    return int(pages * connection.execute("PRAGMA page_size").fetchone()[0])
