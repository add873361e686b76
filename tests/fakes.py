"""A small engine for tests of step types: the whole `StepContext` contract, in memory, without a store.

Usage (`from fakes import FakeContext`)::

    async def test_something(tmp_path):
        ctx = FakeContext(tmp_path, concurrency=4)
        outputs = await some_type(ctx, option=1)
        assert ctx.messages() == ["..."]
        assert [worker.status for worker in ctx.workers] == ["completed"]

Everything a step does is kept in plain lists, in order: `lines`, `workers`, `reports`, `documents`, `readies`.
Workers really run in a nursery under the same rules as the engine's: in the order of spawning, at most
`concurrency` at once, a failing one harms no other. Children are real processes. Nothing is checked against a
definition here; pass options as the types' keyword arguments.
"""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import trio
from fakememory import FakeMemory

from quaero_cli.engine.output import line_logger
from quaero_cli.engine.process import run_process
from quaero_cli.masking.mask import Mask
from quaero_cli.model import Document, Level, PageState
from quaero_cli.steps.contract import StepContext, SubJob, WorkerContext, WorkerFunction, WorkerPool


class Line(NamedTuple):
    """One logged entry. `worker` is the worker's number, None for the step's own lines."""

    level: int
    message: str
    source: str | None
    fields: dict[str, Any]
    worker: int | None


