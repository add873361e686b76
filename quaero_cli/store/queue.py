"""The queue of jobs: enqueue, claim, cancel, and finding those whose runner died. Kept in the tables of jobs.

Every change is a compare-and-set in one short transaction of its own. The end of a job is not here: it travels
through the writer, after the job's last entry, and holds only for the attempt that claimed the job (`states`).
A submitter takes the job's lock before it enqueues, so an open job with a free lock has lost its runner.
"""

import time
from contextlib import closing
from pathlib import Path

from quaero_cli.errors import ExistsError, NotFoundError, OverlapError, StateError
from quaero_cli.model import JobChanged, Level, LogLine, NewJob, Status, StepChanged
from quaero_cli.model.taking import DEFAULT_QUEUE, Needs
from quaero_cli.store.dispatch import Waiting
from quaero_cli.store.encode import encode_json
from quaero_cli.store.engine import Connection, connect, transaction, translated
from quaero_cli.store.factcodec import pack_job
from quaero_cli.store.insertion import insert_job, is_known
from quaero_cli.store.locks import JobLock, locked_jobs
from quaero_cli.store.rows import status_of
from quaero_cli.store.writer import Writer

_OPEN = "status IN ('pending', 'running')"


def now_us() -> int:
    """Return the time as the store keeps it: UTC, microseconds since 1970."""
    return time.time_ns() // 1000


def enqueue(path: Path, job: NewJob) -> None:
    """Store a job as `pending`, with its steps. The caller holds its lock.

    What its `overlap` says of open jobs of the definition holds in the same transaction: "cancel" asks for all of
    them to be cancelled. "refuse" raises OverlapError, with the running job's ID.
    Raises ExistsError when there is a job of its ID, NotFoundError when the job that it takes steps from is gone.
    """
    with closing(connect(path)) as connection, translated(path), transaction(connection):
        _admit(connection, job)
        insert_job(connection, job, now_us())


class KnownJobs:
    """Which jobs a store has: quick reads, for the event loop. The caller closes it.

    It keeps its connection, which takes longer to open than to ask.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path, readonly=True)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def has(self, job: str) -> bool:
        """Return whether there is a job of this ID. Raises StoreError."""
        with translated(self._path):
            return is_known(self._connection, job)


def enqueue_elsewhere(path: Path, job: NewJob, *, lazy: bool = False) -> Waiting:
    """Store a job that a worker of the cluster's queue is to run; whoever serves this store hands it over.

    Return what is to be handed over. `lazy`: the disk has it only after `make_durable`.

    Raises what `enqueue` raises.
    """
    body, queue = encode_json(pack_job(job)).encode(), job.queue or DEFAULT_QUEUE
    with closing(connect(path, lazy=lazy)) as connection, translated(path), transaction(connection):
        _admit(connection, job)
        now = now_us()
        insert_job(connection, job, now, elsewhere=True, queue=queue)
        connection.execute("INSERT INTO dispatch (job, body) VALUES (?, ?)", (job.id, body))
    return Waiting(job.id, Needs(queue, job.labels), body, now, sent=False, told=None)


def _admit(connection: Connection, job: NewJob) -> None:
    """Hold a new job to its ID and to its `overlap`."""
    if is_known(connection, job.id):
        raise ExistsError(f"there is a job {job.id} already")
    if job.overlap == "refuse":
        _refuse_overlap(connection, job.definition)
    elif job.overlap == "cancel":
        connection.execute(f"UPDATE job SET cancel_requested = 1 WHERE definition = ? AND {_OPEN}", (job.definition,))


def _refuse_overlap(connection: Connection, definition: str) -> None:
    row = connection.execute(f"SELECT id, status FROM job WHERE definition = ? AND {_OPEN}", (definition,)).fetchone()
    if row is not None:
        raise OverlapError(
            f"{definition} is {row[1]} already as job {row[0]}",
            hint=f'follow it with: quaero tail {row[0]} (or set overlap = "queue" or "allow" in its definition)',
        )


def claim(path: Path, job_id: str) -> int | None:
    """Take a pending job to run it: it becomes `running`. Return the attempt's number, or None if it is not ours.

    The number fences the end: a runner that lost its job can no longer write its status.
    """
    with closing(connect(path)) as connection, translated(path), transaction(connection):
        row = connection.execute(
            "UPDATE job SET status = 'running', attempt = attempt + 1, started_at = ?"
            " WHERE id = ? AND status = 'pending' RETURNING attempt",
            (now_us(), job_id),
        ).fetchone()
    return None if row is None else int(row[0])


def request_cancel(path: Path, job_id: str) -> Status:
    """Ask a job's runner, wherever it is, to cancel it. Return the job's status at this moment.

    Raises NotFoundError, and StateError when the job has ended.
    """
    with closing(connect(path)) as connection, translated(path), transaction(connection):
        row = connection.execute("SELECT status FROM job WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"no job {job_id}", hint="list the jobs with: quaero jobs")
        status = status_of(row[0])
        if status.final:
            raise StateError(
                f"job {job_id} has ended already: {status}", hint=f"look at it with: quaero show {job_id}"
            )
        connection.execute("UPDATE job SET cancel_requested = 1 WHERE id = ?", (job_id,))
        return status


def cancel_requests(path: Path) -> set[str]:
    """Return the IDs of open jobs that somebody asked to cancel."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        rows = connection.execute(
            "SELECT id FROM job WHERE status IN ('pending', 'running') AND cancel_requested"
        ).fetchall()
        return {row[0] for row in rows}


