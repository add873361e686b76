"""Runs a function that is not async in a thread, and gives it a context that it can use there.

A thread cannot be stopped from outside. A cancelled step waits `PATIENCE` for one that ends by itself (a function
that loops calls `trio.from_thread.check_cancelled()` now and then), then abandons it with a word in the log. What an
abandoned thread still says reaches nobody: its job has ended.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import trio

from quaero_cli.masking.mask import Mask
from quaero_cli.model import Document, Level
from quaero_cli.pycall.capture import Sink
from quaero_cli.steps.contract import Log, StepContext, StepFailed

PATIENCE = 1.0  # seconds; a function that looks for cancellation at all looks more often than that


async def run_in_thread(function: Callable[[], Any], *, name: str, log: Log) -> Any:  # noqa: ANN401 - the author's
    """Return what `function` returns, or raise what it raises. Cancelled, it abandons the thread in the end."""
    begun = threading.Lock()  # taken by the thread when it begins, or by the canceller so that it never does
    ended = trio.Event()
    token = trio.lowlevel.current_trio_token()

    def body() -> tuple[Any] | None:
        if not begun.acquire(blocking=False):
            return None
        try:
            return (function(),)
        finally:
            with contextlib.suppress(trio.RunFinishedError):  # abandoned, and nobody is left to be told
                token.run_sync_soon(ended.set)

    try:
        # A limiter of its own: the common one also starts child processes, and must not run out on long functions.
        result = await trio.to_thread.run_sync(
            body, abandon_on_cancel=True, limiter=trio.CapacityLimiter(1), thread_name=name
        )
    except trio.Cancelled:
        if not begun.acquire(blocking=False):
            with trio.move_on_after(PATIENCE, shield=True) as patience:
                await ended.wait()
            if patience.cancelled_caught:
                log.warn(
                    f"Abandoned {name}: it runs on in its thread, which cannot be stopped",
                    hint="call trio.from_thread.check_cancelled() in its loops, or make it async",
                )
        raise
    assert result is not None
    return result[0]


class ThreadContext:
    """The step's context for a function in a thread: the same names, nothing to await.

    Workers and child processes need an async function: a thread that starts them could not be cancelled.
    """

    def __init__(self, ctx: StepContext, sink: Sink) -> None:
        self._ctx = ctx
        self._token = trio.lowlevel.current_trio_token()
        self.job_id: str = ctx.job_id
        self.step_name: str = ctx.step_name
        self.concurrency: int = ctx.concurrency
        self.directory: Path = ctx.directory
        self.timeout: float | None = ctx.timeout
        self.mask: Mask | None = ctx.mask
        self.log: Log = _ThreadLog(ctx.log, sink)

    @property
    def state_directory(self) -> Path:
        """A private folder for the job's files; made when first asked for."""
        return self._ctx.state_directory

    @property
    def artifacts(self) -> Path:
        """The step's own folder for files that it leaves with the job; made when first asked for."""
        return self._ctx.artifacts

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the job's children, for code that starts programs by itself."""
        return self._ctx.environment

    def started(self) -> None:
        """Say that what the step runs has begun."""
        self._on_loop(self._ctx.started)

    def report(self, *, progress: int | None = None, text: str | None = None) -> None:
        """Say how far the step is."""
        self._on_loop(lambda: self._ctx.report(progress=progress, text=text))

    def save(self, document: Document) -> None:
        """Keep a document."""
        self._on_loop(lambda: self._ctx.save(document))

    def ready(self, outputs: Mapping[str, Any] | None = None) -> None:
        """Say that a service step can be used from now on."""
        self._on_loop(lambda: self._ctx.ready(outputs))

    def room(self) -> None:
        """Wait while the recorder is behind."""
        trio.from_thread.run(self._ctx.room, trio_token=self._token)

    def open_workers(self) -> NoReturn:
        """Not for threads."""
        raise StepFailed("only an async function can open workers", hint="write async def")

    def run_process(self, *words: object, **options: object) -> NoReturn:
        """Not for threads."""
        raise StepFailed("only an async function can use ctx.run_process", hint="write async def, or use subprocess")

    def open_memory(self) -> NoReturn:
        """Not for threads."""
        raise StepFailed("only an async function can use ctx.open_memory", hint="write async def")

    def run_job(self, *words: object, **options: object) -> NoReturn:
        """Not for threads."""
        raise StepFailed("only an async function can use ctx.run_job", hint="write async def")

    def _on_loop(self, function: Callable[[], None]) -> None:
        trio.from_thread.run_sync(function, trio_token=self._token)


class _ThreadLog:
    """A log that falls silent with its sink."""

    def __init__(self, log: Log, sink: Sink) -> None:
        self._log = log
        self._sink = sink

    def debug(self, message: str, /, **fields: object) -> None:
        self.write(Level.DEBUG, message, fields=fields)

    def info(self, message: str, /, **fields: object) -> None:
        self.write(Level.INFO, message, fields=fields)

    def warn(self, message: str, /, **fields: object) -> None:
        self.write(Level.WARN, message, fields=fields)

    def error(self, message: str, /, **fields: object) -> None:
        self.write(Level.ERROR, message, fields=fields)

    def write(
        self, level: int, message: str, *, source: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> None:
        if not self._sink.closed:
            self._log.write(level, message, source=source, fields=fields)
