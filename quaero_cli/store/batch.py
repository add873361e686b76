"""The rows and counters of one transaction of the writer, gathered from its facts in order.

Numbers are given here: ids from `meta.next_id`, `job_line` and `line_number` from counters of job and step, all
inside the write lock, so that they have no holes and their order is the order of commits.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from quaero_cli.model import (
    Abroad,
    DocumentFound,
    Fact,
    FrontierDropped,
    JobChanged,
    JobClaimed,
    JobQueued,
    LogLine,
    LogLines,
    PagesFound,
    PageVisited,
    StepChanged,
    StepOutput,
    StepProgressed,
    WorkerChanged,
)
from quaero_cli.store import frontier, keeping, states
from quaero_cli.store.encode import clean_text, encode_json
from quaero_cli.store.engine import Connection
from quaero_cli.store.insertion import insert_job, is_known
from quaero_cli.store.keys import Keys
from quaero_cli.store.many import ManyRows
from quaero_cli.store.schema import SERVICE
from quaero_cli.store.workers import WorkerChanges

_COLUMNS = "id, job, job_line, step, worker, line_number, time, level, source, message, fields"
# No value is None: the module looks for an adapter for each one, which takes as long as SQLite does for the whole row
# (measured: 1.8 us a row instead of 2.9). What is missing travels as 0 or "", which no number and no JSON is.
_ROW = "(?,?,?,nullif(?,0),nullif(?,0),nullif(?,0),?,?,?,?,nullif(?,''))"
_WRITE_LINES = ManyRows(f"INSERT INTO log ({_COLUMNS}) VALUES", 11, row=_ROW)

# Lines that share all but their messages: one parameter for all of them is three times faster than eleven for each,
# and the interpreter lock is free for as long as SQLite goes through them.
_INSERT_LINES = (
    f"INSERT INTO log ({_COLUMNS})"
    " SELECT ?1 + key, ?2, ?3 + key, ?4, ?5, ?6 + key, ?7, ?8, ?9, value, NULL FROM json_each(?10)"
)


@dataclass(slots=True)
class _JobPlace:
    """How far a job's numbering has come. `key` SERVICE: the service log."""

    key: int
    last: int


@dataclass(slots=True)
class _Place:
    """How far the numbering of one step's entries (or of a job's own, step 0) has come, and what was counted."""

    job: _JobPlace
    step: int
    last: int
    counts: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))  # by level, of this batch


# Stands for no job and no step: a service entry has None for both.
_NOBODY = "nobody"


