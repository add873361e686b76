"""`quaero docs`: what the crawler collected: the list, the search, one article, files."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quaero_cli.cli import common
from quaero_cli.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from quaero_cli.store.documents import DocumentQuery, Documents
    from quaero_cli.store.reader import Reader

EPILOG = 'Example: quaero docs search "climate report" --since 7d, then quaero docs show 17'
_HINT = "quaero docs [list], quaero docs search TEXT, quaero docs show ID, or quaero docs export DIR"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("docs", epilog=EPILOG, short_help="List, search, show or export what crawlers collected.")(docs)


def docs(
    action: Annotated[
        str | None,
        typer.Argument(
            metavar="[list|search|show|export]",
            help="Search TEXT in titles and texts; show the document ID; export all to the folder DIR. `list` may be"
            " left out.",
            show_default=False,
        ),
    ] = None,
    words: Annotated[list[str] | None, typer.Argument(metavar="[TEXT|ID|DIR]", hidden=True)] = None,
    job: Annotated[
        str | None,
        typer.Option("--job", metavar="JOB", help="Only documents that this job kept last.",
                     autocompletion=common.complete_job),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(
            "--site",
            metavar="SITE",
            help="Only documents of this site: its name, HOST, HOST:PORT.",
            callback=common.not_empty,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Only documents first seen since then: 2h, 7d, 2026-01-15."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, max=1_000_000, show_default=False,
                     help="At most so many; 50, export: all."),
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=1, metavar="N", help="With show: what an older version said.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="With show: the page as it came (keep_html).")] = False,
    format: Annotated[
        str | None, typer.Option("--format", metavar="FORMAT", help="With export: markdown (default), ndjson, warc.")
    ] = None,
    json: common.Json = False,
    home: common.Home = None,
) -> None:  # fmt: skip
    """List what crawlers collected (the newest first), search it, show one article, or export all.

    A search wants every word; a phrase stands in quotes, and a * ends a word that may go on.
    """
    from quaero_cli.store.reader import open_reader

    settings = common.prepared_settings(home)
    given = list(words or ())
    _refuse_unfit(action, given, version, html, format)
    with open_reader(settings.database) as reader:
        query = _query(reader, job, site, since, " ".join(given) if action == "search" else None)
        if action in (None, "list", "search"):
            _print_list(reader.documents.find(query, limit=limit or 50).documents, query, json=json)
        elif action == "show":
            _show(reader.documents, given[0], version, html=html, json=json)
        else:
            _export(reader.documents, query, given[0], format or "markdown", limit, json=json)


def _refuse_unfit(action: str | None, words: list[str], version: int | None, html: bool, format: str | None) -> None:
    """Raise UsageError for words and options that do not belong to the action."""
    wanted = {None: 0, "list": 0, "show": 1, "export": 1}
    fits = bool(words) if action == "search" else action in wanted and len(words) == wanted[action]
    if not fits:
        raise UsageError(_misfit(action, words, wanted), hint=_HINT)
    if action != "show" and (version is not None or html):
        raise UsageError(f"{'--html' if html else '--version'}: only with `show`", hint="quaero docs show ID")
    if html and version is not None:
        raise UsageError("--html: only the newest version has one", hint="leave --version out")
    if format is not None and action != "export":
        raise UsageError("--format: only with `export`", hint="quaero docs export DIR --format ndjson")


def _misfit(action: str | None, words: list[str], wanted: dict[str | None, int]) -> str:
    """Return what is wrong with the words: no such action, one word missing, or some too many."""
    missing = {"search": "give what to look for", "show": "give the document's ID", "export": "name the folder"}
    if action is not None and action not in wanted and action != "search":
        return f"docs: no action {action!r}"
    if not words:
        return f"docs {action}: {missing[action or '']}"
    return f"docs {action}: takes no {words[wanted[action]]!r}"


def _query(
    reader: "Reader", job: str | None, site: str | None, since: str | None, text: str | None
) -> "DocumentQuery":
    from quaero_cli.cli.moments import parse_moment
    from quaero_cli.store.documents import DocumentQuery

    return DocumentQuery(
        job_id=None if job is None else reader.find_job(job),
        site=site,
        since=None if since is None else parse_moment(since),
        text=text,
    )


def _print_list(found: list[dict[str, Any]], query: "DocumentQuery", *, json: bool) -> None:
    from quaero_cli.store.documents import DocumentQuery
    from quaero_cli.terminal.documents import write_documents
    from quaero_cli.terminal.tables import json_array

    if json:
        common.out().write(json_array(found))
    elif found:
        write_documents(common.out(), found)
    elif query != DocumentQuery():
        common.err().write("no document matches\nhint: quaero docs lists all\n")
    else:
        common.err().write("no documents yet\nhint: collect some with: quaero run news-crawler\n")


def _show(documents: "Documents", text: str, version: int | None, *, html: bool, json: bool) -> None:
    from quaero_cli.terminal.documents import write_document
    from quaero_cli.terminal.ndjson import to_json

    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFoundError(f"no document {text}", hint="list the documents with: quaero docs")
    found = documents.one(int(text))
    if version is not None:
        found |= documents.version(int(text), version)
    kept = documents.html(int(text)) if html else None
    if html and kept is None:
        raise NotFoundError(f"document {text} has no HTML", hint="let the crawler keep it: keep_html = true")
    if json:
        more = {} if kept is None else {"html": kept.decode(errors="replace")}
        common.out().write(to_json({**found, **more}) + "\n")
    elif kept is not None:
        common.out().write(kept.decode(errors="replace"))
    else:
        write_document(common.out(), found)


def _export(
    documents: "Documents", query: "DocumentQuery", folder: str, format: str, limit: int | None, *, json: bool
) -> None:
    from pathlib import Path

    from quaero_cli.cli.docs_export import FORMATS, export
    from quaero_cli.terminal.ndjson import to_json

    if format not in FORMATS:
        raise UsageError(f"--format: no format {format!r}", hint="one of: " + ", ".join(FORMATS))
    written = export(documents, query, Path(folder), format, limit)
    if json:
        common.out().write(to_json({"directory": folder, "format": format, "documents": written}) + "\n")
    else:
        common.err().write(f"{written} document{'' if written == 1 else 's'} written to {folder}\n")
