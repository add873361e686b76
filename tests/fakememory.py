"""What crawls remember, in memory, without a store: for `fakes.FakeContext`."""

from collections.abc import Sequence

import trio

from quaero_cli.model import Document, FoundPage, FrontierPage, PageMemo, PageState


class FakeMemory:
    """The memory of crawls (`PageMemory`); hand the same one to several contexts, and they are crawls one after the
    other. `begin_again` makes what the last one left the frontier of a job that is repeated."""

    def __init__(self) -> None:
        self.memos: dict[str, PageMemo] = {}
        self.kept: dict[str, Document] = {}
        self.unchanged: list[str] = []
        self.own: dict[str, FrontierPage] = {}
        self.inherited: dict[str, FrontierPage] = {}

    def begin_again(self) -> None:
        self.inherited, self.own = self.own, {}

    def recall(self, url: str) -> tuple[PageMemo, bool] | None:
        return (self.memos[url], url in self.kept) if url in self.memos else None

    def knows_site(self, origin: str) -> bool:
        return any(url.startswith(f"{origin}/") for url in self.memos)

    def left(self, *, inherited: bool, after: int, limit: int) -> list[FrontierPage]:
        pages = (self.inherited if inherited else self.own).values()
        return [page for page in pages if page.id > after][:limit]

    async def waiting(self, limit: int) -> list[FrontierPage]:
        await trio.lowlevel.checkpoint()
        found = [page for page in self.own.values() if page.state is PageState.WAITING]
        return sorted(found, key=lambda page: (page.depth, page.id))[:limit]

    def found(self, pages: Sequence[FoundPage]) -> None:
        for url, depth, found_on in pages:
            known = self.own.get(url)
            page = (
                FrontierPage(len(self.own) + 1, url, depth, PageState.WAITING, found_on) if known is None else known
            )
            self.own[url] = page._replace(depth=min(depth, page.depth))

    def visited(
        self,
        states: Sequence[tuple[str, PageState]] = (),
        *,
        document: Document | None = None,
        unchanged: str | None = None,
        memo: PageMemo | None = None,
        used: str | None = None,
    ) -> None:
        for url, state in states:
            self.found([(url, 0, None)] if url not in self.own else [])
            self.own[url] = self.own[url]._replace(state=state)
        if document is not None:
            self.kept[document.url] = document
        if unchanged is not None:
            self.unchanged.append(unchanged)
        if memo is not None:
            self.memos[memo.url] = memo

    def drop(self, rows: int) -> None:
        for url in list(self.own)[:rows]:
            del self.own[url]
