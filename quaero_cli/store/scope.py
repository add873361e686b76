"""Which rows of `log` a reader wants: a `LogQuery` with its names turned into keys, and the SQL that says so."""

from dataclasses import dataclass

from quaero_cli.errors import FilterError, NotFoundError
from quaero_cli.model import Counts, Level, LogQuery, Meta, no_counts
from quaero_cli.store.engine import Connection
from quaero_cli.store.schema import SERVICE

# An entry's originator is not stored: it is what the entry has.
_ORIGINATORS = {
    "worker": " AND worker IS NOT NULL",
    "step": " AND step IS NOT NULL AND worker IS NULL",
    "": " AND step IS NULL",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """A query over keys. `steps` None: every step, and the entries that belong to none."""

    jobs: tuple[int, ...]
    steps: tuple[int, ...] | None
    level: Level
    worker: tuple[tuple[int, ...], int] | None  # (its step, in each job that has it; its number)
    text: str | None
    nothing: bool = False  # names a worker that does not exist (yet)
    originator: str | None = None

    @property
    def counted(self) -> bool:
        """Whether the stored counters answer for it exactly."""
        return self.worker is None and self.text is None and self.originator is None and not self.nothing

    def where(self) -> tuple[str, list[object]]:
        """Return the conditions on one job's rows (each begins with ` AND `) and their values."""
        sql, values = "", list[object]()
        if self.nothing:
            return " AND 0", values
        if self.level > Level.DEBUG:
            sql, values = sql + " AND level >= ?", [*values, int(self.level)]
        if self.steps is not None:
            sql += f" AND step IN ({','.join('?' * len(self.steps))})"
            values += self.steps
        if self.worker is not None:
            keys, number = self.worker
            sql += f" AND step IN ({','.join('?' * len(keys))}) AND worker = ?"
            values += [*keys, number]
        if self.originator is not None:
            sql += _ORIGINATORS[self.originator]
        if self.text is not None:
            condition, value = contains(self.text)
            sql, values = sql + condition, [*values, value]
        return sql, values

    def counts(self, connection: Connection) -> Counts:
        """Return the entries of the jobs and steps asked for, by level, from the counters."""
        sql = f"SELECT level, sum(count) FROM log_count WHERE job IN ({','.join('?' * len(self.jobs))})"
        values: list[int] = list(self.jobs)
        if self.steps is not None:
            sql += f" AND step IN ({','.join('?' * len(self.steps))})"
            values += self.steps
        return count_levels(connection.execute(sql + " GROUP BY level", values).fetchall())

    def meta(self, connection: Connection, *, ids: tuple[int, int] | None, has_more: bool) -> Meta:
        """Return what a batch says of its place; `ids` are those of its oldest and newest entry."""
        counts = self.counts(connection) if self.counted else None
        return Meta(
            total_count=sum(counts.values()) if counts else None,  # type: ignore[arg-type]  # TypedDict values
            displayed_count=at_least(counts, self.level) if counts else None,
            has_more=has_more,
            oldest_id=ids[0] if ids else None,
            newest_id=ids[1] if ids else None,
            counts=counts,
        )


def count_levels(rows: list[tuple[int, int]]) -> Counts:
    """Return (level, count) rows as Counts."""
    counts = no_counts()
    for level, count in rows:
        counts[Level(level).label] += count  # type: ignore[literal-required]
    return counts


def at_least(counts: Counts, level: Level) -> int:
    """Return how many entries a threshold lets through."""
    return sum(counts[each.label] for each in Level if each >= level)  # type: ignore[literal-required]


def contains(text: str) -> tuple[str, object]:
    """Return the condition (with its ` AND `) that a message has a text, in whatever case, and its value."""
    if text.isascii():
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return " AND message LIKE ? ESCAPE '\\'", f"%{escaped}%"
    # LIKE folds the case of ASCII alone; `reader` registers this function.
    return " AND contains_folded(message, ?)", text.casefold()


def resolve(connection: Connection, query: LogQuery) -> Scope:
    """Turn a query's names into keys. Raises NotFoundError for an unknown job, UsageError for an unknown step."""
    jobs = tuple(_job_key(connection, job) for job in query.jobs) or (SERVICE,)
    steps: tuple[int, ...] | None = None
    if query.steps:
        steps = tuple(key for name in query.steps for key in _step_keys(connection, jobs, name))
    worker, nothing = None, False
    if query.worker is not None:
        worker = _worker(connection, jobs, query.worker)
        nothing = worker is None
    return Scope(jobs, steps, query.level, worker, query.text or None, nothing, query.originator)


def _job_key(connection: Connection, job: str) -> int:
    row = connection.execute("SELECT key FROM job WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise NotFoundError(f"no job {job}", hint="list the jobs with: quaero jobs")
    return int(row[0])


def _step_keys(connection: Connection, jobs: tuple[int, ...], name: str) -> list[int]:
    marks = ",".join("?" * len(jobs))
    rows = connection.execute(
        f"SELECT step.key FROM step JOIN job ON job.key = step.job"
        f" WHERE step.job IN ({marks}) AND (step.name = ? OR job.id || '.' || step.name = ?)",
        (*jobs, name, name),
    ).fetchall()
    if not rows:
        known = connection.execute(f"SELECT DISTINCT name FROM step WHERE job IN ({marks}) ORDER BY key", jobs)
        names = ", ".join(row[0] for row in known)
        raise FilterError("step", f"no step {_named(name)}", f"one of: {names}" if names else _no_steps(jobs))
    return [row[0] for row in rows]


def _named(name: str) -> str:
    return name if name.strip() else repr(name)


def _no_steps(jobs: tuple[int, ...]) -> str:
    return "nothing: the service log has no steps" if jobs == (SERVICE,) else "nothing: the job has no steps"


def _worker(connection: Connection, jobs: tuple[int, ...], name: str) -> tuple[tuple[int, ...], int] | None:
    step, _, number = name.rpartition("-")
    if not step or not (number.isascii() and number.isdigit()) or len(number) > 9:
        raise FilterError("worker", f"no worker {_named(name)}", "a step and a number, like fetch-17")
    return (tuple(_step_keys(connection, jobs, step)), int(number))