def mark_interrupted(path: Path, locks: Path) -> list[str]:
    """Mark every open job whose runner is gone as `interrupted`; return their IDs.

    Called by whoever is about to look at jobs. Costs one read when there is nothing to mark.
    """
    with closing(connect(path, readonly=True)) as connection, translated(path):
        rows = connection.execute(f"SELECT id FROM job WHERE {_OPEN} AND NOT elsewhere").fetchall()
    marked = []
    for (job_id,) in rows:
        with JobLock(locks, job_id) as lock:
            if lock.acquire() and _interrupt(path, job_id):
                marked.append(job_id)
    return marked


def left_unstored(path: Path, locks: Path) -> list[str]:
    """Return the jobs whose runner was killed before they were stored: processes of theirs may be there.

    To be asked once, by a worker that starts: a job of a cluster begins while it is stored.
    """
    left = []
    with closing(KnownJobs(path)) as known:
        for job_id in locked_jobs(locks):
            with JobLock(locks, job_id) as lock:
                if lock.acquire() and not known.has(job_id):
                    left.append(job_id)
    return left


def interrupt_all(path: Path) -> None:
    """Mark every open job as interrupted, in a store that nobody else has open."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        rows = connection.execute(f"SELECT id FROM job WHERE {_OPEN}").fetchall()
    for (job_id,) in rows:
        _interrupt(path, job_id)


def _interrupt(path: Path, job_id: str) -> bool:
    """Mark one job, whose lock we hold; False when it ended in the meantime."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        job = connection.execute(
            "SELECT key, attempt, name, definition FROM job WHERE id = ? AND status IN ('pending', 'running')",
            (job_id,),
        ).fetchone()
        if job is None:
            return False
        steps = connection.execute(
            "SELECT name, status FROM step WHERE job = ? AND status IN ('pending', 'running')", (job[0],)
        ).fetchall()
        workers = connection.execute(
            "SELECT step.key, number FROM worker JOIN step ON step.key = worker.step"
            " WHERE step.job = ? AND worker.status IN ('pending', 'running')",
            (job[0],),
        ).fetchall()
    _, attempt, name, definition = job
    now, reason = now_us(), "the process that ran it ended without a word"
    facts: list[LogLine | StepChanged | JobChanged] = []
    for step, status in steps:
        ended = Status.INTERRUPTED if status == Status.RUNNING else Status.SKIPPED
        facts.append(StepChanged(job_id, step, ended, now, reason if ended is Status.INTERRUPTED else None))
    text = f"Status changed: interrupted (job: {name})"
    facts.append(LogLine(job_id, None, None, now, Level.ERROR, text, "", "", {"reason": reason}))
    fields = {"job_id": job_id, "definition": definition}
    facts.append(LogLine(None, None, None, now, Level.ERROR, f"Job interrupted: {job_id}", "", "runner", fields))
    facts.append(JobChanged(job_id, Status.INTERRUPTED, now, attempt, reason))
    with closing(Writer(path)) as writer, translated(path):
        writer.interrupt_workers(workers, now)
        writer.apply(1, facts)
    return True
