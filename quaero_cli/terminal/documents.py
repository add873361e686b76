"""Documents on a terminal: the list, what a search found, one article. What a site wrote is data: it is cleaned."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from quaero_cli.terminal.clean import clean
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.page import Cell, Column, page_for, table

Document = Mapping[str, Any]


def write_documents(out: Terminal, found: Sequence[Document]) -> None:
    """Write a table of documents; of a search with what was found."""
    searched = "snippet" in found[0]
    columns = (
        Column("ID", right=True),
        Column("PUBLISHED", drop=1),
        Column("TITLE", least=20),
        Column("FOUND" if searched else "URL", least=10),
    )
    rows = [
        [
            Cell(str(each["id"]), "title"),
            Cell(str(each["published"] or "")[: len("2026-01-15")], "muted"),
            Cell(str(each["title"])),
            Cell(" ".join(str(each["snippet"]).split()) if searched else str(each["url"]), "muted"),
        ]
        for each in found
    ]
    out.write(table(page_for(out, time.time()), columns, rows))


def document_page(found: Document) -> str:
    """Return one article as text: its title, what is known of it, its Markdown."""
    by = ", ".join(map(str, found["authors"]))
    version = f"version {found['version']}" if found["versions"] else ""
    facts = (by, found["published"], found["language"], version, found["url"])
    shown = " · ".join(clean(str(each)) for each in facts if each)
    text = "\n".join(clean(line) for line in str(found["text"]).split("\n"))
    return f"# {clean(str(found['title']))}\n{shown}\n\n{text}\n"
