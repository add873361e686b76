"""A new job's rows, inside the caller's transaction."""

from quaero_cli.model import JobClaimed, NewJob, Status
from quaero_cli.store.encode import encode_json
from quaero_cli.store.engine import Connection
from quaero_cli.store.retry import copy_steps

_COLUMNS = (
    "id", "definition", "name", "trigger", "status", "created_at", "definition_text", "definition_hash",
    "definition_path", "parameters", "secrets", "retry_of", "resumes", "parent", "parent_step", "scheduled_for",
    "elsewhere", "queue", "labels",
)  # fmt: skip
_INSERT = f"INSERT INTO job ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


def is_known(connection: Connection, job: str) -> bool:
    """Return whether there is a job of this ID."""
    return connection.execute("SELECT 1 FROM job WHERE id = ?", (job,)).fetchone() is not None


def insert_job(
    connection: Connection,
    job: NewJob,
    now: int,
    *,
    elsewhere: bool = False,
    queue: str | None = None,
    travelled: bool = False,
) -> None:
    """Write a job as pending, with its steps.

    Steps that it takes over from the job that it repeats are copied from there; where that job is not known, because
    this one has `travelled`, they are what `kept` says. Raises NotFoundError when that job is gone.
    """
    cursor = connection.execute(
        _INSERT,
        (
            job.id, job.definition, job.name, job.trigger, Status.PENDING, now, job.definition_text,
            job.definition_hash, job.definition_path, encode_json(dict(job.parameters)), encode_json(job.secrets),
            job.retry_of, job.resumes, job.parent, job.parent_step, job.scheduled_for, elsewhere, queue,
            encode_json(dict(job.labels)),
        ),
    )  # fmt: skip
    key = cursor.lastrowid
    connection.executemany(
        "INSERT INTO step (job, name, type, depends, service, status) VALUES (?,?,?,?,?,?)",
        [(key, step.name, step.type, encode_json(step.depends), step.service, Status.PENDING) for step in job.steps],
    )
    if job.retry_of is None or job.kept is None:
        return
    if is_known(connection, job.retry_of) or not travelled:
        copy_steps(connection, job.retry_of, job.id, [step.name for step in job.kept.steps])
        return
    connection.executemany(
        f"UPDATE step SET status = '{Status.COMPLETED}', progress = 100, outputs = ? WHERE job = ? AND name = ?",
        [(encode_json(dict(step.outputs)), key, step.name) for step in job.kept.steps],
    )


def claim_elsewhere(connection: Connection, key: int, fact: JobClaimed, origin: str) -> None:
    """Give an open job to a newer attempt; only what `origin` says of its states counts from here on.

    What an earlier attempt had come to is begun anew: its machine is lost, with the files of its steps. Its entries
    stay. An older attempt than the one that holds the job changes nothing, nor does one that comes after its end.
    Of two with the same number (the engine forgot that the job was claimed) the later one counts.
    """
    row = connection.execute(
        "SELECT attempt FROM job WHERE key = ? AND status IN ('pending', 'running')"
        " AND (attempt < ? OR (attempt = ? AND started_at < ? AND origin IS NOT ?))",
        (key, fact.attempt, fact.attempt, fact.time_us, origin),
    ).fetchone()
    if row is None:
        return
    connection.execute(
        "UPDATE job SET status = ?, attempt = ?, started_at = ?, node = ?, origin = ? WHERE key = ?",
        (Status.RUNNING, fact.attempt, fact.time_us, fact.node, origin, key),
    )
    if row[0] > 0:
        _begin_anew(connection, key)


def _begin_anew(connection: Connection, key: int) -> None:
    steps = "step IN (SELECT key FROM step WHERE job = ?)"
    for table in ("worker", "frontier"):
        connection.execute(f"DELETE FROM {table} WHERE {steps}", (key,))
    connection.execute(
        "UPDATE step SET status = 'pending', attempt = 1, error = NULL, progress = 0, progress_text = '',"
        " started_at = NULL, finished_at = NULL, outputs = '{}', workers_pending = 0, workers_running = 0,"
        " workers_completed = 0, workers_failed = 0, workers_cancelled = 0 WHERE job = ?",
        (key,),
    )
