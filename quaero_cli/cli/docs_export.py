"""`quaero docs export`: documents to files. Markdown with front matter, NDJSON, or WARC for archives.

Documents are read in pages, so that memory does not grow with the collection. A file's name is made of the document's
ID and title, so exporting again brings the same files up to date.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from quaero_cli import __version__
from quaero_cli.errors import UsageError
from quaero_cli.store.documents import DocumentQuery, Documents
from quaero_cli.terminal.ndjson import to_json

_PAGE = 200  # documents read at once
_MAX_SLUG = 60  # characters; a path has a limit of 255 bytes for each name
# What stands above the text, in this order. A JSON text is a YAML text, so values are written as JSON.
_FRONT = (
    "id", "title", "url", "canonical_url", "authors", "published", "language", "site", "tags", "image",
    "content_hash", "version", "status", "fetched_at", "first_seen", "last_seen", "job_id",
)  # fmt: skip
_WARC_FILE = "documents.warc.gz"
_WARC_VERSION = "WARC/1.1"  # 1.0 knows no times of less than a second
_WARC_INFO = {
    "software": f"quaero/{__version__}",
    "format": "WARC File Format 1.1",
    "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
}

Document = Mapping[str, Any]


def export(documents: Documents, query: DocumentQuery, folder: Path, format: str, limit: int | None) -> int:
    """Write what the query finds below `folder`, made where it is missing; return how many. Raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FORMATS[format](_read(documents, query, limit), documents, folder)
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder}: {error.strerror}", hint="name a directory to write to"
        ) from None


def _read(documents: Documents, query: DocumentQuery, limit: int | None) -> Iterator[dict[str, Any]]:
    done = 0
    while limit is None or done < limit:
        wanted = _PAGE if limit is None else min(_PAGE, limit - done)
        found = documents.find(query, limit=wanted, offset=done).documents
        for each in found:
            yield documents.one(each["id"])
        done += len(found)
        if len(found) < wanted:
            return


def _markdown(found: Iterator[Document], _documents: Documents, folder: Path) -> int:
    written = 0
    for each in found:
        front = "".join(f"{name}: {to_json(each[name])}\n" for name in _FRONT if each[name] is not None)
        text = f"---\n{front}---\n\n# {each['title']}\n\n{each['text']}\n"
        (folder / f"{each['id']:06d}-{_slug(each['title'])}.md").write_text(text, encoding="utf-8")
        written += 1
    return written


def _ndjson(found: Iterator[Document], _documents: Documents, folder: Path) -> int:
    written = 0
    with (folder / "documents.ndjson").open("w", encoding="utf-8") as file:
        for each in found:
            file.write(to_json(each) + "\n")
            written += 1
    return written


def _warc(found: Iterator[Document], documents: Documents, folder: Path) -> int:
    """A record `warcinfo`, then a record `resource` with the page where its HTML was kept, and one `conversion`.

    That has the text as Markdown.
    """
    from warcio.warcwriter import WARCWriter

    written = 0
    with (folder / _WARC_FILE).open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version=_WARC_VERSION)
        about = writer.create_warcinfo_record(_WARC_FILE, _WARC_INFO)
        writer.write_record(about)
        of_file = {"WARC-Warcinfo-ID": about.rec_headers.get_header("WARC-Record-ID")}
        for each in found:
            _write_records(writer, each, documents.html(each["id"]), of_file)
            written += 1
    return written


def _write_records(
    writer: Any,  # noqa: ANN401  # it has no types
    document: Document,
    page: bytes | None,
    headers: Mapping[str, str],
) -> None:
    headers = {**headers, "WARC-Date": document["fetched_at"]}

    def write(kind: str, media: str, content: bytes) -> str:
        record = writer.create_warc_record(
            document["url"],
            kind,
            payload=BytesIO(content),
            warc_content_type=media,
            warc_headers_dict=headers,
        )
        writer.write_record(record)
        return str(record.rec_headers.get_header("WARC-Record-ID"))

    if page is not None:
        headers["WARC-Refers-To"] = write("resource", "text/html", page)
    write("conversion", "text/markdown", f"# {document['title']}\n\n{document['text']}\n".encode())


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_MAX_SLUG].strip("-") or "untitled"


FORMATS: Mapping[str, Callable[[Iterator[Document], Documents, Path], int]] = {
    "markdown": _markdown,
    "ndjson": _ndjson,
    "warc": _warc,
}
