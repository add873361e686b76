"""What a crawl needs of its surroundings, and nothing else: a log, workers, a place for documents.

The step type hands the engine's objects in; they fit structurally, so the crawler's parts import no engine and no
step type.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from quaero_cli.model import Document


class Log(Protocol):
    """Structured log; never blocks."""

    def debug(self, message: str, /, **fields: object) -> None: ...

    def info(self, message: str, /, **fields: object) -> None: ...

    def warn(self, message: str, /, **fields: object) -> None: ...

    def error(self, message: str, /, **fields: object) -> None: ...


class Worker(Protocol):
    """One page's worker: its own log."""

    @property
    def log(self) -> Log: ...


class Workers(Protocol):
    """Runs pages in the order in which they were spawned, a bounded number at once."""

    def spawn(self, fn: "Callable[[Worker], Awaitable[None]]", *, label: str = "") -> int: ...


class Surroundings(Protocol):
    """The running step."""

    @property
    def log(self) -> Log: ...

    def open_workers(self) -> AbstractAsyncContextManager[Workers]: ...

    def save(self, document: Document) -> None: ...

    async def room(self) -> None: ...
