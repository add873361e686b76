"""Reading what the crawler collected: lists, full-text search, one document with its versions.

The search takes words as people write them and never the engine's own query language: every word must occur, a
phrase stands in quotes, a `*` at a word's end lets it go on.
"""

import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quaero_cli.errors import NotFoundError, UsageError
from quaero_cli.store.encode import decode_json, timestamp
from quaero_cli.store.engine import Connection, snapshot, translated
from quaero_cli.store.sites import within_site

_NAMES = (
    "id", "url", "canonical_url", "title", "authors", "published", "language", "site", "tags", "content_hash",
    "status", "fetched_at", "first_seen", "last_seen", "job_id", "image", "version",
)  # fmt: skip
_FACTS = ", ".join(f"document.{name}" for name in _NAMES)
_VERSION = ("version", "title", "content_hash", "published", "fetched_at", "job_id")
_TIMES = ("fetched_at", "first_seen", "last_seen")

# A hit in the title says more than one in the text: weights of title, text, authors, tags.
_RANK = "bm25(document_text, 8.0, 1.0, 4.0, 4.0)"
# Words around a hit; what is found stands between two asterisks, as bold does in Markdown.
_SNIPPET = "snippet(document_text, -1, '**', '**', '…', 24)"
_TERM = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """Which documents: of which job, which site (see `sites`), first seen since when."""

    job_id: str | None = None
    site: str | None = None
    since: int | None = None  # UTC microseconds
    text: str | None = None  # to search for; None: list, the newest first


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Documents without their text, and how many there are in all. Of a search each has a `snippet`."""

    documents: list[dict[str, Any]]
    total: int


class Documents:
    """The documents of a store. Every answer is one snapshot. Bounded by `limit`; a search wants a thread."""

    def __init__(self, connection: Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        connection.create_function("within_site", 3, within_site, deterministic=True)

    def find(self, query: DocumentQuery, *, limit: int, offset: int = 0) -> DocumentPage:
        """Return a page: a list with the newest first, a search with the best first. Raises UsageError."""
        where, values = _where(query)
        if query.text is None:
            source, order, more = "document", "document.id DESC", ""
        else:
            source = "document_text JOIN document ON document.id = document_text.rowid"
            order, more = f"{_RANK}, document.id DESC", f", {_SNIPPET}"
        with translated(self._path), snapshot(self._connection):
            rows = self._connection.execute(
                f"SELECT {_FACTS}{more} FROM {source}{where} ORDER BY {order} LIMIT ? OFFSET ?",
                (*values, limit, offset),
            ).fetchall()
            (total,) = self._connection.execute(f"SELECT count(*) FROM {source}{where}", values).fetchone()
        return DocumentPage([_view(row) for row in rows], total)

    def one(self, document_id: int) -> dict[str, Any]:
        """Return a document with its text (Markdown) and its older versions. Raises NotFoundError."""
        with translated(self._path), snapshot(self._connection):
            row = self._connection.execute(
                f"SELECT {_FACTS}, text FROM document WHERE id = ?", (document_id,)
            ).fetchone()
            if row is None:
                raise NotFoundError(f"no document {document_id}", hint="list the documents with: quaero docs")
            older = self._connection.execute(
                f"SELECT {', '.join(_VERSION)} FROM document_version WHERE document = ? ORDER BY version",
                (document_id,),
            ).fetchall()
        return {**_view(row[:-1]), "text": row[-1], "versions": [_named(_VERSION, each) for each in older]}

    def version(self, document_id: int, version: int) -> dict[str, Any]:
        """Return what a document said in one of its versions, the newest included. Raises NotFoundError."""
        found = self.one(document_id)
        if version == found["version"]:
            return {name: found[name] for name in (*_VERSION, "text")}
        with translated(self._path):
            row = self._connection.execute(
                f"SELECT {', '.join(_VERSION)}, text FROM document_version WHERE document = ? AND version = ?",
                (document_id, version),
            ).fetchone()
        if row is None:
            raise NotFoundError(
                f"document {document_id} has no version {version}", hint=f"its versions are 1 to {found['version']}"
            )
        return {**_named(_VERSION, row[:-1]), "text": row[-1]}

    def html(self, document_id: int) -> bytes | None:
        """Return the page as it came; None where it was not kept."""
        with translated(self._path):
            row = self._connection.execute(
                "SELECT html FROM document_html WHERE document = ?", (document_id,)
            ).fetchone()
        return None if row is None else zlib.decompress(row[0])


def _where(query: DocumentQuery) -> tuple[str, list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    if query.text is not None:
        conditions.append("document_text MATCH ?")
        values.append(_expression(query.text))
    if query.job_id is not None:
        conditions.append("document.job_id = ?")
        values.append(query.job_id)
    if query.site is not None:
        conditions.append("within_site(?, document.site, document.url)")
        values.append(query.site.strip().casefold())
    if query.since is not None:
        conditions.append("document.first_seen >= ?")
        values.append(query.since)
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), values


def _expression(text: str) -> str:
    """The engine's query for words as people write them. Raises UsageError where there is nothing to look for."""
    terms: list[str] = []
    for phrase, phrase_open, word in _TERM.findall(text):
        plain, is_open = (phrase, bool(phrase_open)) if not word else (word.rstrip("*"), word.endswith("*"))
        if any(char.isalnum() for char in plain):
            terms.append(f'"{plain.replace(chr(0), " ")}"' + (" *" if is_open else ""))
    if not terms:
        raise UsageError(f"nothing to search for in {text[:60]!r}", hint='give words, or a phrase: "two words"')
    return " AND ".join(terms)


def _view(row: tuple[Any, ...]) -> dict[str, Any]:
    view = _named(_NAMES, row[: len(_NAMES)])
    for name in ("authors", "tags"):
        view[name] = decode_json(view[name])
    if len(row) > len(_NAMES):
        view["snippet"] = row[-1]
    return view


def _named(names: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    view = dict(zip(names, row, strict=True))
    for name in _TIMES:
        if name in view:
            view[name] = timestamp(view[name])
    return view
