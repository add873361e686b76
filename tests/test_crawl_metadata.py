"""What an article's page says about it: title, authors, date, tags, and which of several statements counts."""

import pytest
from articles import BODY, NEWS, URL, ld, metadata, page

from quaero_cli.crawl.reading.metadata import iso_date


def test_json_ld_comes_first() -> None:
    """What a page declares would be overruled by what stands somewhere on it."""
    metas = '<meta name="author" content="Webmaster"><meta property="article:published_time" content="2020-01-01">'
    assert metadata(page(ld(NEWS) + metas)) == {
        "title": "Harbour bridge opens",
        "authors": ["Ada Lund", "Ben O'Hara"],
        "published": "2026-05-12T09:30:00+02:00",
        "language": "en",
        "site": "The Example",
        "tags": ["Bridges", "trams"],
        "image": None,
    }


def test_meta_tags_come_second() -> None:
    """Pages without JSON-LD would have no author, date or tags."""
    metas = """<meta property="og:type" content="article"><meta property="og:title" content="Harbour bridge opens">
    <meta property="og:site_name" content="The Example"><meta name="author" content="Ada Lund and Ben O'Hara">
    <meta property="article:published_time" content="2026-05-12T07:30Z">
    <meta property="article:tag" content="bridges"><meta property="article:tag" content="trams">
    <meta property="og:locale" content="fr_FR"><meta property="og:image" content="/bridge.jpg">"""
    assert metadata(page(metas, lang="")) == {
        "title": "Harbour bridge opens",
        "authors": ["Ada Lund", "Ben O'Hara"],
        "published": "2026-05-12T07:30Z",
        "language": "fr",
        "site": "The Example",
        "tags": ["bridges", "trams"],
        "image": "https://news.example/bridge.jpg",
    }


def test_visible_bylines_come_last() -> None:
    """Plain pages would have neither author nor date."""
    byline = (
        '<p class="byline">By <a rel="author" href="/ada">Ada Lund</a>, <time datetime="2026-05-12">May</time></p>'
    )
    found = metadata(page(body=byline + BODY + '<a rel="tag" href="/t">bridges</a>'))
    assert (found["title"], found["authors"], found["published"], found["tags"]) == (
        "Harbour bridge opens", ["Ada Lund"], "2026-05-12", ["bridges"],
    )  # fmt: skip


def test_a_graph_with_references() -> None:
    """The most common content system writes its data as a graph; its authors would be lost."""
    graph = {
        "@graph": [
            {"@type": "WebSite", "@id": "#site", "name": "The Example"},
            {"@type": "WebPage", "@id": URL, "breadcrumb": {"@id": "#b"}},
            {"@type": ["Article", "NewsArticle"], "isPartOf": {"@id": URL}, "headline": "Harbour bridge opens",
             "author": {"@id": "#ada"}, "datePublished": "2026-05-12"},
            {"@type": "Person", "@id": "#ada", "name": "Ada Lund"},
        ]
    }  # fmt: skip
    found = metadata(page(ld(graph)))
    assert (found["authors"], found["site"], found["published"]) == (["Ada Lund"], "The Example", "2026-05-12")


@pytest.mark.parametrize(
    "author",
    [
        "https://news.example/ada",
        "ada@example.org",
        "The Example",
        {"@type": "Person"},
        7,
        None,
        "Author 2026",
        "x" * 200,
        [],
    ],
)
def test_wrong_authors_are_none(author: object) -> None:
    """Addresses and the paper's own name would stand as authors."""
    assert metadata(page(ld({**NEWS, "author": author})))["authors"] == []


@pytest.mark.parametrize(
    "written",
    [
        "By ADA LUND, AP Auto Writer",
        "Posted by Ada Lund",
        "Ada Lund - Live Science Contributor",
        "Ada Lund | Senior Reporter",
        "Ada Lund, Staff writer",
    ],
)
def test_what_an_author_is_does_not_belong_to_the_name(written: str) -> None:
    """Each rank of a writer would be another writer."""
    (name,) = metadata(page(ld({**NEWS, "author": written})))["authors"]  # type: ignore[misc, attr-defined]
    assert name.casefold() == "ada lund"


