"""Forgetting what crawls know of pages: what no crawl has used for long. A page forgotten is fetched as a new one."""

from contextlib import closing
from pathlib import Path

from quaero_cli.store.engine import Connection, connect, transaction, translated

_ROWS = 500  # in one transaction; some milliseconds


def forget_memos(path: Path, before: int) -> int:
    """Forget what was last used before `before` (UTC microseconds), in short batches; return how much it was."""
    forgotten = 0
    with closing(connect(path)) as connection, translated(path):
        while True:
            with transaction(connection):
                gone = drop_memos(connection, before, _ROWS)
            forgotten += gone
            if gone < _ROWS:
                return forgotten


def count_memos(path: Path, before: int) -> int:
    """Return how much `forget_memos` would forget."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        return int(connection.execute("SELECT count(*) FROM page WHERE fetched_at < ?", (before,)).fetchone()[0])


def drop_memos(connection: Connection, before: int, rows: int) -> int:
    """Forget so many at most, the oldest first, inside the caller's transaction; return how many."""
    return int(
        connection.execute(
            "DELETE FROM page WHERE id IN (SELECT id FROM page WHERE fetched_at < ? ORDER BY fetched_at LIMIT ?)",
            (before, rows),
        ).rowcount
    )
