"""Tables in the Markdown of articles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from quaero_cli.crawl.reading.article import read
from quaero_cli.crawl.reading.tables import tidy

TEXT = (
    "<p>The council of the town has looked at the figures of last year, and finds that they are good.</p>"
    "<p>Nobody had expected that the harbour would earn so much; the ferries were full from May on.</p>"
    "<p>Three new cranes were bought, and the quay was made longer by a hundred metres.</p>"
    "<p>What the money is to be spent for will be decided in spring, after the schools have been asked.</p>"
)
HEAD = '<title>T</title><meta property="og:type" content="article">'
END = "So much for the table, which has more to tell than it looks."


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            "<caption>Table 1. Things</caption><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr>",
            "Table 1. Things\n\n| A | B |\n|---|---|\n| 1 | 2 |",
        ),
        ("<tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr>", "| A | B |\n|---|---|\n| 1 | 2 |"),
        ("<tr><td>A</td><td>B</td></tr><tr><td>1</td><td>2</td></tr>", "| A | B |\n|---|---|\n| 1 | 2 |"),
    ],
)
def test_tables_of_pages(table: str, expected: str) -> None:
    """A table would be shown as lines of bars, or with its caption as its header."""
    article = f"<article><h1>T</h1>{TEXT}<table>{table}</table><p>{END}</p></article>"
    html = f"<html><head>{HEAD}</head><body>{article}</body></html>"
    found = read(LexborHTMLParser(html), html, "http://h/a.html", None)
    assert not isinstance(found, str)
    assert f"\n\n{expected}\n\n" in found["text"]


def test_what_is_no_table_stays() -> None:
    """Code and single lines with bars would be changed."""
    text = "a | b\n\n| one line\n\n```\n| x |\n| y |\n```\n\nend"
    assert tidy(text) == text


@given(st.lists(st.sampled_from(["| a | b |", "| c |  |", "|---|---|", "|---|", "text", "", "```", "|"]), max_size=9))
def test_tidying_twice_is_tidying_once(lines: list[str]) -> None:
    """A text would change each time it is looked at."""
    once = tidy("\n".join(lines))
    assert tidy(once) == once
