"""The table `schedule`: up to which moment the fires of each scheduled definition have been dealt with.

A definition is known here by its file, since two projects may share a data directory. Its row is made when a
scheduler first sees the schedule, so nothing before that was ever missed; another schedule in the file begins anew.
`last_fire` only grows (but for `restart`): so a clock that is put back, a restart and a second scheduler repeat
nothing. Times are UTC microseconds.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from quaero_cli.store.engine import Connection, connect, transaction, translated


def last_fire(path: Path, file: str, definition: str, schedule: str, now: int) -> int:
    """Return the last fire of a definition's file that was dealt with; `now` when this schedule is new.

    `schedule` is what the file says, as text: compared, not read.
    """
    with closing(connect(path, readonly=True)) as connection, translated(path):
        if (known := _known(connection, file, definition, schedule)) is not None:
            return known
    with closing(connect(path)) as connection, translated(path), transaction(connection):
        if (known := _known(connection, file, definition, schedule)) is not None:  # another scheduler was first
            return known
        connection.execute(
            "INSERT OR REPLACE INTO schedule (file, definition, schedule, last_fire) VALUES (?, ?, ?, ?)",
            (file, definition, schedule, now),
        )
        return now


def _known(connection: Connection, file: str, definition: str, schedule: str) -> int | None:
    row = connection.execute(
        "SELECT last_fire FROM schedule WHERE file = ? AND definition = ? AND schedule = ?",
        (file, definition, schedule),
    ).fetchone()
    return None if row is None else int(row[0])


def settle(path: Path, file: str, fire: int) -> bool:
    """Write down that the fires up to `fire` are dealt with; False when another scheduler has done so already."""
    with closing(connect(path)) as connection, translated(path), transaction(connection):
        cursor = connection.execute(
            "UPDATE schedule SET last_fire = ? WHERE file = ? AND last_fire < ?", (fire, file, fire)
        )
        return cursor.rowcount == 1


def restart(path: Path, file: str, now: int) -> bool:
    """Begin anew at `now`: the clock was wrong when the last fire was written. False when there is no such row."""
    with closing(connect(path)) as connection, translated(path), transaction(connection):
        cursor = connection.execute(
            "UPDATE schedule SET last_fire = ? WHERE file = ? AND last_fire > ?", (now, file, now)
        )
        return cursor.rowcount == 1


def forget(path: Path, files: Sequence[str]) -> None:
    """Forget the fires of files whose definition is disabled or has no schedule: none of them is missed meanwhile."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        known = {row[0] for row in connection.execute("SELECT file FROM schedule")}
    gone = [file for file in files if file in known]
    if gone:
        with closing(connect(path)) as connection, translated(path), transaction(connection):
            connection.executemany("DELETE FROM schedule WHERE file = ?", [(file,) for file in gone])


def is_open(path: Path, definition: str) -> bool:
    """Whether a job of the definition is pending or running."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        row = connection.execute(
            "SELECT 1 FROM job WHERE definition = ? AND status IN ('pending', 'running') LIMIT 1", (definition,)
        ).fetchone()
        return row is not None
