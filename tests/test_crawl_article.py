"""What is read from an article's page, and which pages are articles."""

import json
import time

import pytest

from quaero_cli.crawl.reading.article import Article
from quaero_cli.crawl.reading.metadata import iso_date
from quaero_cli.crawl.reading.reader import Reader

URL = "https://news.example/2026/05/harbour-bridge"

TEXT = [
    "The harbour bridge was opened on Tuesday after eleven years of building, two court cases and a flood.",
    "Several thousand people crossed it on foot before the first tram was let through in the early afternoon.",
    "The mayor spoke for four minutes, which those present called a record, and then the rain set in again.",
    "Engineers say that the bridge will carry twelve lines; the timetable is to be published before the summer.",
    "The old ferry goes on for another year, mostly for visitors, and its captain has asked for a new coat of paint.",
    "Critics recall that the first estimate was a third of the final sum, and that nobody has paid the rest yet.",
    "A report on the costs is due in autumn; the council wants to discuss it in public, with tea and sandwiches.",
]
BODY = "".join(f"<p>{line}</p>" for line in TEXT)
NAVIGATION = '<nav><a href="/">Home</a><a href="/politics/">Politics</a></nav>'


def page(
    head: str = "", body: str = BODY, *, lang: str = ' lang="en-GB"', title: str = "Harbour bridge opens"
) -> str:
    return (
        f"<!doctype html><html{lang}><head><title>{title} | The Example</title>{head}</head><body>{NAVIGATION}"
        f"<article><h1>{title}</h1>{body}</article><footer><p>© The Example, all rights reserved</p></footer></body>"
    )


def ld(*things: object) -> str:
    return "".join(f'<script type="application/ld+json">{json.dumps(thing)}</script>' for thing in things)


def read(html: str, url: str = URL) -> Article | str:
    reader = Reader()
    reader({"op": "look", "url": url, "content_type": "text/html; charset=utf-8"}, html.encode())
    answer = reader({"op": "article"}, b"")
    return answer["article"] or answer["reason"]


def metadata(html: str, url: str = URL) -> dict[str, object]:
    found = read(html, url)
    assert not isinstance(found, str), found
    return dict(found["metadata"])


NEWS = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "Harbour bridge opens",
    "mainEntityOfPage": URL,
    "datePublished": "2026-05-12T09:30:00+02:00",
    "author": [{"@type": "Person", "name": "Ada Lund"}, {"@type": "Person", "name": "By Ben  O&#39;Hara"}],
    "publisher": {"@type": "Organization", "name": "The Example"},
    "keywords": ["bridges", "trams", "Bridges"],
    "inLanguage": "de",
}


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


def test_the_text_is_markdown_without_the_rest() -> None:
    """Menus and footers would be stored as news, or headings and lists be lost."""
    more = "<h2>The costs</h2><ul><li>Steel: nine million</li><li>Lawyers: ten million</li></ul>"
    found = read(
        page(ld(NEWS), BODY + more + "<p>It was the last of the seven bridges that the plan of 1990 named.</p>")
    )
    assert not isinstance(found, str)
    assert found["text"].startswith(TEXT[0])
    assert "## The costs" in found["text"]
    assert "- Lawyers: ten million" in found["text"]
    assert "all rights reserved" not in found["text"]
    assert "Politics" not in found["text"]


TEASERS = "".join(
    f'<div><h2><a href="/2026/{n}">Headline number {n} of the day</a></h2><p>{TEXT[n % 7]}</p></div>'
    for n in range(12)
)


