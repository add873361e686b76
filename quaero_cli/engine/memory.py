"""What a crawler step is handed of the store: it reads what crawls have left, and emits what it leaves itself.

The engine knows no store: the session hands in how to open the reading half (`Ground.open_crawl`). Without one, in
tests of the engine alone, nothing is remembered.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from quaero_cli.engine.documents import check_document
from quaero_cli.model import (
    Document,
    Fact,
    FoundPage,
    FrontierDropped,
    FrontierPage,
    PageMemo,
    PagesFound,
    PageState,
    PageVisited,
)


class CrawlReader(Protocol):
    """The reading half; see `store.frontier.CrawlReader`."""

    def recall(self, url: str) -> tuple[PageMemo, bool] | None: ...

    def knows_site(self, origin: str) -> bool: ...

    def left(self, *, inherited: bool, after: int, limit: int) -> list[FrontierPage]: ...

    def waiting(self, limit: int) -> list[FrontierPage]: ...


# A page that no crawl has asked for in so long is fetched as a new one: sites that are gone must not fill the store.
_MEMO_DAYS = 180
_DAY_US = 86_400_000_000

OpenCrawl = Callable[[str, str], AbstractContextManager[CrawlReader]]


class _Nothing:
    """Remembers nothing."""

    def recall(self, url: str) -> None:
        return None

    def knows_site(self, origin: str) -> bool:
        return False

    def left(self, *, inherited: bool, after: int, limit: int) -> list[FrontierPage]:
        return []

    def waiting(self, limit: int) -> list[FrontierPage]:
        return []


@contextmanager
def open_nothing(_job: str, _step: str) -> Iterator[CrawlReader]:
    """A reader for an engine without a store."""
    yield _Nothing()


class PageMemory:
    """One crawler step's memory (`steps.contract.PageMemory`)."""

    def __init__(
        self,
        reader: CrawlReader,
        emit: Callable[[Fact], None],
        flush: Callable[[], Awaitable[None]],
        job: str,
        step: str,
    ) -> None:
        self._reader = reader
        self._emit = emit
        self._flush = flush
        self._job = job
        self._step = step
        self.recall = reader.recall
        self.knows_site = reader.knows_site
        self.left = reader.left

    async def waiting(self, limit: int) -> list[FrontierPage]:
        """The pages that come next, of all that were found until now."""
        await self._flush()
        return self._reader.waiting(limit)

    def found(self, pages: Sequence[FoundPage]) -> None:
        """Keep URLs with their depths, and what led to them."""
        self._emit(PagesFound(self._job, self._step, tuple(pages)))

    def visited(
        self,
        states: Sequence[tuple[str, PageState]] = (),
        *,
        document: Document | None = None,
        unchanged: str | None = None,
        memo: PageMemo | None = None,
        used: str | None = None,
    ) -> None:
        """Keep what became of a page. Raises StepFailed for a document that cannot be stored."""
        if document is not None:
            check_document(document)
        now = time.time_ns() // 1000
        self._emit(PageVisited(self._job, self._step, tuple(states), now, document, unchanged, memo, used))

    def drop(self, rows: int) -> None:
        """Forget so many URLs of the frontier, and memos that were not used for long."""
        before = time.time_ns() // 1000 - _MEMO_DAYS * _DAY_US
        self._emit(FrontierDropped(self._job, self._step, rows, before))
