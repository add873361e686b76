"""What a step type sees of the engine: the context it is handed, and the errors it may raise.

A step type is one file in this folder (or an entry point in the group `quaero.steps`): an async function that
has the file's name, takes a `StepContext` first and its options as annotated keyword-only arguments::

    async def hello(ctx: StepContext, *, who: str, times: int = 1) -> None:
        '''Say hello.

        who: whom to greet
        times: how often
        '''
        for _ in range(times):
            ctx.log.info(f"hello {who}")

An option that may not be just any value of its type says so: `Annotated[int, Between(0, 10)]`, or
`Annotated[str, Checked(function)]` (see `jobdef.model`); it is then refused when the file is loaded.

The docstring is the type's help: its first paragraph says what it does, a line `option: text` describes each
option. A returned mapping becomes the step's outputs. Raise `StepFailed` for a failure that the job's author
should read; any other exception is a failure, too, and its traceback is kept in the entry's fields.

Two module constants may stand beside the function: `DEFAULT_CONCURRENCY` (workers at once when the definition
does not say; 0: no bound; a type that has it opens workers of its own, and is not used with `for_each`) and
`SERVICE` (may be used with `service = true`): `"ready"` for a type that calls `ctx.ready` by itself, `"started"` for
one that is ready when it has started, unless the definition says `ready`: that calls `ctx.started`, or runs a child.

With `for_each` the function is called once for each item, several times at once, and knows nothing of it: the
context that it is handed logs as the item's worker, and what it returns becomes that worker's outputs.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from quaero_cli.errors import StepFailed
from quaero_cli.masking.mask import Mask
from quaero_cli.model import Document, FoundPage, FrontierPage, PageMemo, PageState, Status

__all__ = ["Log", "StepContext", "StepFailed", "SubJob", "WorkerContext", "WorkerPool"]

# Of one step's outputs: they are kept with the job and handed around in memory; data of any size belongs into files.
MAX_OUTPUT_BYTES = 1024 * 1024


class Log(Protocol):
    """Structured log of a step or a worker. Never blocks, never drops; fields are stored as JSON."""

    def debug(self, message: str, /, **fields: object) -> None:
        """Log at level debug."""

    def info(self, message: str, /, **fields: object) -> None:
        """Log at level info."""

    def warn(self, message: str, /, **fields: object) -> None:
        """Log at level warn."""

    def error(self, message: str, /, **fields: object) -> None:
        """Log at level error."""

    def write(
        self, level: int, message: str, *, source: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> None:
        """Log at a level given as a number, under another source (`stdout`, a logger's name)."""


class WorkerContext(Protocol):
    """One worker's side: its number (from 1), its name (`fetch-17`) and its own log."""

    @property
    def number(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def log(self) -> Log: ...


WorkerFunction = Callable[[WorkerContext], Awaitable[None]]


class WorkerPool(Protocol):
    """Runs a step's workers in a nursery, at most `concurrency` at once, in the order in which they were spawned."""

    def spawn(self, fn: WorkerFunction, *, label: str = "") -> int:
        """Queue a worker (status `pending`) and return its number. It runs `fn` when its turn comes.

        A worker whose `fn` raises is `failed` and harms no other; one that is cancelled is `cancelled`. Workers may
        spawn workers. `label` says what it works on (a URL, an item), for people.
        """

    @property
    def failed(self) -> int:
        """Workers that failed so far."""


@dataclass(frozen=True, slots=True)
class SubJob:
    """A job that a step ran, when it has ended. `outputs`: of each of its steps, by the step's name."""

    id: str
    definition: str
    status: Status
    error: str | None
    outputs: Mapping[str, Mapping[str, Any]]


class PageMemory(Protocol):
    """What crawls have left in the store, and what this one leaves there: for step types that fetch pages."""

    def recall(self, url: str) -> tuple[PageMemo, bool] | None:
        """What is known of a URL, and whether a document of it is kept; None: nothing."""

    def knows_site(self, origin: str) -> bool:
        """Whether anything is known of an origin (`https://host`)."""

    def left(self, *, inherited: bool, after: int, limit: int) -> list[FrontierPage]:
        """A part of the frontier that the step's earlier attempts left; `inherited`: that of the repeated job."""

    async def waiting(self, limit: int) -> list[FrontierPage]:
        """The pages that come next, of all that were found until now."""

    def found(self, pages: Sequence[FoundPage]) -> None:
        """Keep URLs with their depths, and what led to them."""

    def visited(
        self,
        states: Sequence[tuple[str, PageState]] = (),
        *,
        document: Document | None = None,
        unchanged: str | None = None,
        memo: PageMemo | None = None,
        used: str | None = None,
    ) -> None:
        """Keep what became of a page: its URLs' states, its document (as `save`), what is known of it now.

        `unchanged` is the URL of a document that was found as it is kept.
        """

    def drop(self, rows: int) -> None:
        """Forget so many URLs of the frontier."""


class StepContext(Protocol):
    """The engine's side of a running step."""

    @property
    def job_id(self) -> str: ...

    @property
    def step_name(self) -> str: ...

    @property
    def log(self) -> Log:
        """The step's own log (originator `step`)."""

    @property
    def mask(self) -> Mask | None:
        """What hides the job's secrets; None when it has none.

        All that is logged, reported and returned is masked anyway. Only code that cuts a text before needs this.
        """

    @property
    def timeout(self) -> float | None:
        """The step's own `timeout` in seconds, which the engine keeps; None: it has none."""

    @property
    def concurrency(self) -> int:
        """Workers at once, from the definition or the type's default; 0: no bound."""

    @property
    def directory(self) -> Path:
        """The definition file's folder: relative paths in options are meant from here."""

    @property
    def state_directory(self) -> Path:
        """A private folder for the job's files; made when first asked for."""

    @property
    def artifacts(self) -> Path:
        """A folder for files that the step leaves with the job, its own; made when first asked for."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the job's children: quaero's, `[env]`, secrets, and those that name job and step.

        For code that starts programs by itself: what it starts with them is found, and ended with the job.
        """

    def open_workers(self) -> AbstractAsyncContextManager[WorkerPool]:
        """Open the step's fan-out. Leaving the block waits until every worker has ended.

        Raises nothing for failed workers: the engine judges them by the definition's error tolerance.
        """

    def report(self, *, progress: int | None = None, text: str | None = None) -> None:
        """Say how far the step is: percent and words. A step with workers has both by itself."""

    def save(self, document: Document) -> None:
        """Keep a document (in order with the log lines around it)."""

    def open_memory(self) -> AbstractAsyncContextManager[PageMemory]:
        """Open what crawls have left, for as long as the block runs."""

    def ready(self, outputs: Mapping[str, Any] | None = None) -> None:
        """A service step can be used from now on; its outputs are handed to the steps that wait for it."""

    def started(self) -> None:
        """What the step runs has begun (`run_process` says so by itself): a service is ready unless it says when."""

    async def room(self) -> None:
        """Wait while the recorder is behind. Loops that log much call it once per round; a checkpoint always."""

    async def run_process(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        read_levels: bool = False,
    ) -> int:
        """Run a child in a process group of its own, its stdout and stderr logged line by line; return its exit code.

        A negative code is the signal that ended it. On cancellation the whole group gets TERM, after the grace
        KILL; no process of it is left when this returns. `env` is added to the job's environment.
        Raises StepFailed when it cannot be started.
        """

    async def run_job(self, definition: str, params: Mapping[str, Any]) -> SubJob:
        """Run another definition as a job of its own, and wait for its end, whatever it is.

        `definition` is an id, or a path that ends in `.toml` from this definition's folder. The output `job_id` of
        the step is set when the job starts. Cancelled, it cancels the job, and waits until it has ended.
        Raises QuaeroError when there is no such definition, it runs already and refuses a second job, a parameter or
        a secret is missing, or jobs are nested too deeply.
        """
