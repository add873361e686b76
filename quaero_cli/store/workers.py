"""Workers in one transaction: what happened to each is put together first, and written as one row.

A page of a crawl is made, started and ended within moments, so most of its worker's changes come in one batch. A
final status is written once, never left.
"""

from collections import Counter

from quaero_cli.model import Status, WorkerChanged
from quaero_cli.store.encode import clean_text, encode_json
from quaero_cli.store.engine import Connection
from quaero_cli.store.many import ManyRows

# Column of `step` that counts workers in a state; an interrupted or skipped worker did not finish its work.
_COLUMN = {
    Status.PENDING: "workers_pending",
    Status.RUNNING: "workers_running",
    Status.COMPLETED: "workers_completed",
    Status.WARNING: "workers_completed",
    Status.FAILED: "workers_failed",
    Status.CANCELLED: "workers_cancelled",
    Status.SKIPPED: "workers_cancelled",
    Status.INTERRUPTED: "workers_cancelled",
}

# A crawl asks for these tens of thousands of times a second: properties of an enumeration's members take too long.
_FINAL = frozenset(status for status in Status if status.final)
_STATUS = {status.value: status for status in Status}
_TEXT = {status: status.value for status in Status}

# No value is None, as with the log's rows.
_WRITE = ManyRows(
    "INSERT INTO worker (step, number, status, label, item, attempt, outputs, error, started_at, finished_at) VALUES",
    10,
    "ON CONFLICT (step, number) DO UPDATE SET status = excluded.status, error = excluded.error,"
    " attempt = max(attempt, excluded.attempt), outputs = excluded.outputs,"
    " started_at = coalesce(started_at, excluded.started_at),"
    " finished_at = coalesce(excluded.finished_at, finished_at)",
    row="(?,?,?,?,nullif(?,''),?,nullif(?,''),nullif(?,''),nullif(?,0),nullif(?,0))",
)


class WorkerChanges:
    """Gathers changes; `write` brings them into the tables."""

    def __init__(self) -> None:
        self._steps: dict[int, dict[int, list[WorkerChanged]]] = {}

    def add(self, step: int, fact: WorkerChanged) -> None:
        """Take a change; `step` is its step's key."""
        self._steps.setdefault(step, {}).setdefault(fact.number, []).append(fact)

    def write(self, connection: Connection) -> None:
        """Make or change the workers, and keep the steps' counts of them."""
        for step, changes in self._steps.items():
            known = _known(connection, step, list(changes))
            counts: Counter[str] = Counter()
            values: list[object] = []
            for number, facts in changes.items():
                before = known.get(number)
                if before in _FINAL:
                    continue
                status, row = _after(step, number, before, facts)
                if before is not None:
                    counts[_COLUMN[before]] -= 1
                counts[_COLUMN[status]] += 1
                values += row
            _WRITE.write(connection, values)
            changed = [(column, count) for column, count in counts.items() if count]
            if changed:
                sums = ", ".join(f"{column} = {column} + ?" for column, _ in changed)
                connection.execute(f"UPDATE step SET {sums} WHERE key = ?", (*(n for _, n in changed), step))
        self._steps.clear()


def _known(connection: Connection, step: int, numbers: list[int]) -> dict[int, Status]:
    """The states of those that are there."""
    rows = connection.execute(
        "SELECT number, status FROM worker WHERE step = ? AND number IN (SELECT value FROM json_each(?))",
        (step, encode_json(numbers)),
    )
    return {number: _STATUS[status] for number, status in rows}


def _after(
    step: int, number: int, before: Status | None, facts: list[WorkerChanged]
) -> tuple[Status, tuple[object, ...]]:
    """A worker's status after its changes, and its row; the first one about a new worker makes it, as it says."""
    first = facts[0]
    status, attempt, outputs, error, started_at, finished_at = before or first.status, 1, None, None, None, None
    for fact in facts if before is not None else facts[1:]:
        if status in _FINAL:
            break
        status, outputs, error = fact.status, fact.outputs, fact.error
        attempt = max(attempt, fact.attempt)
        if status in _FINAL:
            finished_at = fact.time_us
        elif started_at is None:
            started_at = fact.time_us
    return status, (
        step, number, _TEXT[status], clean_text(first.label),
        "" if first.item is None else encode_json(first.item), attempt,
        "" if outputs is None else encode_json(dict(outputs)), clean_text(error) if error else "", started_at or 0,
        finished_at or 0,
    )  # fmt: skip
