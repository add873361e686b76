"""Reading jobs: lists, states, one job with everything, and which job a person means."""

from collections.abc import Collection, Sequence
from typing import Any, TypedDict

from quaero_cli.errors import NotFoundError
from quaero_cli.model import (
    ArtifactView,
    ChildView,
    Counts,
    JobSummary,
    Status,
    StatusView,
    StepView,
    WorkerView,
    no_counts,
)
from quaero_cli.model.taking import Needs, why_untaken
from quaero_cli.store.dispatch import LiveOffers
from quaero_cli.store.encode import decode_json, timestamp, timestamp_or_none
from quaero_cli.store.engine import Connection
from quaero_cli.store.rows import JOB_COLUMNS, STEP_COLUMNS, job_progress, job_view, step_view
from quaero_cli.store.scope import count_levels
from quaero_cli.store.turns import open_before


class JobDetails(TypedDict):
    """One job with everything that `show` tells but its entries."""

    job: JobSummary
    steps: list[StepView]
    workers: list[WorkerView]
    parent_step: str | None  # the step of the job's parent that ran it as a sub-job
    children: list[ChildView]  # its own sub-jobs, in the order of their start
    parameters: dict[str, Any]
    outputs: dict[str, Any]  # step -> outputs
    definition_path: str
    definition_hash: str
    documents: int
    artifacts: list[ArtifactView]  # the first 500 files that its steps have left


class LastJob(TypedDict):
    """How one of a definition's jobs went, in a word."""

    id: str
    status: str
    trigger: str
    scheduled_for: str | None
    started_at: str | None
    finished_at: str | None


def find_job(connection: Connection, reference: str) -> str:
    """Return the ID that `reference` means: an ID, `last`, a definition (its newest job), or a unique prefix.

    Raises NotFoundError, with the candidates when a prefix is not unique.
    """
    if reference == "last":
        row = connection.execute("SELECT id FROM job ORDER BY key DESC LIMIT 1").fetchone()
        if row is None:
            raise NotFoundError("no job has run yet", hint="run one with: quaero run DEFINITION")
        return str(row[0])
    row = connection.execute("SELECT id FROM job WHERE id = ?", (reference,)).fetchone()
    if row is None:
        row = connection.execute(
            "SELECT id FROM job WHERE definition = ? ORDER BY key DESC LIMIT 1", (reference,)
        ).fetchone()
    if row is not None:
        return str(row[0])
    matches = connection.execute(
        "SELECT id FROM job WHERE substr(id, 1, ?) = ? AND ? <> '' ORDER BY key DESC LIMIT 6",
        (len(reference), reference, reference),
    ).fetchall()
    if len(matches) == 1:
        return str(matches[0][0])
    if matches:
        raise NotFoundError(
            f"{reference} begins several job IDs", hint="one of: " + ", ".join(match[0] for match in matches)
        )
    raise NotFoundError(f"no job {reference or repr(reference)}", hint="list the jobs with: quaero jobs")


def list_jobs(
    connection: Connection,
    *,
    statuses: Collection[str] = (),
    definition: str | None = None,
    limit: int = 50,
    before: str | None = None,
) -> list[JobSummary]:
    """Return jobs, newest first; `before` is the ID of the job after which the page begins."""
    sql, values = f"SELECT {JOB_COLUMNS} FROM job WHERE 1", list[object]()
    if statuses:
        sql += f" AND status IN ({','.join('?' * len(statuses))})"
        values += statuses
    if definition is not None:
        sql, values = sql + " AND definition = ?", [*values, definition]
    if before is not None:
        sql, values = sql + " AND key < (SELECT key FROM job WHERE id = ?)", [*values, before]
    rows = connection.execute(sql + " ORDER BY key DESC LIMIT ?", (*values, limit)).fetchall()
    offers = LiveOffers(connection)
    return [_summary(connection, row, offers) for row in rows]


def last_jobs(connection: Connection, definition: str, limit: int) -> list[LastJob]:
    """Return the newest jobs of a definition, newest first: one look at an index, no counts."""
    rows = connection.execute(
        "SELECT id, status, trigger, scheduled_for, started_at, finished_at FROM job WHERE definition = ?"
        " ORDER BY key DESC LIMIT ?",
        (definition, limit),
    ).fetchall()
    return [
        LastJob(
            id=id_, status=state, trigger=trigger, scheduled_for=timestamp_or_none(due),
            started_at=timestamp_or_none(started), finished_at=timestamp_or_none(finished),
        )
        for id_, state, trigger, due, started, finished in rows
    ]  # fmt: skip


def status(connection: Connection, job_id: str) -> StatusView:
    """Return the state of a job and its steps. Raises NotFoundError."""
    row = _job_row(connection, job_id)
    steps = _steps(connection, row[0], job_id)
    return StatusView(job=job_view(row, _progress(connection, row, steps)), steps=steps)


def status_if_there(connection: Connection, job_id: str) -> StatusView | None:
    """Return the same, or None for a job that is gone."""
    try:
        return status(connection, job_id)
    except NotFoundError:
        return None


def summary(connection: Connection, job_id: str) -> JobSummary:
    """Return one job as lists show it. Raises NotFoundError."""
    return _summary(connection, _job_row(connection, job_id), LiveOffers(connection))


