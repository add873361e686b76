"""`quaero docs`: what the crawler collected."""

from typing import Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.errors import NotFoundError, UsageError

EPILOG = "Example: quaero docs --job last, then quaero docs show 17"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("docs", epilog=EPILOG)(docs)


def docs(
    action: Annotated[
        str | None,
        typer.Argument(
            metavar="[list | show ID]", help="`show` and a document's id: one article.", show_default=False
        ),
    ] = None,
    document: Annotated[str | None, typer.Argument(metavar="", hidden=True)] = None,
    job: Annotated[
        str | None, typer.Option("--job", metavar="JOB", help="Only documents that this job kept last.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")] = 50,
    json: common.Json = False,
    home: common.Home = None,
) -> None:
    """List what crawlers collected, the newest first, or show one article as Markdown."""
    from quaero_cli.store.reader import open_reader

    settings = common.prepared_settings(home)
    with open_reader(settings.database) as reader:
        if action in (None, "list") and document is None:
            found = reader.list_documents(job_id=None if job is None else reader.find_job(job), limit=limit)
            _print_list(found, json=json)
        elif action == "show" and document is not None:
            if not (document.isascii() and document.isdigit() and len(document) < 19):
                raise NotFoundError(f"no document {document}", hint="list the documents with: quaero docs")
            _print_one(reader.document(int(document)), json=json)
        else:
            raise UsageError(f"docs: cannot {action}", hint="list with: quaero docs; read with: quaero docs show ID")


def _print_list(found: list[dict[str, object]], *, json: bool) -> None:
    import time

    from quaero_cli.terminal.page import Cell, Column, page_for, table
    from quaero_cli.terminal.tables import json_array

    out = common.out()
    if json:
        out.write(json_array(found))
    elif found:
        columns = (
            Column("ID", right=True),
            Column("PUBLISHED", drop=1),
            Column("TITLE", least=20),
            Column("URL", least=10),
        )
        rows = [
            [Cell(str(each["id"]), "title"), Cell(str(each["published"] or ""), "muted"), Cell(str(each["title"])),
             Cell(str(each["url"]), "muted")]
            for each in found
        ]  # fmt: skip
        out.write(table(page_for(out, time.time()), columns, rows))
    else:
        common.err().write("no documents yet\nhint: collect some with: quaero run news-crawler\n")


def _print_one(found: dict[str, object], *, json: bool) -> None:
    from quaero_cli.terminal.clean import clean
    from quaero_cli.terminal.ndjson import to_json

    out = common.out()
    if json:
        out.write(to_json(found) + "\n")
        return
    authors = found["authors"]
    by = ", ".join(map(str, authors)) if isinstance(authors, list) else ""
    facts = " · ".join(str(each) for each in (by, found["published"], found["language"], found["url"]) if each)
    out.write(f"# {clean(str(found['title']))}\n{clean(facts)}\n\n")
    out.write("\n".join(clean(line) for line in str(found["text"]).split("\n")) + "\n")