@pytest.mark.parametrize(
    ("html", "url", "reason"),
    [
        (page(body=TEASERS), "https://news.example/politics/", "a row of headlines"),
        (page(), "https://news.example/", "the site's first page"),
        (page('<meta property="og:type" content="profile">'), URL, "declared a listing"),
        (page(ld({"@type": "CollectionPage"})), URL, "declared a listing"),
        (page(ld({"@type": "AboutPage"}) + '<meta property="og:type" content="article">'), URL, "declared a listing"),
        (page(ld({"@type": "ItemList", "itemListElement": [NEWS]}), TEASERS), URL, "declared a listing"),
        (page(), "https://news.example/about", "a listing by its address"),
        (page(), "https://news.example/tags/bridges", "a listing by its address"),
        (page(), "https://news.example/author/ada-lund/", "a listing by its address"),
        (page(), "https://news.example/politics/page/2", "a listing by its address"),
        (page(body="<p>Short.</p>"), URL, "too little text"),
        (page(ld(NEWS), "<p>Gone.</p>"), URL, "too little text"),
        (page(body="".join(f'<p>{line}<a href="/x">{line}</a></p>' for line in TEXT)), URL, "mostly links"),
        ("", URL, "too little text"),
    ],
)  # fmt: skip
def test_what_is_no_article(html: str, url: str, reason: str) -> None:
    """The collection would fill up with sections, tag pages and imprints."""
    assert read(html, url) == reason


@pytest.mark.parametrize(
    ("html", "url"),
    [
        (page(), URL),  # nothing declared, but text enough
        (page(ld(NEWS), f"<p>{TEXT[0]}</p><p>{TEXT[1]}</p>"), URL),  # a short one that is declared
        (page(ld(NEWS)), "https://news.example/tags/bridges"),  # declared, at an odd address
        (page('<meta property="og:type" content="website">'), URL),  # what careless sites say of every page
        (page(ld(NEWS, {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ItemList"}]})), URL),
        (page(body=BODY.replace("<p>", "<br><br>").replace("</p>", "")), URL),  # text without paragraphs
    ],
)
def test_what_is_an_article(html: str, url: str) -> None:
    """Articles would be missing from the collection."""
    assert not isinstance(read(html, url), str)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 5000 + TEXT[0], "<table><tr><td>" * 500, "<a href='" * 300, "\0" * 1000, "<p>\ud7ff\u202e" * 100,
        "<" * 5000, "<script>" * 300, "<svg><math><p>" * 200, "<html><frameset>", "&#x110000;&#0;&bogus;" * 50,
    ],
)  # fmt: skip
def test_broken_pages_do_not_raise(html: str) -> None:
    """A badly written page would fail instead of being skipped."""
    assert isinstance(read(html), str)


@pytest.mark.parametrize(
    "beginning", ["", "<!-- generated by a program with much to say about itself and its authors -->\n"]
)
def test_pages_that_do_not_begin_with_html(beginning: str) -> None:
    """Articles whose page leaves the <html> out, as the standard allows, or begins with a comment would be none."""
    found = read(
        f"{beginning}<title>Harbour bridge opens</title><article><h1>Harbour bridge opens</h1>{BODY}</article>"
    )
    assert not isinstance(found, str)
    assert found["text"].startswith(TEXT[0])


def test_underlined_words_are_words() -> None:
    """Markdown would be mixed with tags of HTML."""
    found = read(page(body=f"<p><u>Underlined</u> words at the beginning of it all.</p>{BODY}"))
    assert not isinstance(found, str)
    assert "<u>" not in found["text"]
    assert "Underlined words" in found["text"]


def test_what_a_page_says_of_itself_is_bounded() -> None:
    """A title of megabytes would stand in every list and line of the log."""
    thing = {**NEWS, "headline": "long " * 10_000, "keywords": ["k" * 10_000, "short"]}
    thing["author"] = [{"name": f"Ada {chr(97 + n % 26)}{chr(97 + n // 26)}"} for n in range(600)]
    thing["publisher"] = {"name": "The Example " * 1000}
    found = metadata(page(ld(thing), title="long " * 10_000))
    assert len(str(found["title"])) == 1000
    assert len(found["authors"]) == 50  # type: ignore[arg-type]
    assert (found["tags"], found["site"]) == (["short"], None)


@pytest.mark.parametrize("element", ["<div class='comment related'>", "<article>", "<b>", "<ul><li>", "<h1>"])
def test_nested_pages_are_read_in_time(element: str) -> None:
    """A page could make its reader look at each of its elements once for each other one."""
    html = page(body=BODY + element * 10_000)
    began = time.process_time()
    read(html)
    assert time.process_time() - began < 15  # of its process it may have twenty; measured: one
