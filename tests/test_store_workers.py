"""However a worker's changes are cut into transactions, its row and its step's counts come out the same."""

from contextlib import closing

import pytest
from stores import NOW, Scribe, new_home, start_job

from quaero_cli.model import Status, WorkerChanged
from quaero_cli.store.engine import connect


def change(number, status, at, **more):
    return WorkerChanged("aaaa", "work", number, status, NOW + at, **more)


CHANGES = [
    change(1, Status.PENDING, 1, label="a\0b", item=[1]),
    change(2, Status.PENDING, 2, label="b"),
    change(1, Status.RUNNING, 3),
    change(3, Status.PENDING, 4),
    change(1, Status.RUNNING, 5, attempt=2),
    change(1, Status.FAILED, 6, attempt=2, error="why"),
    change(1, Status.COMPLETED, 7, attempt=3),  # it has ended: too late
    change(2, Status.RUNNING, 8),
    change(4, Status.PENDING, 9),
    change(4, Status.CANCELLED, 10),
    change(2, Status.COMPLETED, 11, outputs={"n": 1}),
    change(3, Status.RUNNING, 12),
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, len(CHANGES)])
def test_batches_of_any_size_lead_to_the_same(tmp_path, size):
    """A page would be shown as running for ever, or be counted twice, depending on how busy the disk is."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    with closing(Scribe(home)) as scribe:
        for start in range(0, len(CHANGES), size):
            scribe.write(CHANGES[start : start + size])
    with closing(connect(home.database, readonly=True)) as connection:
        rows = connection.execute(
            "SELECT number, status, label, item, attempt, outputs, error, started_at - ?, finished_at - ?"
            " FROM worker ORDER BY number",
            (NOW, NOW),
        ).fetchall()
        counts = connection.execute(
            "SELECT workers_pending, workers_running, workers_completed, workers_failed, workers_cancelled FROM step"
        ).fetchone()
    assert [tuple(row) for row in rows] == [
        (1, "failed", "a\\x00b", "[1]", 2, None, "why", 3, 6),
        (2, "completed", "b", None, 1, '{"n":1}', None, 8, 11),
        (3, "running", "", None, 1, None, None, 12, None),
        (4, "cancelled", "", None, 1, None, None, None, 10),
    ]
    assert tuple(counts) == (0, 1, 1, 1, 1)
