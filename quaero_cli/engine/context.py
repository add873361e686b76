"""The engine's side of a running step: what a step type is handed (`steps.contract.StepContext`)."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakSet

import trio

from quaero_cli.engine import procfs
from quaero_cli.engine.documents import check_document
from quaero_cli.engine.log import JobLog
from quaero_cli.engine.memory import PageMemory
from quaero_cli.engine.output import line_logger
from quaero_cli.engine.process import run_process
from quaero_cli.engine.readiness import Readiness
from quaero_cli.engine.shared import JobCall, PartCall, Parts, Running
from quaero_cli.engine.strays import RUNNER
from quaero_cli.engine.workers import Worker, Workers, open_workers
from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.model import DEFAULT_PARALLEL_STEPS, StepDefinition, StepType
from quaero_cli.masking.mask import Mask
from quaero_cli.model import Document, DocumentFound, StepOutput, StepProgressed
from quaero_cli.plaindata import text_of
from quaero_cli.steps.contract import SubJob

# Workers at once of a `for_each` that does not say: as many as steps, and for the same reasons.
FOR_EACH_CONCURRENCY = DEFAULT_PARALLEL_STEPS

# Characters of a step's progress text that are kept: it is sent with every status, and is to fit into a line.
MAX_PROGRESS_TEXT = 500


class Context:
    """The context of one attempt at a step. Workers are numbered on over pools and attempts."""

    def __init__(
        self,
        job: Running,
        step: StepDefinition,
        type_: StepType,
        *,
        attempt: int,
        readiness: Readiness | None = None,
        last_worker: int = 0,
        log: JobLog | None = None,
    ) -> None:
        """`readiness` is a service's; `last_worker` is the number of the newest so far.

        `log` None: the step's own, a new one.
        """
        self._job = job
        self._step = step
        self._type = type_
        self._emit = job.ground.emit
        self._attempt = attempt
        self._readiness = readiness
        self.last_worker = last_worker
        self._clock = trio.lowlevel.current_clock()  # steps log from threads, too
        self.heard_at = self._clock.current_time()  # when the step last said something, for its idle timeout
        self.failed_workers = 0
        self._logs: WeakSet[JobLog] = WeakSet()
        self.log = self._make_log(None) if log is None else log

    def _make_log(self, worker: int | None) -> JobLog:
        heard = None if self._readiness is None or worker is not None else self._readiness.hear
        # Only an idle timeout asks when; without one an entry need not look at the clock again.
        if self._step.idle_timeout is not None:
            heard = self._note_time if heard is None else partial(self._hear, heard)
        log = JobLog(
            self._emit, self._job.id, step=self._step.name, worker=worker, source=self._step.type, heard=heard,
            mask=self._job.mask, takes_lines=self._job.ground.takes_lines,
        )  # fmt: skip
        self._job.logs.add(log)
        self._logs.add(log)
        return log

    def close(self) -> None:
        """The attempt is over, and another one begins: what a thread of this one still says reaches nobody."""
        for log in list(self._logs):
            log.close()

    def _note_time(self, message: str) -> None:
        self.heard_at = self._clock.current_time()

    def _hear(self, tell: Callable[[str], None], message: str) -> None:
        self._note_time(message)
        tell(message)

    @property
    def job_id(self) -> str:
        return self._job.id

    @property
    def step_name(self) -> str:
        return self._step.name

    @property
    def mask(self) -> Mask | None:
        """What hides the job's secrets."""
        return self._job.mask

    @property
    def timeout(self) -> float | None:
        """The step's own timeout in seconds."""
        return self._step.timeout

    @property
    def concurrency(self) -> int:
        """Workers at once; 0: no bound."""
        if self._step.concurrency is not None:
            return self._step.concurrency
        return self._type.default_concurrency if self._step.for_each is None else FOR_EACH_CONCURRENCY

    @property
    def directory(self) -> Path:
        """The folder of the definition file."""
        return self._job.definition.path.absolute().parent

    @property
    def state_directory(self) -> Path:
        """A private folder for this job's files."""
        folder = self._job.directory
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @property
    def artifacts(self) -> Path:
        """The step's own folder for what it leaves with the job."""
        folder = self.state_directory / self._step.name
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the job's children."""
        self._job.ran_processes = True  # what is started with them is looked for at the job's end
        return {**self._job.environment, **self._names()}

    @property
    def parts(self) -> Parts | None:
        """The way to have items done by other machines, if this job may take it."""
        parts = self._job.ground.parts
        return parts if parts is not None and parts.takes(self._job.id) else None

    def call_part(self, worker: Worker, item: object) -> PartCall:
        """Return the wish to have an item done, whose worker's state is told by `worker`."""
        return PartCall(self._job, self._step.name, worker.number, item, lambda: worker.tell(worker))

    def worker_log(self, number: int) -> JobLog:
        """Return the log of a worker that is not of a pool of this context."""
        return self._make_log(number)

    @asynccontextmanager
    async def open_workers(self) -> AsyncIterator[Workers]:
        """Open the step's fan-out."""
        make_pool = partial(
            Workers,
            emit=self._emit,
            job=self._job.id,
            step=self._step.name,
            concurrency=self.concurrency,
            first_number=self.last_worker + 1,
            make_log=self._make_log,
            step_log=self.log,
            on_failure=self._count_failure,
        )
        pool: Workers | None = None
        try:
            async with open_workers(make_pool) as pool:
                yield pool
        finally:
            if pool is not None:
                self.last_worker = pool.last_number

    def _count_failure(self) -> None:
        self.failed_workers += 1
        self._job.failed_workers += 1
        tolerance = self._job.definition.error_tolerance
        if (
            tolerance is not None
            and tolerance.failure_action == "stop_all"
            and self._job.failed_workers > tolerance.max_child_failures
        ):
            self._job.stop(f"{self._job.failed_workers} workers failed, {tolerance.max_child_failures} are tolerated")

    def report(self, *, progress: int | None = None, text: str | None = None) -> None:
        """Say how far the step is."""
        if progress is not None:
            progress = min(100, max(0, int(progress)))
        if text is not None:
            text = text_of(text)
            text = (text if self.mask is None else self.mask.text(text))[:MAX_PROGRESS_TEXT]
        self._emit(StepProgressed(self._job.id, self._step.name, progress, text))

    def save(self, document: Document) -> None:
        """Keep a document. Raises StepFailed for one that cannot be stored: a later fault would be the recorder's."""
        check_document(document)
        self._emit(DocumentFound(self._job.id, document))

    @asynccontextmanager
    async def open_memory(self) -> AsyncIterator[PageMemory]:
        """Open what crawls have left, and what this one leaves."""
        ground = self._job.ground
        await ground.flush()  # an earlier attempt's last words
        with ground.open_crawl(self._job.id, self._step.name) as reader:
            yield PageMemory(reader, self._emit, ground.flush, self._job.id, self._step.name)

    def ready(self, outputs: Mapping[str, Any] | None = None) -> None:
        """The service can be used from now on."""
        if outputs:
            self.keep_outputs(outputs)
        if self._readiness is not None:
            self._readiness.called()

    def started(self) -> None:
        """What the step runs has begun."""
        if self._readiness is not None:
            self._readiness.started()

    def keep_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Keep the step's outputs with the job, for later steps."""
        self._job.outputs.setdefault(self._step.name, {}).update(outputs)
        self._emit(StepOutput(self._job.id, self._step.name, dict(self._job.outputs[self._step.name])))

    async def room(self) -> None:
        """Wait while the recorder is behind."""
        await self._job.ground.room()

    async def run_job(self, definition: str, params: Mapping[str, Any]) -> SubJob:
        """Run another definition as a job of its own, and wait for its end."""
        run_job = self._job.ground.run_job
        if run_job is None:
            raise StepFailed("jobs cannot be started here")

        def started(job_id: str) -> None:
            self.log.info(f"Started job {job_id}", job_id=job_id, definition=definition)
            self.keep_outputs({"job_id": job_id})

        return await run_job(JobCall(self._job, self._step.name, definition, params, started))

    async def run_process(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        read_levels: bool = False,
    ) -> int:
        """Run a child, its output logged line by line; return its exit code."""
        ground = self._job.ground
        return await run_process(
            argv,
            env={**self.environment, **(env or {}), RUNNER: procfs.identity()},
            cwd=cwd or self.directory,
            on_pieces=line_logger(self.log, read_levels=read_levels),
            room=ground.room,
            on_start=self.started,
            grace=ground.grace,
            kill_now=ground.kill_now,
            mask=self.mask,
        )

    def _names(self) -> dict[str, str]:
        """What children find of themselves in their environment."""
        return {
            "QUAERO_JOB_ID": self._job.id,
            "QUAERO_STEP": self._step.name,
            "QUAERO_ATTEMPT": str(self._attempt),
            RUNNER: procfs.identity(),
        }

    def of_worker(self, worker: Worker) -> "WorkersContext":
        """Return the context that a worker of `for_each` hands to the step's function, for one attempt."""
        return WorkersContext(self._job, self._step, self._type, worker)


class WorkersContext(Context):
    """A step's context as a worker of `for_each` has it: the log is the worker's, and so are the outputs."""

    def __init__(self, job: Running, step: StepDefinition, type_: StepType, worker: Worker) -> None:
        super().__init__(job, step, type_, attempt=worker.attempt, log=worker.log)
        self._worker = worker
        self.outputs: dict[str, Any] = {}

    def open_workers(self) -> NoReturn:
        """Not in a worker: a step has one fan-out."""
        raise StepFailed("a step with for_each has its workers", hint="take for_each out, or open no workers in it")

    def report(self, *, progress: int | None = None, text: str | None = None) -> None:
        """Nothing: how far the step is, its workers say together."""

    def keep_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Keep the worker's outputs."""
        self.outputs.update(outputs)

    def _names(self) -> dict[str, str]:
        return {**super()._names(), "QUAERO_WORKER": self._worker.name}
