"""What the store keeps of documents: versions, the full-text index, pages as they came, filters."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from stores import new_home, write_once

from quaero_cli.errors import NotFoundError, UsageError
from quaero_cli.model import Document, DocumentFound
from quaero_cli.settings import Settings
from quaero_cli.store.documents import DocumentQuery
from quaero_cli.store.engine import connect
from quaero_cli.store.reader import Reader, open_reader
from quaero_cli.store.sites import within_site

DAY = 86_400_000_000
TEXTS = {
    "http://news.example/rain": ("Rain over the valley", "It rained for ten days in the valley of Kórnik.", ("Ann",)),
    "http://news.example/sun": ("Sun", 'The sun shone, and nobody spoke of rain "or shine".', ("Bob",)),
    "http://other.example:8080/tax": ("Taxes", "Taxation is taxing. Naïve readers pay twice.", ("Cy",)),
}


def found(url: str, title: str, text: str, *, at: int = DAY, job: str = "j1", **more: Any) -> DocumentFound:
    return DocumentFound(job, Document(url, url, title, text, f"hash of {text}", 200, at, **more))


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = new_home(tmp_path)
    write_once(settings, [
        found(url, title, text, at=n * DAY, job=f"j{n}", authors=authors, site="The News" if n < 3 else None)
        for n, (url, (title, text, authors)) in enumerate(TEXTS.items(), 1)
    ])  # fmt: skip
    return settings


@pytest.fixture
def reader(home: Settings) -> Iterator[Reader]:
    with open_reader(home.database) as reader:
        yield reader


def ids(reader: Reader, **query: Any) -> list[int]:
    return [each["id"] for each in reader.documents.find(DocumentQuery(**query), limit=50).documents]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rain", [1, 2]),  # the title counts more than the text
        ("RAIN ann", [1]),
        ("kornik", [1]),
        ("naive", [3]),
        ("tax*", [3]),
        ("tax", []),
        ('"ten days"', [1]),
        ('"days ten"', []),
        ('"or shine"', [2]),
        ("rain AND NOT sun", []),  # words, not a language: "and" and "not" stand nowhere
        ("title:rain", []),  # no names of columns, either
        ("taxes) OR (sun", []),
    ],
)
def test_searching(reader: Reader, text: str, expected: list[int]) -> None:
    """People would not find an article by its words, or an odd query would fail."""
    assert ids(reader, text=text) == expected


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_any_text_can_be_searched_for(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """A quote or an operator typed by chance would be shown as an error of the database."""
    home = Settings(home=tmp_path_factory.getbasetemp() / "any")
    if not home.database.exists():
        from quaero_cli.store.schema import prepare

        prepare(home.database)
    # No alphanumeric character, nothing to search for; or what is quoted holds none.
    refused = suppress(UsageError) if any(map(str.isalnum, text)) else pytest.raises(UsageError)
    with open_reader(home.database) as reader, refused:
        reader.documents.find(DocumentQuery(text=text), limit=5)


def test_a_search_shows_where(reader: Reader) -> None:
    """A list of titles does not say why they were found."""
    (one,) = reader.documents.find(DocumentQuery(text="ten"), limit=5).documents
    assert one["snippet"] == "It rained for **ten** days in the valley of Kórnik."


def test_filters(reader: Reader) -> None:
    """A filter would let others through, or its own not."""
    assert ids(reader) == [3, 2, 1]
    assert ids(reader, job_id="j2") == [2]
    assert ids(reader, site="the news") == [2, 1]
    assert ids(reader, site="example") == [3, 2, 1]
    assert ids(reader, site="other.example") == ids(reader, site="other.example:8080") == [3]
    assert ids(reader, site="er.example") == []
    assert ids(reader, since=2 * DAY) == [3, 2]
    assert ids(reader, text="rain", since=2 * DAY) == [2]
    page = reader.documents.find(DocumentQuery(), limit=1, offset=1)
    assert ([each["id"] for each in page.documents], page.total) == ([2], 3)


@pytest.mark.parametrize(
    ("wanted", "within"),
    [
        ("127.0.0.1", "80 8001 8002"),
        ("127.0.0.1:8001", "8001"),
        ("http://127.0.0.1:8002/", "8002"),
        ("http://127.0.0.1", "80"),
        ("127.0.0.1:80", "80"),
        ("https://127.0.0.1/", ""),
        ("7.0.0.1", ""),
        ("news.example", "www"),
        ("news.example:443", "www"),
        ("https://news.example", "www"),
        ("news.example:80", ""),
        ("[::1]", "six"),
        ("[::1]:9", "six"),
        ("[::1]:8", ""),
        ("http://127.0.0.1:8001/a", ""),
        ("the site: 5", ""),
        ("", ""),
    ],
)
def test_servers_of_one_host_are_told_apart_by_their_ports(wanted: str, within: str) -> None:
    """Articles of two servers on one machine would be one site, or none would be found by the address of one."""
    urls = {
        "80": "http://127.0.0.1/", "8001": "http://127.0.0.1:8001/a:1", "8002": "http://127.0.0.1:8002/?b=/",
        "www": "https://www.news.example/", "six": "http://[::1]:9/", "masked": "http://***/",
    }  # fmt: skip
    assert [name for name, url in urls.items() if within_site(wanted, None, url)] == within.split()


def test_an_article_that_changes_keeps_what_it_said(home: Settings) -> None:
    """What a newspaper changed in silence would be lost; or each crawl would make a version of the same text."""
    url = "http://news.example/rain"
    write_once(home, [
        found(url, "Rain over the valley", TEXTS[url][1], at=5 * DAY, job="j5"),
        found(url, "Flood in the valley", "It is a flood.", at=6 * DAY, job="j6"),
        found(url, "Flood in the valley", "It is a flood.", at=7 * DAY, job="j7"),
    ])  # fmt: skip
    with open_reader(home.database) as reader:
        one = reader.documents.one(1)
        assert (one["version"], one["first_seen"][:10], one["last_seen"][:10]) == (2, "1970-01-02", "1970-01-08")
        assert (one["job_id"], one["content_hash"]) == ("j7", "hash of It is a flood.")
        assert [(each["version"], each["title"], each["job_id"]) for each in one["versions"]] == [
            (1, "Rain over the valley", "j5")
        ]
        assert reader.documents.version(1, 1)["text"] == TEXTS[url][1]
        assert reader.documents.version(1, 2)["text"] == "It is a flood."
        with pytest.raises(NotFoundError, match="no version 3"):
            reader.documents.version(1, 3)
        assert ids(reader, text="flood") == [1]
        assert ids(reader, text="rained") == []  # the index knows what the newest version says


def test_the_index_agrees_with_the_documents(home: Settings) -> None:
    """A search would miss articles, or find ghosts of deleted ones."""
    with closing(connect(home.database)) as connection:
        connection.execute("DELETE FROM document WHERE id = 2")
        connection.execute("INSERT INTO document_text(document_text, rank) VALUES ('integrity-check', 1)")
    with open_reader(home.database) as reader:
        assert ids(reader, text="rain") == [1]


def test_pages_are_kept_packed(home: Settings) -> None:
    """`keep_html` would keep nothing, or fill the disk."""
    page = b"<p>" + b"the same again and again " * 1000
    write_once(home, [found("http://x.example/", "T", "Text", html=page)])
    with open_reader(home.database) as reader:
        assert reader.documents.html(4) == page
        assert reader.documents.html(1) is None
    with closing(connect(home.database)) as connection:
        assert connection.execute("SELECT length(html) FROM document_html").fetchone()[0] < len(page) / 20