def counts(connection: Connection, job_id: str) -> Counts:
    """Return a job's entries by level; of a job that is gone, none."""
    rows = connection.execute(
        "SELECT level, sum(count) FROM log_count WHERE job = (SELECT key FROM job WHERE id = ?) GROUP BY level",
        (job_id,),
    )
    return count_levels(rows.fetchall())


def details(connection: Connection, job_id: str, artifacts: list[ArtifactView]) -> JobDetails:
    """Return one job with its steps, workers, parameters and outputs. Raises NotFoundError."""
    row = _job_row(connection, job_id)
    outputs = connection.execute("SELECT name, outputs FROM step WHERE job = ? ORDER BY key", (row[0],))
    documents = connection.execute("SELECT count(*) FROM document WHERE job_id = ?", (job_id,)).fetchone()[0]
    return JobDetails(
        job=_summary(connection, row, LiveOffers(connection)), steps=_steps(connection, row[0], job_id),
        workers=_workers(connection, row[0]), parent_step=row[18], children=_children(connection, job_id),
        parameters=decode_json(row[11]),
        outputs={name: decode_json(value) for name, value in outputs if value != "{}"},
        definition_path=row[12], definition_hash=row[13], documents=documents, artifacts=artifacts,
    )  # fmt: skip


def _children(connection: Connection, job_id: str) -> list[ChildView]:
    rows = connection.execute(
        "SELECT id, parent_step, definition, name, status FROM job WHERE parent = ? ORDER BY key", (job_id,)
    )
    return [
        ChildView(id=id_, step=step, definition=definition, name=name, status=status)
        for id_, step, definition, name, status in rows
    ]


def job_counts(connection: Connection) -> dict[str, int]:
    """Return how many jobs there are by status."""
    return dict(connection.execute("SELECT status, count(*) FROM job GROUP BY status").fetchall())


def _job_row(connection: Connection, job_id: str) -> Sequence[Any]:
    row: Sequence[Any] | None = connection.execute(
        f"SELECT {JOB_COLUMNS} FROM job WHERE id = ?", (job_id,)
    ).fetchone()
    if row is None:
        raise NotFoundError(f"no job {job_id}", hint="list the jobs with: quaero jobs")
    return row


def _steps(connection: Connection, job: int, job_id: str) -> list[StepView]:
    counts: dict[int, Counts] = {}
    for step, level, count in connection.execute("SELECT step, level, count FROM log_count WHERE job = ?", (job,)):
        counts.setdefault(step, no_counts())
        for name, number in count_levels([(level, count)]).items():
            counts[step][name] += number  # type: ignore[literal-required]
    rows = connection.execute(f"SELECT {STEP_COLUMNS} FROM step WHERE job = ? ORDER BY key", (job,)).fetchall()
    return [step_view(row, job_id, counts.get(row[0]) or no_counts()) for row in rows]


def _progress(connection: Connection, row: Sequence[Any], steps: list[StepView]) -> int:
    """A job's progress is that of its steps but for services, which have none."""
    services = {name for (name,) in connection.execute("SELECT name FROM step WHERE job = ? AND service", (row[0],))}
    return job_progress(row[4], [step["progress"] for step in steps if step["name"] not in services])


def _summary(connection: Connection, row: Sequence[Any], offers: LiveOffers) -> JobSummary:
    key, started, finished, trigger, created, entries = row[0], row[6], row[7], row[8], row[9], row[10]
    levels = connection.execute("SELECT level, sum(count) FROM log_count WHERE job = ? GROUP BY level", (key,))
    progress = _progress(connection, row, _steps(connection, key, row[1]))
    return JobSummary(
        **job_view(row, progress), trigger=trigger, parent_id=row[15], retry_of=row[16],
        scheduled_for=timestamp_or_none(row[17]), waiting_for=_waiting_for(connection, row),
        queue=row[19], labels=decode_json(row[21]), node=row[20], attempt=row[14], untaken=_untaken(row, offers),
        created_at=timestamp(created),
        duration_ms=(finished - started) // 1000 if started is not None and finished is not None else None,
        total_count=entries, counts=count_levels(levels.fetchall()),
    )  # fmt: skip


def _waiting_for(connection: Connection, row: Sequence[Any]) -> str | None:
    ahead = open_before(connection, row[0], row[2]) if row[4] == Status.PENDING else ()
    return ahead[0] if ahead else None


def _untaken(row: Sequence[Any], offers: LiveOffers) -> str | None:
    status, queue, node, labels, elsewhere = row[4], row[19], row[20], row[21], row[22]
    if not elsewhere or status != Status.PENDING or queue is None or node is not None:
        return None
    return why_untaken(Needs(queue, decode_json(labels)), offers.all())


def _workers(connection: Connection, job: int) -> list[WorkerView]:
    rows = connection.execute(
        "SELECT step.name, number, worker.status, label, worker.attempt, item, worker.error,"
        " worker.started_at, worker.finished_at"
        " FROM worker JOIN step ON step.key = worker.step WHERE step.job = ? ORDER BY step.key, number",
        (job,),
    ).fetchall()
    return [
        WorkerView(
            name=f"{step}-{number}",
            status=state,
            label=label,
            attempt=attempt,
            item=None if item is None else decode_json(item),
            error=error,
            started_at=timestamp_or_none(started),
            finished_at=timestamp_or_none(finished),
        )
        for step, number, state, label, attempt, item, error, started, finished in rows
    ]
