"""The reader's side of the store: one connection, questions about jobs and entries, every answer one snapshot.

Sync and bounded, so that short reads may run on the event loop; what may look at a whole job says "run it in a
thread" and is given a reader of its own there. A read transaction ends before the method returns: it is never held
over an await, which would stop SQLite from reusing its write-ahead log.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from quaero_cli.model import Counts, Entry, JobSummary, Level, LogQuery, LogsView, Meta, StatusView
from quaero_cli.store import artifacts, entries, gaps, jobs, overview, pages
from quaero_cli.store.documents import Documents
from quaero_cli.store.engine import connect, snapshot, translated
from quaero_cli.store.entries import Places, Slice
from quaero_cli.store.figures import Figures, read_figures
from quaero_cli.store.gaps import Ahead, Lost
from quaero_cli.store.jobs import JobDetails, LastJob
from quaero_cli.store.rows import EntryMaker
from quaero_cli.store.scope import Scope, resolve
from quaero_cli.store.search import Search, search

# Entries of one page of a whole log: 10 ms of reading, 300 KB.
_WHOLE_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Look:
    """What a follower sees at one moment: entries, then the states as of the same commit."""

    view: LogsView
    places: Places
    cursor: int
    complete: bool
    size: int
    statuses: list[StatusView]  # of the jobs that are still there
    ends: Places  # each job's newest entry
    lost: tuple[Lost, ...]

    @property
    def behind(self) -> int:
        """How many entries, of all levels, lie behind what was looked at."""
        return sum(max(0, last - self.places[job]) for job, last in self.ends.items())


class Reader:
    """Reads the store. Used by one thread at a time; a context manager that closes its connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path, readonly=True)
        self._connection.create_function("contains_folded", 2, _contains_folded, deterministic=True)
        self._make = EntryMaker(self._connection)
        self.documents = Documents(self._connection, path)
        with translated(path):
            row = self._connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
        self.epoch: str = row[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    # ------------------------------------------------------------------ jobs

    def find_job(self, reference: str) -> str:
        """Return the job ID that a person means: an ID, a unique prefix, a definition's id, or `last`."""
        return jobs.find_job(self._connection, reference)

    def job_exists(self, job_id: str) -> bool:
        """Return whether a job has exactly this ID."""
        return self._connection.execute("SELECT 1 FROM job WHERE id = ?", (job_id,)).fetchone() is not None

    def list_jobs(
        self,
        *,
        statuses: Collection[str] = (),
        definition: str | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> list[JobSummary]:
        """Return jobs, newest first."""
        with translated(self._path), snapshot(self._connection):
            return jobs.list_jobs(
                self._connection, statuses=statuses, definition=definition, limit=limit, before=before
            )

    def last_jobs(self, definition: str, limit: int) -> list[LastJob]:
        """Return how the newest jobs of a definition went, newest first."""
        with translated(self._path):
            return jobs.last_jobs(self._connection, definition, limit)

    def summary(self, job_id: str) -> JobSummary:
        """Return one job as lists show it. Raises NotFoundError."""
        with translated(self._path), snapshot(self._connection):
            return jobs.summary(self._connection, job_id)

    def status(self, job_id: str) -> StatusView:
        """Return the state of a job and its steps. Raises NotFoundError."""
        with translated(self._path), snapshot(self._connection):
            return jobs.status(self._connection, job_id)

    def counts(self, job_id: str) -> Counts:
        """Return a job's entries by level; of a job that is gone, none."""
        with translated(self._path):
            return jobs.counts(self._connection, job_id)

    def details(self, job_id: str) -> JobDetails:
        """Return one job with everything but its entries. Raises NotFoundError."""
        files = artifacts.listing(self._path, job_id)
        with translated(self._path), snapshot(self._connection):
            return jobs.details(self._connection, job_id, files)

    def open_artifact(self, job_id: str, step: str, name: str) -> BinaryIO | None:
        """Open a file that `details` lists, for reading; None when it is not there. The caller closes it."""
        return artifacts.open_artifact(self._path, job_id, step, name)

    def job_counts(self) -> dict[str, int]:
        """Return how many jobs there are by status."""
        return jobs.job_counts(self._connection)

    def figures(self) -> Figures:
        """Return figures of the whole store. Looks at every job: run it in a thread."""
        with translated(self._path), snapshot(self._connection):
            return read_figures(self._connection)

    def store_bytes(self) -> int:
        """Return the size of the database and its write-ahead log."""
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    # ------------------------------------------------------------------ following

    def scope(self, query: LogQuery) -> Scope:
        """Turn a query's names into keys. Raises NotFoundError for an unknown job, UsageError for an unknown step."""
        return resolve(self._connection, query)

    def look_newest(self, scope: Scope, job_ids: Collection[str], newest: int, limit: int) -> Look:
        """Begin with the newest `newest` matching entries, of which `limit` at most come now. Run it in a thread."""
        connection = self._connection
        with translated(self._path), snapshot(connection):
            cursor, has_more = entries.place_of_newest(connection, scope, newest)
            places = {job: entries.locate(connection, job, cursor) for job in scope.jobs}
            part = entries.read_after(connection, self._make, scope, places, limit, scan=entries.EVERYTHING)
            # What was deleted before somebody came is no gap in what is told.
            return self._look(scope, job_ids, replace(part, lost=()), has_more)

    def look_from(self, scope: Scope, job_ids: Collection[str], cursor: int, limit: int) -> Look:
        """Resume after `cursor`. Its `has_more` stays as it is while following. Run it in a thread."""
        connection = self._connection
        with translated(self._path), snapshot(connection):
            places = {job: entries.locate(connection, job, cursor) for job in scope.jobs}
            part = entries.read_after(connection, self._make, scope, places, limit)
            has_more = entries.any_before(connection, scope, cursor + 1)
            return self._look(scope, job_ids, part, has_more)

    def look_after(
        self, scope: Scope, job_ids: Collection[str], places: Places, limit: int, *, has_more: bool
    ) -> Look:
        """Return what has come since `places`: bounded, quick enough for the event loop."""
        with translated(self._path), snapshot(self._connection):
            part = entries.read_after(self._connection, self._make, scope, places, limit)
            return self._look(scope, job_ids, part, has_more)

    def ahead(self, scope: Scope, places: Places, keep: int) -> Ahead:
        """Return the place before the newest `keep` matching entries, seen from `places`: not before them.

        Looks at every entry between the two: run it in a thread.
        """
        connection = self._connection
        with translated(self._path), snapshot(connection):
            cursor, _ = entries.place_of_newest(connection, scope, keep)
            moved = {job: max(places[job], entries.locate(connection, job, cursor)) for job in scope.jobs}
            return Ahead(moved, cursor, tuple(gaps.passed_over(connection, scope, places, moved)))

    def places(self, scope: Scope, cursor: int) -> Places:
        """Return the place in each job that a cursor means."""
        with translated(self._path), snapshot(self._connection):
            return {job: entries.locate(self._connection, job, cursor) for job in scope.jobs}

    def delivered(self, job_ids: Collection[str], cursor: int) -> bool:
        """Return whether these jobs have ended and none has an entry after `cursor`: nothing can follow."""
        with translated(self._path), snapshot(self._connection):
            return pages.all_delivered(self._connection, job_ids, cursor)

    def _look(self, scope: Scope, job_ids: Collection[str], part: Slice, has_more: bool) -> Look:
        found = [jobs.status_if_there(self._connection, job_id) for job_id in job_ids]
        statuses = [view for view in found if view is not None]
        view = self._view(scope, part.entries, has_more)
        return Look(view, part.places, part.cursor, part.complete, part.size, statuses, part.ends, part.lost)

    def _view(self, scope: Scope, found: list[Entry], has_more: bool) -> LogsView:
        ids = (found[0]["id"], found[-1]["id"]) if found else None
        return LogsView(logs=found, meta=scope.meta(self._connection, ids=ids, has_more=has_more))

    def cursor_at(self, query: LogQuery, time_us: int) -> int:
        """Return the cursor before the first entry that is not older than `time_us`. Looks at every row."""
        connection = self._connection
        with translated(self._path), snapshot(connection):
            jobs_ = resolve(connection, query).jobs
            row = connection.execute(
                f"SELECT min(id) FROM log WHERE job IN ({','.join('?' * len(jobs_))}) AND time >= ?",
                (*jobs_, time_us),
            ).fetchone()
            return entries.head(connection) if row[0] is None else int(row[0]) - 1

    def cursor_before_newest(self, query: LogQuery, newest: int) -> int:
        """Return the cursor before the newest `newest` entries that match. May look at every row."""
        with translated(self._path), snapshot(self._connection):
            return entries.place_of_newest(self._connection, resolve(self._connection, query), newest)[0]

    # ------------------------------------------------------------------ pages

    def page(
        self,
        query: LogQuery,
        *,
        limit: int,
        before: int | None = None,
        since: int | None = None,
        around: int | None = None,
    ) -> LogsView:
        """Return a page of entries, oldest first: the newest, or those before, after or around a cursor.

        Fewer than `limit` where they would have more than PAGE_BYTES. May look at every row of a job: run it in a
        thread.
        """
        connection = self._connection
        with translated(self._path), snapshot(connection):
            scope = resolve(connection, query)
            found, has_more = pages.read_page(
                connection, self._make, scope, limit, before=before, since=since, around=around
            )
            return self._view(scope, found, has_more)

    def search(self, wanted: Search, limit: int) -> LogsView:
        """Return the newest `limit` entries of all jobs with a text, oldest first. See `store.search`."""
        with translated(self._path):
            found, has_more = search(self._connection, self._make, wanted, limit)
        ids = (found[0]["id"], found[-1]["id"]) if found else (None, None)
        meta = Meta(
            total_count=None, displayed_count=None, has_more=has_more, oldest_id=ids[0], newest_id=ids[1], counts=None
        )
        return LogsView(logs=found, meta=meta)

    def whole(self, job_id: str) -> Iterator[list[Entry]]:
        """Yield a job's whole log in pages, up to the entry that is the newest now. Raises NotFoundError."""
        query, cursor = LogQuery((job_id,), level=Level.DEBUG), 0
        newest = self.page(query, limit=1)["meta"]["newest_id"]
        while newest is not None and cursor < newest:
            found = self.page(query, limit=_WHOLE_PAGE, since=cursor)["logs"]
            if not found:
                return  # retention has taken the rest
            cursor = found[-1]["id"]
            yield [entry for entry in found if entry["id"] <= newest]

    def first_errors(self, job_id: str, limit: int = 5) -> list[Entry]:
        """Return the first entries at level error of a job."""
        with translated(self._path), snapshot(self._connection):
            scope = resolve(self._connection, LogQuery((job_id,), level=Level.ERROR))
            return pages.read_on(self._connection, self._make, scope, 0, limit)

    def last_entries(self, job_id: str, step: str, worker: str | None = None, *, limit: int = 5) -> list[Entry]:
        """Return the newest entries of a step, or of a worker of it, of all levels, oldest first."""
        query = LogQuery((job_id,), (step,), Level.DEBUG, worker)
        with translated(self._path), snapshot(self._connection):
            return entries.read_newest(self._connection, self._make, resolve(self._connection, query), limit)[0]

    # ------------------------------------------------------------------ a whole job

    def log_map(self, job_id: str, parts: int) -> overview.LogMap:
        """Return where a job's warnings and errors lie. Run it in a thread."""
        with translated(self._path), snapshot(self._connection):
            return overview.log_map(self._connection, self._one(job_id), parts)

    def find_line(self, job_id: str, line: int) -> overview.LinePlace:
        """Return the place of a line of a job. Raises NotFoundError."""
        with translated(self._path), snapshot(self._connection):
            return overview.find_line(self._connection, self._one(job_id), line)

    def find_hits(self, query: LogQuery, limit: int) -> overview.Hits:
        """Return the first entries of one job that a query lets through. Run it in a thread."""
        with translated(self._path), snapshot(self._connection):
            return overview.find_hits(self._connection, resolve(self._connection, query), limit)

    def error_groups(self, job_id: str, limit: int) -> overview.ErrorGroups:
        """Return a job's errors by kind. Run it in a thread."""
        with translated(self._path), snapshot(self._connection):
            return overview.error_groups(self._connection, self._make, self._one(job_id), limit)

    def _one(self, job_id: str) -> int:
        return resolve(self._connection, LogQuery((job_id,))).jobs[0]


def _contains_folded(message: str, text: str) -> bool:
    return text in message.casefold()


def open_reader(path: Path) -> Reader:
    """Open the store for reading. Raises StoreError."""
    return Reader(path)
