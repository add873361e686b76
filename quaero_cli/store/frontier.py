"""What crawls leave in the store: the frontier of each crawler step, and what is known of pages.

`frontier` holds every URL that a crawl found, with its depth and its state, so that a crawl whose process died goes
on where it was. `page` holds what the last answer of a URL was (its validators and what was read of it), so that a
later crawl fetches only what has changed. A visited page's document, its state and its memo are one fact, stored in
one transaction: whatever is stored is not fetched again.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isal import isal_zlib

from quaero_cli.model import (
    DocumentFound,
    FrontierDropped,
    FrontierPage,
    PageMemo,
    PagesFound,
    PageState,
    PageVisited,
)
from quaero_cli.store.encode import clean_text
from quaero_cli.store.engine import Connection, connect, snapshot, translated
from quaero_cli.store.keeping import keep_document
from quaero_cli.store.many import ManyRows
from quaero_cli.store.memos import drop_memos

_MAX_CHAIN = 100  # jobs that resume each other
_FAR = 1 << 20  # depth of a URL that only a redirect led to, until it is told
# Links of one site have most of their letters in common: it packs them to a third. By a library that takes a third of
# zlib's time for the very same format: packing was a quarter of what storing a page takes.
_ZLIB_LEVEL = 1


_WRITE_FOUND = ManyRows(
    "INSERT INTO frontier (step, url, depth, found_on) VALUES",
    4,
    "ON CONFLICT (step, url) DO UPDATE SET depth = min(depth, excluded.depth)",
)
_WRITE_STATES = ManyRows(
    "INSERT INTO frontier (step, url, depth, state) VALUES",
    4,
    "ON CONFLICT (step, url) DO UPDATE SET state = excluded.state",
)
_WRITE_MEMOS = ManyRows("INSERT OR REPLACE INTO page (url, etag, last_modified, facts, fetched_at) VALUES", 5)


class CrawlChanges:
    """What crawls found and visited in one transaction, gathered; `write` brings it into the tables."""

    def __init__(self) -> None:
        self._found: list[object] = []  # flat rows
        self._states: list[object] = []
        self._memos: list[object] = []

    def found(self, step: int, fact: PagesFound) -> None:
        """Keep URLs that a crawl found; one that is known may have come nearer."""
        for url, depth, found_on in fact.pages:
            self._found += (step, clean_text(url), depth, found_on and clean_text(found_on))

    def visited(self, connection: Connection, step: int, fact: PageVisited) -> None:
        """Keep what became of a page."""
        for url, state in fact.states:
            self._states += (step, clean_text(url), _FAR, int(state))
        if fact.document is not None:
            keep_document(connection, DocumentFound(fact.job, fact.document))
        if fact.unchanged is not None:
            connection.execute(
                "UPDATE document SET last_seen = ?, job_id = ? WHERE url = ?",
                (fact.time_us, fact.job, clean_text(fact.unchanged)),
            )
        if fact.used is not None:
            connection.execute("UPDATE page SET fetched_at = ? WHERE url = ?", (fact.time_us, clean_text(fact.used)))
        if fact.memo is not None:
            memo = fact.memo
            self._memos += (
                clean_text(memo.url), memo.etag and clean_text(memo.etag),
                memo.last_modified and clean_text(memo.last_modified), isal_zlib.compress(memo.facts, _ZLIB_LEVEL),
                fact.time_us,
            )  # fmt: skip

    def write(self, connection: Connection) -> None:
        """Found ones first: a visited URL was found before, or was led to by a redirect alone."""
        for statement, values in (
            (_WRITE_FOUND, self._found), (_WRITE_STATES, self._states), (_WRITE_MEMOS, self._memos)
        ):  # fmt: skip
            statement.write(connection, values)
            values.clear()


def drop(connection: Connection, step: int, fact: FrontierDropped) -> None:
    """Forget a part of a frontier that nobody needs any more, and of the memos."""
    connection.execute(
        "DELETE FROM frontier WHERE id IN (SELECT id FROM frontier WHERE step = ? LIMIT ?)", (step, fact.rows)
    )
    drop_memos(connection, fact.memos_before, fact.rows)


class CrawlReader:
    """What a crawler step finds of itself and of earlier crawls. Quick reads, for the event loop."""

    def __init__(self, connection: Connection, path: Path, job: str, step: str) -> None:
        self._connection = connection
        self._path = path
        with translated(path), snapshot(connection):
            self._own = [key for key in (_step_key(connection, job, step),) if key is not None]
            self._inherited = _inherited(connection, job, step)

    def recall(self, url: str) -> tuple[PageMemo, bool] | None:
        """Return what is known of a URL, and whether a document of it is kept; None: nothing."""
        with translated(self._path):
            row = self._connection.execute(
                "SELECT etag, last_modified, facts, EXISTS (SELECT 1 FROM document WHERE document.url = page.url)"
                " FROM page WHERE url = ?",
                (url,),
            ).fetchone()
        return None if row is None else (PageMemo(url, row[0], row[1], zlib.decompress(row[2])), bool(row[3]))

    def knows_site(self, origin: str) -> bool:
        """Return whether anything is known of an origin (`https://host`)."""
        with translated(self._path):
            row = self._connection.execute(
                "SELECT 1 FROM page WHERE url >= ? AND url < ? LIMIT 1", (f"{origin}/", f"{origin}0")
            ).fetchone()
        return row is not None

    def left(self, *, inherited: bool, after: int, limit: int) -> list[FrontierPage]:
        """Return a part of the frontier that earlier attempts left, or the job that this one repeats; in order."""
        steps = self._inherited if inherited else self._own
        with translated(self._path):
            rows = self._connection.execute(
                f"SELECT id, url, depth, state, found_on FROM frontier WHERE step IN ({','.join('?' * len(steps))})"
                " AND id > ? ORDER BY id LIMIT ?",
                (*steps, after, limit),
            ).fetchall()
        return [FrontierPage(row[0], row[1], row[2], PageState(row[3]), row[4]) for row in rows]

    def waiting(self, limit: int) -> list[FrontierPage]:
        """Return the pages of the own frontier that come next: the nearest first, then in the order of finding."""
        with translated(self._path):
            rows = self._connection.execute(
                "SELECT id, url, depth, found_on FROM frontier WHERE step = ? AND state = 0"
                " ORDER BY depth, id LIMIT ?",
                (*(self._own or [0]), limit),
            ).fetchall()
        return [FrontierPage(row[0], row[1], row[2], PageState.WAITING, row[3]) for row in rows]


def _inherited(connection: Connection, job: str, step: str) -> list[int]:
    """The steps whose work a job goes on with: those of the jobs that it resumes, which may have resumed others.

    All of them: a job that was killed at its very start has taken over only a part.
    """
    rows = connection.execute(
        "WITH RECURSIVE chain(id, heir, depth) AS ("
        " SELECT retry_of, resumes, 1 FROM job WHERE id = ?"
        " UNION ALL SELECT job.retry_of, job.resumes, depth + 1 FROM job JOIN chain ON job.id = chain.id"
        " WHERE chain.heir AND depth < ?)"
        " SELECT step.key FROM chain JOIN job ON job.id = chain.id JOIN step ON step.job = job.key"
        " WHERE chain.heir AND step.name = ?",
        (job, _MAX_CHAIN, step),
    )
    return [row[0] for row in rows]


def _step_key(connection: Connection, job: str, step: str) -> int | None:
    row = connection.execute(
        "SELECT step.key FROM step JOIN job ON job.key = step.job WHERE job.id = ? AND step.name = ?", (job, step)
    ).fetchone()
    return None if row is None else int(row[0])


@contextmanager
def open_crawl_reader(path: Path, job: str, step: str) -> Iterator[CrawlReader]:
    """Open the store for one crawler step. Raises StoreError."""
    connection = connect(path, readonly=True)
    try:
        yield CrawlReader(connection, path, job, step)
    finally:
        connection.close()
