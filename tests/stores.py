"""A real store in a temporary folder, with jobs in it: for tests of what writes, reads and follows."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from quaero_cli.model import Fact, JobChanged, Level, LogLine, NewJob, Overlap, Status, StepChanged, StepRow
from quaero_cli.settings import Settings
from quaero_cli.store.queue import claim, enqueue
from quaero_cli.store.schema import prepare
from quaero_cli.store.writer import Writer

NOW = 1_768_473_045_123_000  # 2026-01-15T10:30:45.123Z in microseconds


def new_home(folder: Path) -> Settings:
    """Make a data directory with an empty, current database."""
    settings = Settings(home=folder / "home")
    prepare(settings.database)
    return settings


def copies_of(first: Settings, folders: pytest.TempPathFactory) -> Callable[[], Settings]:
    """Return a maker of data directories that hold what `first` does now; nobody has it open any more."""

    def copy() -> Settings:
        settings = Settings(home=folders.mktemp("copy") / "home")
        shutil.copytree(first.home, settings.home)
        return settings

    return copy


def new_job(
    job_id: str, *, definition: str = "demo", steps: Sequence[str] = ("work",), overlap: Overlap = "allow"
) -> NewJob:
    """Make a job that can be enqueued; its steps are of type `shell`."""
    return NewJob(
        id=job_id, definition=definition, name=definition.title(), trigger="cli", definition_text="",
        definition_path="", definition_hash="", parameters={}, steps=tuple(StepRow(step, "shell") for step in steps),
        overlap=overlap,
    )  # fmt: skip


def start_job(settings: Settings, job_id: str, **kwargs: object) -> int:
    """Enqueue a job and claim it; return its attempt."""
    enqueue(settings.database, new_job(job_id, **kwargs))  # type: ignore[arg-type]
    attempt = claim(settings.database, job_id)
    assert attempt is not None
    return attempt


def line(
    job: str | None, message: str, *, step: str | None = "work", worker: int | None = None, level: Level = Level.INFO
) -> LogLine:
    """Make a log line."""
    originator = "worker" if worker is not None else "step" if step else ""
    return LogLine(job, step if job else None, worker, NOW, level, message, originator, "shell", None)  # type: ignore[arg-type]


def ended(job: str, attempt: int, status: Status = Status.COMPLETED, steps: Sequence[str] = ("work",)) -> list[Fact]:
    """Make the facts that end a job."""
    facts: list[Fact] = [StepChanged(job, step, status, NOW) for step in steps]
    return [*facts, JobChanged(job, status, NOW, attempt)]


class Scribe:
    """A writer that knows its sequence; each call is one batch, committed when it returns."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.database
        self._writer = Writer(self._path)
        self._next = 1

    def write(self, facts: Iterable[Fact]) -> None:
        """Store one batch."""
        batch = list(facts)
        self._writer.apply(self._next, batch)
        self._next += len(batch)

    def close(self) -> None:
        self._writer.close()


def write_once(settings: Settings, facts: Iterable[Fact]) -> None:
    """Store one batch with a writer of its own."""
    with closing(Scribe(settings)) as scribe:
        scribe.write(facts)