class FakeLog:
    """Appends to a shared list."""

    def __init__(self, lines: list[Line], worker: int | None = None) -> None:
        self._lines = lines
        self._worker = worker

    def debug(self, message: str, /, **fields: object) -> None:
        self.write(Level.DEBUG, message, fields=fields)

    def info(self, message: str, /, **fields: object) -> None:
        self.write(Level.INFO, message, fields=fields)

    def warn(self, message: str, /, **fields: object) -> None:
        self.write(Level.WARN, message, fields=fields)

    def error(self, message: str, /, **fields: object) -> None:
        self.write(Level.ERROR, message, fields=fields)

    def write_pieces(self, level: int, pieces: Sequence[tuple[str, bool]], source: str) -> None:
        for text, continued in pieces:
            self.write(level, text, source=source, fields={"continued": True} if continued else None)

    def write(
        self, level: int, message: str, *, source: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> None:
        self._lines.append(Line(level, message, source, dict(fields or {}), self._worker))


@dataclass
class FakeWorker:
    """One worker's record and its context; `error` is what its function raised."""

    number: int
    name: str
    label: str
    log: FakeLog
    status: str = "pending"
    error: BaseException | None = None


class FakePool:
    """Runs the workers; made by `FakeContext.open_workers`."""

    def __init__(self, ctx: "FakeContext", nursery: trio.Nursery) -> None:
        self._ctx = ctx
        self._nursery = nursery
        self._waiting: deque[tuple[FakeWorker, WorkerFunction]] = deque()
        self._running = 0

    def spawn(self, fn: WorkerFunction, *, label: str = "") -> int:
        number = len(self._ctx.workers) + 1
        log = FakeLog(self._ctx.lines, number)
        worker = FakeWorker(number, f"{self._ctx.step_name}-{number}", label, log)
        self._ctx.workers.append(worker)
        self._waiting.append((worker, fn))
        self._start_next()
        return number

    @property
    def failed(self) -> int:
        return sum(worker.status == "failed" for worker in self._ctx.workers)

    def _start_next(self) -> None:
        while self._waiting and (self._ctx.concurrency == 0 or self._running < self._ctx.concurrency):
            self._running += 1
            self._ctx.most_at_once = max(self._ctx.most_at_once, self._running)
            self._nursery.start_soon(self._run, *self._waiting.popleft())

    async def _run(self, worker: FakeWorker, fn: WorkerFunction) -> None:
        worker.status = "running"
        try:
            await fn(worker)
            worker.status = "completed"
        except Exception as error:
            worker.status, worker.error = "failed", error
        except BaseException:
            worker.status = "cancelled"
            raise
        finally:
            self._running -= 1
            self._start_next()


@dataclass
class FakeContext:
    """A `StepContext`. `environment` is the job's (complete) one; `room_hook` runs at every `room()`."""

    directory: Path
    concurrency: int = 0
    job_id: str = "fakejob1"
    step_name: str = "step"
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin"})
    grace: float = 1.0  # seconds a child has between TERM and KILL
    room_hook: Callable[[], None] = lambda: None
    mask: Mask | None = None
    timeout: float | None = None
    run_job_hook: Callable[[str, Mapping[str, Any]], Awaitable[SubJob]] | None = None

    lines: list[Line] = field(default_factory=list)
    workers: list[FakeWorker] = field(default_factory=list)
    reports: list[tuple[int | None, str | None]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    memory: FakeMemory = field(default_factory=FakeMemory)
    readies: list[dict[str, Any]] = field(default_factory=list)
    rooms: int = 0
    starts: int = 0
    most_at_once: int = 0  # workers that ran at the same time

    def __post_init__(self) -> None:
        self.log = FakeLog(self.lines)

    @property
    def state_directory(self) -> Path:
        path = self.directory / ".state"
        path.mkdir(exist_ok=True)
        return path

    @property
    def artifacts(self) -> Path:
        path = self.state_directory / self.step_name
        path.mkdir(exist_ok=True)
        return path

    def messages(self, *, level: int = Level.INFO, worker: int | str | None = "any") -> list[str]:
        """Messages at `level` or above; of one worker, of the step itself (None), or of all ("any")."""
        return [line.message for line in self.lines if line.level >= level and worker in ("any", line.worker)]

    def worker_lines(self, number: int) -> list[Line]:
        """The entries of one worker."""
        return [line for line in self.lines if line.worker == number]

    @asynccontextmanager
    async def open_workers(self) -> AsyncGenerator[FakePool, None]:
        async with trio.open_nursery() as nursery:
            yield FakePool(self, nursery)

    def report(self, *, progress: int | None = None, text: str | None = None) -> None:
        self.reports.append((progress, text))

    def save(self, document: Document) -> None:
        self.documents.append(document)

    @asynccontextmanager
    async def open_memory(self) -> AsyncGenerator[FakeMemory, None]:
        await trio.lowlevel.checkpoint()
        keep, visited = self.documents.append, self.memory.visited

        def noted(states: Sequence[tuple[str, PageState]] = (), **more: Any) -> None:
            if more.get("document") is not None:
                keep(more["document"])
            visited(states, **more)

        self.memory.visited = noted  # type: ignore[method-assign]
        try:
            yield self.memory
        finally:
            self.memory.visited = visited  # type: ignore[method-assign]

    def ready(self, outputs: Mapping[str, Any] | None = None) -> None:
        self.readies.append(dict(outputs or {}))

    def started(self) -> None:
        self.starts += 1

    async def room(self) -> None:
        self.rooms += 1
        self.room_hook()
        await trio.lowlevel.checkpoint()

    async def run_job(self, definition: str, params: Mapping[str, Any]) -> SubJob:
        if self.run_job_hook is None:
            await trio.sleep_forever()  # a job without end
        return await self.run_job_hook(definition, params)

    async def run_process(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        read_levels: bool = False,
    ) -> int:
        return await run_process(
            argv,
            env={**self.environment, **(env or {})},
            cwd=cwd or self.directory,
            on_pieces=line_logger(self.log, read_levels=read_levels),
            room=self.room,
            grace=self.grace,
            mask=self.mask,
        )


def _fits_the_contract(ctx: FakeContext, worker: FakeWorker, pool: FakePool) -> None:
    """Never called: mypy reads it and complains when the contract moves."""
    _ctx: StepContext = ctx
    _worker: WorkerContext = worker
    _pool: WorkerPool = pool
