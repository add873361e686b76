"""Workers in one transaction: what happened to each is put together first, and written as one row.

A page of a crawl is made, started and ended within moments, so most of its worker's changes come in one batch. A
final status is written once, never left.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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

_WRITE = ManyRows(
    "INSERT INTO worker (step, number, status, label, item, attempt, outputs, error, started_at, finished_at) VALUES",
    10,
    "ON CONFLICT (step, number) DO UPDATE SET status = excluded.status, error = excluded.error,"
    " attempt = max(attempt, excluded.attempt), outputs = excluded.outputs,"
    " started_at = coalesce(started_at, excluded.started_at),"
    " finished_at = coalesce(excluded.finished_at, finished_at)",
)


@dataclass(slots=True)
class _Worker:
    """A worker after the changes so far."""

    status: Status
    label: str
    item: object
    attempt: int = 1
    outputs: Mapping[str, Any] | None = None
    error: str | None = None
    started_at: int | None = None
    finished_at: int | None = None

    def change(self, fact: WorkerChanged) -> None:
        """Move on, unless it has ended."""
        if self.status.final:
            return
        self.status, self.error, self.outputs = fact.status, fact.error, fact.outputs
        self.attempt = max(self.attempt, fact.attempt)
        if fact.status.final:
            self.finished_at = fact.time_us
        elif self.started_at is None:
            self.started_at = fact.time_us


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
                if before is not None and before.final:
                    continue
                worker = _after(before, facts)
                if before is not None:
                    counts[_COLUMN[before]] -= 1
                counts[_COLUMN[worker.status]] += 1
                values += _row(step, number, worker)
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
    return {number: Status(status) for number, status in rows}


def _after(before: Status | None, facts: list[WorkerChanged]) -> _Worker:
    """A worker after its changes; the first one about a new worker makes it, as it says."""
    first = facts[0]
    worker = _Worker(first.status if before is None else before, first.label, first.item)
    for fact in facts if before is not None else facts[1:]:
        worker.change(fact)
    return worker


def _row(step: int, number: int, worker: _Worker) -> tuple[object, ...]:
    return (
        step, number, worker.status.value, clean_text(worker.label),
        None if worker.item is None else encode_json(worker.item), worker.attempt,
        None if worker.outputs is None else encode_json(dict(worker.outputs)),
        worker.error and clean_text(worker.error), worker.started_at, worker.finished_at,
    )  # fmt: skip
