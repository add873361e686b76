"""Documents on a terminal: the list, what a search found, one article. What a site wrote is data: it is cleaned."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from quaero_cli.terminal.clean import clean, flat
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.page import Cell, Column, Page, page_for, table
from quaero_cli.terminal.pager import page

Document = Mapping[str, Any]

_COLUMNS = (Column("ID", right=True), Column("PUBLISHED", drop=1), Column("TITLE", least=20))


def write_documents(out: Terminal, found: Sequence[Document]) -> None:
    """Write a table of documents; of a search with what was found."""
    layout = page_for(out, time.time())
    page(out, _found(found, layout) if "snippet" in found[0] else _list(found, layout))


def _list(found: Sequence[Document], layout: Page) -> str:
    columns = (*_COLUMNS, Column("URL", least=10))
    return table(layout, columns, [[*_cells(each), Cell(str(each["url"]), "muted")] for each in found])


def _found(found: Sequence[Document], layout: Page) -> str:
    """Return what a search found: each document, and the place where the words are; on a terminal below it."""
    snippets = [" ".join(flat(str(each["snippet"])).split()) for each in found]
    if layout.width is None:
        rows = [[*_cells(each), Cell(snippet, "muted")] for each, snippet in zip(found, snippets, strict=True)]
        return table(layout, (*_COLUMNS, Column("FOUND")), rows)
    head, *lines = table(layout, _COLUMNS, [_cells(each) for each in found]).splitlines(keepends=True)
    below = [f"    {_marked(layout.cut(snippet, indent=4), layout)}\n" for snippet in snippets]
    return head + "".join([line + snippet for line, snippet in zip(lines, below, strict=True)])


def _cells(each: Document) -> list[Cell]:
    return [
        Cell(str(each["id"]), "title"),
        Cell(str(each["published"] or "")[: len("2026-01-15")], "muted"),
        Cell(str(each["title"])),
    ]


def _marked(snippet: str, layout: Page) -> str:
    """Return a clean snippet with the words that were looked for made visible; without colour stars stay there."""
    if not layout.paint.color:
        return snippet
    pieces = snippet.split("**")  # every second one is such a word
    return "".join([layout.paint("match" if number % 2 else "muted", each) for number, each in enumerate(pieces)])


def write_document(out: Terminal, found: Document) -> None:
    """Write one article."""
    page(out, document_page(found))


def document_page(found: Document) -> str:
    """Return one article as text: its title, what is known of it, its Markdown."""
    by = ", ".join(map(str, found["authors"]))
    version = f"version {found['version']}" if found["versions"] else ""
    facts = (by, found["published"], found["language"], version, found["url"])
    shown = " · ".join(clean(str(each)) for each in facts if each)
    text = "\n".join(clean(line) for line in str(found["text"]).split("\n"))
    return f"# {clean(str(found['title']))}\n{shown}\n\n{text}\n"
