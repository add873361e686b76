"""What a crawl needs of its surroundings, and nothing else: a log, workers, the memory of crawls.

The step type hands the engine's objects in; they fit structurally, so the crawler's parts import no engine and no
step type.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from quaero_cli.masking.mask import Mask
from quaero_cli.model import Document, FoundPage, FrontierPage, PageMemo, PageState


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


class Memory(Protocol):
    """What crawls have left in the store, and what this one leaves there."""

    def recall(self, url: str) -> tuple[PageMemo, bool] | None: ...

    def knows_site(self, origin: str) -> bool: ...

    def left(self, *, inherited: bool, after: int, limit: int) -> list[FrontierPage]: ...

    async def waiting(self, limit: int) -> list[FrontierPage]: ...

    def found(self, pages: Sequence[FoundPage]) -> None: ...

    def visited(
        self,
        states: Sequence[tuple[str, PageState]] = (),
        *,
        document: Document | None = None,
        unchanged: str | None = None,
        memo: PageMemo | None = None,
        used: str | None = None,
    ) -> None: ...

    def drop(self, rows: int) -> None: ...


class Surroundings(Protocol):
    """The running step."""

    @property
    def mask(self) -> Mask | None: ...

    @property
    def log(self) -> Log: ...

    def open_workers(self) -> AbstractAsyncContextManager[Workers]: ...

    def open_memory(self) -> AbstractAsyncContextManager[Memory]: ...

    def report(self, *, progress: int | None = None, text: str | None = None) -> None: ...

    async def room(self) -> None: ...
