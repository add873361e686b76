"""Rows of the database as views of the wire protocol. Pure but for the names of steps, which are looked up once."""

from collections.abc import Sequence
from typing import Any

from quaero_cli.model import Counts, Entry, JobView, Level, Status, StepView, WorkerCounts
from quaero_cli.store.encode import decode_json, timestamp, timestamp_or_none
from quaero_cli.store.engine import Connection, UnknownValue


class _Labels(dict[int, str]):
    def __missing__(self, level: int) -> str:
        raise UnknownValue(f"an entry has the level {level}")


_LABELS = _Labels({int(level): level.label for level in Level})

STEP_COLUMNS = (
    "key, name, type, status, attempt, progress, progress_text, error, started_at, finished_at,"
    " workers_pending, workers_running, workers_completed, workers_failed, workers_cancelled"
)
JOB_COLUMNS = (
    "key, id, definition, name, status, error, started_at, finished_at, trigger, created_at, entries,"
    " parameters, definition_path, definition_hash, attempt, parent, retry_of, scheduled_for, parent_step,"
    " queue, node, labels, elsewhere"
)


class _Deleted(Exception):
    """The job of an entry is gone."""


class EntryMaker:
    """Makes entries of rows; knows the names of jobs and steps it has met, which never change."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._jobs: dict[int, str] = {}
        self._steps: dict[int, tuple[str, str]] = {}  # key -> (step ID, name)
        self._last_time, self._last_timestamp = -1, ""  # lines that a child printed at once share their moment

    def entries(self, rows: Sequence[Any]) -> list[Entry]:
        """Return the entries of `rows` (columns as in `entries`)."""
        try:
            return [self._entry(*row) for row in rows]
        except _Deleted:  # read before its job was deleted, and looked up after
            return [entry for row in rows for entry in self._kept(row)]

    def _kept(self, row: Sequence[Any]) -> list[Entry]:
        try:
            return [self._entry(*row)]
        except _Deleted:
            return []

    def step_name(self, step: int | None) -> str | None:
        """Return the name of the step with this key; None: of none."""
        return None if step is None else self._step(step)[1]

    def _entry(
        self,
        id_: int, job: int, job_line: int, step: int | None, worker: int | None, line_number: int | None,
        time: int, level: int, source: str, message: str, fields: str | None,
    ) -> Entry:  # fmt: skip
        if time != self._last_time:
            self._last_time, self._last_timestamp = time, timestamp(time)
        entry: Entry = {
            "id": id_,
            "timestamp": self._last_timestamp,
            "level": _LABELS[level],
            "message": message,
            "originator": "",
            "source": source,
        }
        if job:
            entry["job_id"] = self._job_id(job)
            if step is not None:
                entry["step_id"], entry["step_name"] = self._step(step)
                entry["originator"] = "step"
                if worker is not None:
                    entry["originator"] = "worker"
                    entry["worker"] = f"{entry['step_name']}-{worker}"
            if line_number is not None:
                entry["line_number"] = line_number
            entry["job_line"] = job_line
        if fields is not None:
            entry["fields"] = decode_json(fields)
        return entry

    def _job_id(self, key: int) -> str:
        job = self._jobs.get(key)
        if job is None:
            row = self._connection.execute("SELECT id FROM job WHERE key = ?", (key,)).fetchone()
            if row is None:
                raise _Deleted
            job = self._jobs[key] = row[0]
        return job

    def _step(self, key: int) -> tuple[str, str]:
        step = self._steps.get(key)
        if step is None:
            row = self._connection.execute("SELECT job, name FROM step WHERE key = ?", (key,)).fetchone()
            if row is None:
                raise _Deleted
            job, name = row
            step = self._steps[key] = (f"{self._job_id(job)}.{name}", name)
        return step


def status_of(word: str) -> Status:
    """Return a stored status. Raises UnknownValue."""
    try:
        return Status(word)
    except ValueError:
        raise UnknownValue(f"there is a status {word!r}") from None


def step_view(row: Sequence[Any], job_id: str, counts: Counts) -> StepView:
    """Return a row with STEP_COLUMNS as a view."""
    (_, name, type_, status, attempt, progress, text, error, started, finished, *numbers) = row
    pending, running, completed, failed, cancelled = numbers
    done, total = completed + failed + cancelled, sum(numbers)
    if total and not status_of(status).good:
        progress = done * 100 // total
    if total:
        counted = f"{pending} pending, {running} running, {completed} completed, {failed} failed"
        counted += f", {cancelled} cancelled" if cancelled else ""
        text = f"{counted} · {text}" if text else counted  # a step may have more to say than its workers' counts
    return StepView(
        id=f"{job_id}.{name}", name=name, type=type_, status=status, attempt=attempt, progress=progress,
        workers=WorkerCounts(
            pending=pending, running=running, completed=completed, failed=failed, cancelled=cancelled
        ),
        progress_text=text, counts=counts, started_at=timestamp_or_none(started),
        finished_at=timestamp_or_none(finished), error=error,
    )  # fmt: skip


def job_progress(status: str, steps: Sequence[int]) -> int:
    """Return a job's progress in percent: the mean of its steps'; 100 only when it ended well."""
    if status_of(status).good:
        return 100
    return min(99, sum(steps) // len(steps)) if steps else 0


def job_view(row: Sequence[Any], progress: int) -> JobView:
    """Return a row with JOB_COLUMNS as a view."""
    (_, id_, definition, name, status, error, started, finished) = row[:8]
    return JobView(
        id=id_, definition=definition, name=name, status=status, progress=progress,
        started_at=timestamp_or_none(started), finished_at=timestamp_or_none(finished), error=error,
    )  # fmt: skip
