"""Reading what the crawler collected."""

from typing import Any

from quaero_cli.errors import NotFoundError
from quaero_cli.store.encode import decode_json, timestamp
from quaero_cli.store.engine import Connection

_FACTS = (
    "id, url, canonical_url, title, authors, published, language, site, tags, content_hash, status,"
    " fetched_at, first_seen, last_seen, job_id"
)
_NAMES = _FACTS.replace(" ", "").split(",")


def list_documents(connection: Connection, *, job_id: str | None, limit: int) -> list[dict[str, Any]]:
    """Return documents without their text, the newest first."""
    where, values = ("WHERE job_id = ?", [job_id]) if job_id is not None else ("", [])
    rows = connection.execute(f"SELECT {_FACTS} FROM document {where} ORDER BY id DESC LIMIT ?", (*values, limit))
    return [_view(row) for row in rows.fetchall()]


def document(connection: Connection, document_id: int) -> dict[str, Any]:
    """Return one document with its text (Markdown). Raises NotFoundError."""
    row = connection.execute(f"SELECT {_FACTS}, text FROM document WHERE id = ?", (document_id,)).fetchone()
    if row is None:
        raise NotFoundError(f"no document {document_id}", hint="list the documents with: quaero docs")
    return {**_view(row[:-1]), "text": row[-1]}


def _view(row: tuple[Any, ...]) -> dict[str, Any]:
    view = dict(zip(_NAMES, row, strict=True))
    for name in ("authors", "tags"):
        view[name] = decode_json(view[name])
    for name in ("fetched_at", "first_seen", "last_seen"):
        view[name] = timestamp(view[name])
    return view
