"""A crawl that goes on where an earlier part of it was: another attempt of the step, or the job that is repeated.

The store has the frontier of each crawl that has not come to its end: pages found, and what became of them.
"""

from collections.abc import Sequence

from quaero_cli.crawl.frontier import Frontier
from quaero_cli.crawl.ports import Memory, Surroundings
from quaero_cli.crawl.secrecy import Secrecy
from quaero_cli.model import PageState

# Rows of a frontier that are read, or forgotten, at once: some milliseconds.
_ROWS_AT_ONCE = 1_000
_ROWS_DROPPED = 5_000


class Resuming:
    """The frontier in the store, and the one in memory."""

    def __init__(
        self, around: Surroundings, memory: Memory, frontier: Frontier, secrecy: Secrecy, start_urls: Sequence[str]
    ) -> None:
        self._around = around
        self._memory = memory
        self._frontier = frontier
        self._secrecy = secrecy
        self._start_urls = start_urls

    async def resume(self) -> bool:
        """Go on where an earlier part was, if there was one; return whether it had a page of a start URL."""
        inherited = not self._memory.left(inherited=False, after=0, limit=1)
        starts = set(self._start_urls)
        started = False
        last = lost = 0
        while rows := self._memory.left(inherited=inherited, after=last, limit=_ROWS_AT_ONCE):
            last = rows[-1].id
            pages = self._secrecy.whole_pages(rows)
            lost += len(rows) - len(pages)
            for page in pages:
                self._frontier.restore(page)
                visited = page.state in (PageState.DONE, PageState.PASSED)
                started = started or (visited and page.url in starts)
            if inherited:
                self._memory.found([(page.url, page.depth, page.found_on) for page in pages])
                self._memory.visited(
                    [(page.url, page.state) for page in pages if page.state is not PageState.WAITING]
                )
            await self._around.room()
        if last:
            self._around.log.info(
                "Crawl resumed", pages_done=self._frontier.pages, pages_waiting=self._frontier.waiting
            )
        if lost:
            self._around.log.warn("Pages not resumed", pages=lost, reason="a secret in their addresses is not stored")
        return started

    async def forget(self) -> None:
        """Nothing is left to resume: the frontier is needed no more."""
        for _ in range(self._frontier.size // _ROWS_DROPPED + 1):
            self._memory.drop(_ROWS_DROPPED)
            await self._around.room()
