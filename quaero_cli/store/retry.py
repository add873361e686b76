"""What a retry needs of the job that it repeats: how it was made, how its steps ended, and a copy of what is kept."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quaero_cli.errors import NotFoundError
from quaero_cli.model import KeptItem, KeptStep, Status
from quaero_cli.store.encode import decode_json
from quaero_cli.store.engine import Connection, connect, snapshot, translated
from quaero_cli.store.rows import status_of

_COPIED = (
    "status", "attempt", "progress", "progress_text", "started_at", "finished_at", "outputs", "workers_pending",
    "workers_running", "workers_completed", "workers_failed", "workers_cancelled",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """A job as its retry sees it. Parameters and outputs as they are stored: secrets masked."""

    id: str
    status: Status
    queue: str | None  # of a cluster, whose workers ran it; None: it ran where it was made
    definition_text: str
    definition_path: str
    parameters: Mapping[str, Any]
    steps: Mapping[str, str]  # name -> status
    outputs: Mapping[str, Mapping[str, Any]]
    items: Sequence[KeptItem]  # completed workers of fan-outs

    def kept_steps(self, names: Sequence[str]) -> tuple[KeptStep, ...]:
        """Return these steps with their outputs."""
        return tuple(KeptStep(name, self.outputs[name]) for name in names)

    def kept_items(self, without: Sequence[str]) -> tuple[KeptItem, ...]:
        """Return the items of all steps but those that are kept as a whole."""
        return tuple(item for item in self.items if item.step not in without)


def read_origin(path: Path, job_id: str) -> Origin:
    """Return a job for its retry. Raises NotFoundError."""
    with closing(connect(path, readonly=True)) as connection, translated(path), snapshot(connection):
        job = connection.execute(
            "SELECT key, status, definition_text, definition_path, parameters, iif(elsewhere, queue, NULL)"
            " FROM job WHERE id = ?",
            (job_id,),
        ).fetchone()
        if job is None:
            raise NotFoundError(f"no job {job_id}", hint="list the jobs with: quaero jobs")
        steps = connection.execute("SELECT name, status, outputs FROM step WHERE job = ?", (job[0],)).fetchall()
        workers = connection.execute(
            "SELECT step.name, worker.item, worker.outputs FROM worker JOIN step ON step.key = worker.step"
            " WHERE step.job = ? AND worker.item IS NOT NULL AND worker.status = 'completed'"
            " ORDER BY step.key, number",
            (job[0],),
        ).fetchall()
    return Origin(
        job_id, status_of(job[1]), job[5], job[2], job[3], decode_json(job[4]),
        {name: status for name, status, _ in steps},
        {name: decode_json(outputs) for name, _, outputs in steps},
        [KeptItem(step, decode_json(item), decode_json(outputs or "{}")) for step, item, outputs in workers],
    )  # fmt: skip


def copy_steps(connection: Connection, source: str, target: str, steps: Sequence[str]) -> None:
    """Make steps of `target` what they are in `source`, with their workers; inside the caller's transaction.

    Raises NotFoundError when the source is gone.
    """
    if connection.execute("SELECT 1 FROM job WHERE id = ?", (source,)).fetchone() is None:
        raise NotFoundError(f"no job {source}", hint="it was deleted in the meantime")
    find = "SELECT step.key FROM step JOIN job ON job.key = step.job WHERE job.id = ? AND step.name = ?"
    for name in steps:
        (old,), (new,) = (connection.execute(find, (job, name)).fetchone() for job in (source, target))
        connection.execute(
            f"UPDATE step SET ({', '.join(_COPIED)}) = (SELECT {', '.join(_COPIED)} FROM step WHERE key = ?)"
            " WHERE key = ?",
            (old, new),
        )
        connection.execute(
            "INSERT INTO worker (step, number, status, label, item, attempt, outputs, error, started_at, finished_at)"
            " SELECT ?, number, status, label, item, attempt, outputs, error, started_at, finished_at"
            " FROM worker WHERE step = ?",
            (new, old),
        )
