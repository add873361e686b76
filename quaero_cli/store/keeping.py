"""Documents on their way into the store, inside the writer's transaction.

A document's identity is its URL. Found again with the same title and text it is the same: only when and by whom it
was seen last moves on. With another title or text what it said before becomes a version. The full-text index follows
by triggers (see `schema`).
"""

import zlib

from quaero_cli.model import Document, DocumentFound
from quaero_cli.store.encode import clean_text, encode_json
from quaero_cli.store.engine import Connection

_COLUMNS = (
    "canonical_url", "title", "authors", "published", "language", "site", "tags", "text", "content_hash", "status",
    "fetched_at", "last_seen", "job_id", "image",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO document (url, first_seen, {', '.join(_COLUMNS)}) VALUES (?, ?{', ?' * len(_COLUMNS)}) RETURNING id"
)
_UPDATE = f"UPDATE document SET version = version + ?, {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ?"
# Fast: a page is packed on the recorder's thread, and HTML shrinks to a fifth at any level.
_ZLIB_LEVEL = 3


def keep_document(connection: Connection, fact: DocumentFound) -> None:
    """Keep a document under its URL; one that is known already is brought up to date."""
    document = fact.document
    url, values = clean_text(document.url), _values(document, fact.job)
    row = connection.execute("SELECT id, title, content_hash FROM document WHERE url = ?", (url,)).fetchone()
    if row is None:
        row = connection.execute(_INSERT, (url, document.fetched_at, *values)).fetchone()
    else:
        changed = (row[1], row[2]) != (clean_text(document.title), document.content_hash)
        if changed:
            connection.execute(
                "INSERT INTO document_version SELECT id, version, title, text, content_hash, published, fetched_at,"
                " job_id FROM document WHERE id = ?",
                (row[0],),
            )
        connection.execute(_UPDATE, (int(changed), *values, row[0]))
    if document.html is not None:
        packed = zlib.compress(document.html, _ZLIB_LEVEL)
        connection.execute("INSERT OR REPLACE INTO document_html VALUES (?, ?)", (row[0], packed))


def _values(document: Document, job: str) -> tuple[str | int | None, ...]:
    return (
        clean_text(document.canonical_url), clean_text(document.title), encode_json(document.authors),
        document.published, document.language, document.site and clean_text(document.site),
        encode_json(document.tags), clean_text(document.text), document.content_hash, document.status,
        document.fetched_at, document.fetched_at, job, document.image and clean_text(document.image),
    )  # fmt: skip