class Batch:
    """The rows and counters of one transaction."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        """To be made, filled and flushed within one transaction."""
        self._connection = connection
        self._keys = keys
        self._rows: list[Any] = []  # flat: eleven values a row
        self._next_id: int = connection.execute("SELECT value FROM meta WHERE key = 'next_id'").fetchone()[0]
        self._workers = WorkerChanges()
        self._crawl = frontier.CrawlChanges()
        self._jobs: dict[int, _JobPlace] = {}
        self._places: dict[tuple[str | None, str | None], _Place] = {}  # by the names of job and step

    def add(self, facts: Sequence[Fact]) -> None:
        """Take facts, in order."""
        # The hottest lines of the program: what is the same for all entries of a place is looked up once a batch, and
        # names that are the very same objects as those of the line before are not looked up at all.
        known_job: str | None = _NOBODY
        known_step: str | None = _NOBODY
        known_source, clean_source = "", ""
        for fact in facts:
            if type(fact) is not LogLine:
                if type(fact) is WorkerChanged:
                    self._workers.add(self._keys.step(fact.job, fact.step), fact)
                elif type(fact) is LogLines:
                    self._add_lines(fact)
                else:
                    self._add_change(fact)
                continue
            job_id, step, worker, time_us, level, message, _, source, fields = fact
            if job_id is not known_job or step is not known_step:
                place = self._places.get((job_id, step)) or self._open_place(job_id, step)
                known_job, known_step = job_id, step
                job, counts = place.job, place.counts
            if source is not known_source:
                known_source, clean_source = source, clean_text(source)
            job.last += 1
            place.last += 1
            counts[level] += 1
            if "\0" in message or not message.isascii():
                message = clean_text(message)
            self._rows += (
                self._next_id, job.key, job.last, place.step, worker or 0, place.last if job_id is not None else 0,
                time_us, level, clean_source, message, encode_json(fields) if fields else "",
            )  # fmt: skip
            self._next_id += 1

    def _add_lines(self, lines: LogLines) -> None:
        """Take lines that differ in nothing but their messages and numbers: SQLite counts for itself."""
        job_id, step, worker, time_us, level, messages, _, source = lines
        place = self._places.get((job_id, step)) or self._open_place(job_id, step)
        self._write_rows()
        self._connection.execute(
            _INSERT_LINES,
            (
                self._next_id, place.job.key, place.job.last + 1, place.step or None, worker,
                place.last + 1 if job_id is not None else None, time_us, level, clean_text(source),
                encode_json([clean_text(message) for message in messages]),
            ),
        )  # fmt: skip
        count = len(messages)
        self._next_id += count
        place.job.last += count
        place.last += count
        place.counts[level] += count

    def _open_place(self, job_id: str | None, step: str | None) -> _Place:
        if job_id is None:
            step = None  # the service log has no steps
        found = self._places.get((job_id, step))
        if found is None:
            key = SERVICE if job_id is None else self._keys.job(job_id)
            step_key = 0 if job_id is None or step is None else self._keys.step(job_id, step)
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = _JobPlace(key, self._last_job_line(key))
            last = 0 if key == SERVICE else self._last_line(key, step_key)
            found = self._places[job_id, step] = _Place(job, step_key, last)
        return found

    def _add_change(self, fact: Fact) -> None:
        keys, connection = self._keys, self._connection
        match fact:
            case Abroad():
                pass  # it is for the outbox alone
            case JobQueued():
                keys.forget()  # its row is there, perhaps anew
                if fact.arrives and not is_known(connection, fact.job.id):
                    insert_job(connection, fact.job, fact.time_us, travelled=True)
            case JobClaimed():
                states.claim_job(connection, keys.job(fact.job), fact)
            case JobChanged():
                states.change_job(connection, keys.job(fact.job), fact)
            case StepChanged():
                states.change_step(connection, keys.step(fact.job, fact.step), fact)
            case StepProgressed():
                states.progress_step(connection, keys.step(fact.job, fact.step), fact)
            case StepOutput():
                states.set_outputs(connection, keys.step(fact.job, fact.step), fact)
            case DocumentFound():
                keeping.keep_document(connection, fact)
            case PagesFound():
                self._crawl.found(keys.step(fact.job, fact.step), fact)
            case PageVisited():
                self._crawl.visited(connection, keys.step(fact.job, fact.step), fact)
            case FrontierDropped():
                self._crawl.write(connection)
                frontier.drop(connection, keys.step(fact.job, fact.step), fact)

    def _last_job_line(self, job: int) -> int:
        if job == SERVICE:
            row = self._connection.execute("SELECT value FROM meta WHERE key = 'service_entries'").fetchone()
        else:
            row = self._connection.execute("SELECT entries FROM job WHERE key = ?", (job,)).fetchone()
        return int(row[0])

    def _last_line(self, job: int, step: int) -> int:
        table, key, column = ("step", step, "entries") if step else ("job", job, "own_entries")
        return int(self._connection.execute(f"SELECT {column} FROM {table} WHERE key = ?", (key,)).fetchone()[0])

    def _write_rows(self) -> None:
        _WRITE_LINES.write(self._connection, self._rows)
        self._rows.clear()

    def flush(self) -> None:
        """Write the rows that are left and move the counters."""
        self._workers.write(self._connection)
        self._crawl.write(self._connection)
        if not self._places:
            return
        self._write_rows()
        execute = self._connection.execute
        execute("UPDATE meta SET value = ? WHERE key = 'next_id'", (self._next_id,))
        for job in self._jobs.values():
            if job.key == SERVICE:
                execute("UPDATE meta SET value = ? WHERE key = 'service_entries'", (job.last,))
            else:
                execute("UPDATE job SET entries = ? WHERE key = ?", (job.last, job.key))
        counts: list[tuple[int, int, int, int]] = []
        for place in self._places.values():
            if place.step:
                execute("UPDATE step SET entries = ? WHERE key = ?", (place.last, place.step))
            elif place.job.key != SERVICE:
                execute("UPDATE job SET own_entries = ? WHERE key = ?", (place.last, place.job.key))
            counts += [(place.job.key, place.step, level, count) for level, count in place.counts.items()]
        self._connection.executemany(
            "INSERT INTO log_count VALUES (?, ?, ?, ?)"
            " ON CONFLICT (job, step, level) DO UPDATE SET count = count + excluded.count",
            counts,
        )
