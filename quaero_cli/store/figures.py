"""Figures of the whole store, for those who watch it from outside. Looks at every job: run it in a thread."""

from dataclasses import dataclass
from typing import NamedTuple

from quaero_cli.model import LEVELS
from quaero_cli.store.engine import Connection


class LastEnd(NamedTuple):
    """When the newest job of a definition that ended so did; UTC microseconds."""

    definition: str
    status: str
    finished_at: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What there is. `entries`: those that are kept, by level; `stored`: all that ever were stored."""

    jobs: dict[str, int]
    entries: dict[str, int]
    stored: int
    documents: int
    last_ends: tuple[LastEnd, ...]


def read_figures(connection: Connection) -> Figures:
    """Return the figures as of one commit; the caller holds the snapshot."""

    def number(sql: str) -> int:
        return int(connection.execute(sql).fetchone()[0])

    kept = dict(connection.execute("SELECT level, sum(count) FROM log_count GROUP BY level").fetchall())
    ends = connection.execute(
        "SELECT definition, status, max(finished_at) FROM job WHERE finished_at IS NOT NULL"
        " GROUP BY definition, status ORDER BY definition, status"
    )
    return Figures(
        jobs=dict(connection.execute("SELECT status, count(*) FROM job GROUP BY status").fetchall()),
        entries={name: int(kept.get(level, 0)) for name, level in LEVELS.items()},
        stored=number("SELECT value FROM meta WHERE key = 'next_id'") - 1,
        documents=number("SELECT count(*) FROM document"),
        last_ends=tuple(LastEnd(*row) for row in ends),
    )