@pytest.mark.parametrize(
    "script",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"x"',
        "[" * 100_000,
        '{"@type": 7}',
        '{"@graph": {"@type": null}}',
        '{"a":\n"b\nc"}',
    ],
)
def test_broken_json_ld_is_ignored(script: str) -> None:
    """One site's broken data would fail its pages."""
    assert metadata(page(f'<script type="application/ld+json">{script}</script>'))["title"] == "Harbour bridge opens"


def test_title_without_the_sites_name() -> None:
    """Every title would end with the name of the paper."""
    html = page('<meta property="og:site_name" content="The Example">').replace("<h1>Harbour bridge opens</h1>", "")
    assert metadata(html)["title"] == "Harbour bridge opens"


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-05-12", "2026-05-12"),
        (" 2026-05-12T09:30:00.123+02:00 x", "2026-05-12T09:30:00.123+02:00"),
        ("2026-05-12 09:30", "2026-05-12 09:30"),
        ("2026-05-12T09:30:00Z", "2026-05-12T09:30:00Z"),
        ("12 May 2026", None),
        ("0001-01-01T00:00:00", None),  # what .NET writes for no date
        ("2026-13-01", None),
        ("", None),
    ],
)
def test_dates(text: str, date: str | None) -> None:
    """Dates in words would be stored as they are and never sort."""
    assert iso_date(text) == date


TIME = '<time datetime="2026-05-12">x</time>'
PLAIN = "https://news.example/harbour-bridge"


@pytest.mark.parametrize(
    "margin",
    [
        f"<aside>{TIME}</aside>",
        f"<article><h2>Another</h2>{TIME}</article>",
        f'<div class="comment-list"><div class="comment">By <b class="author">Cy Troll</b> {TIME}</div></div>',
        '<div class="latest"><ul><li>Nov 12, 2026 Another story<li>2026-11-10 A third story</ul></div>',
        '<div id="event-calendar"><span class="date">2026-05-12</span></div>',
        '<div class="header"><span class="current-date">Tuesday, May 12, 2026</span></div>',
        "<footer>Copyright 12 May 2026 The Example</footer>",
        '<meta property="article:modified_time" content="2026-05-12">',
        "<p>On 12 May 2026 the first stone of the next bridge is to be laid.</p>",
        '<p><a href="/2026/05/12/another">Another</a><img src="/2026/05/12/a.jpg">',
    ],
)
def test_a_page_without_a_date_has_none(margin: str) -> None:
    """Articles would be dated by the newest comment, the next event or today, and signed by a reader."""
    html = f"<html><head><meta property='og:type' content=article>{margin if 'meta' in margin else ''}</head>"
    html += (
        f'<body class="single comments-open"><article><h1>Harbour bridge opens</h1>{BODY}</article>{margin}</body>'
    )
    found = metadata(html, PLAIN)
    assert (found["published"], found["authors"]) == (None, [])


def test_a_date_beside_the_heading_is_the_articles() -> None:
    """Articles that declare no date, but show one, would have none."""
    html = page(body=f'<p class="meta"><span class="date">12 May 2026</span></p>{BODY}')
    for shape in (html, html.replace("<body>", '<body class="single recent sidebar-left">')):
        assert metadata(shape, PLAIN)["published"] == "2026-05-12"


def test_what_a_page_says_of_itself_is_bounded() -> None:
    """A title of megabytes would stand in every list and line of the log."""
    thing = {**NEWS, "headline": "long " * 10_000, "keywords": ["k" * 10_000, "short"]}
    thing["author"] = [{"name": f"Ada {chr(97 + n % 26)}{chr(97 + n // 26)}"} for n in range(600)]
    thing["publisher"] = {"name": "The Example " * 1000}
    found = metadata(page(ld(thing), title="long " * 10_000))
    assert len(str(found["title"])) == 1000
    assert len(found["authors"]) == 50  # type: ignore[arg-type]
    assert (found["tags"], found["site"]) == (["short"], None)
