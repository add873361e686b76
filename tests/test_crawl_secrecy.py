"""Secrets in what a crawl leaves behind: addresses, pages as they came, what is remembered of pages."""

import orjson
import pytest

from quaero_cli.crawl.secrecy import Secrecy
from quaero_cli.engine.masked import masked_emit
from quaero_cli.masking.mask import Mask
from quaero_cli.model import Document, Fact, PageMemo, PageVisited

MASK = Mask(["tops3cret", "other/one"])


@pytest.mark.parametrize(
    ("stored", "whole"),
    [
        ("https://a.test/x", "https://a.test/x"),
        ("https://a.test/x?key=***", "https://a.test/x?key=tops3cret"),
        ("https://a.test/***/x?key=***", "https://a.test/tops3cret/x?key=tops3cret"),
        ("https://b.test/x?key=***", None),  # was told two
        ("https://c.test/x?key=***", None),  # was told none
        ("http://a.test/x?key=***", None),  # another site
        ("https://d.test/x?key=***", "https://d.test/x?key=other%2Fone"),
    ],
)
def test_addresses_are_made_whole(stored: str, whole: str | None) -> None:
    """A resumed crawl would ask for stars, fetch again what it has, or tell one site another's password."""
    starts = (
        "https://a.test/?key=tops3cret", "https://a.test/free", "https://b.test/?key=tops3cret&also=other/one",
        "https://c.test/", "https://d.test/?key=other%2Fone",
    )  # fmt: skip
    assert Secrecy(MASK, starts).whole(stored) == whole
    assert Secrecy(None, starts).whole("https://a.test/***") == "https://a.test/***"


def _visited(**changes: object) -> PageVisited:
    return PageVisited("job", "step", (), 0, **changes)  # type: ignore[arg-type]


def _emitted(fact: Fact) -> PageVisited:
    emitted: list[Fact] = []
    masked_emit(emitted.append, MASK)(fact)
    (found,) = emitted
    assert isinstance(found, PageVisited)
    return found


@pytest.mark.parametrize(
    ("memo", "kept"),
    [
        (PageMemo("http://h/", "etag", None, orjson.dumps({"view": {"links": ["http://h/x"]}})), True),
        (PageMemo("http://h/", "etag", None, orjson.dumps({"view": {"links": ["http://h/?k=tops3cret"]}})), False),
        (PageMemo("http://h/?k=tops3cret", None, None, b"{}"), False),
        (PageMemo("http://h/", "tops3cret", None, b"{}"), False),
    ],
)
def test_pages_that_show_a_secret_are_not_remembered(memo: PageMemo, kept: bool) -> None:
    """A token would stand in the database, packed, where nobody looks for it."""
    assert _emitted(_visited(memo=memo)).memo == (memo if kept else None)


def test_pages_as_they_came_are_masked() -> None:
    """Whoever may read a kept page would read the token with which it was fetched."""
    html = '<a href="/x?k=tops3cret&other=other%2Fone">\u00e4</a>'.encode()
    document = Document("http://h/", "http://h/", "T", "", "", 200, 0, html=html)
    found = _emitted(_visited(document=document)).document
    assert found is not None
    assert found.html == '<a href="/x?k=***&other=***">\u00e4</a>'.encode()
