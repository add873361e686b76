"""Links and what a page says about itself."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from quaero_cli.crawl.reading import markup
from quaero_cli.crawl.reading.markup import View, look
from quaero_cli.crawl.reading.nesting import TooDeep, parse

URL = "https://h.example/news/2026/a.html?x=1"


def view(html: str, url: str = URL) -> View:
    return look(LexborHTMLParser(html), url)


def test_links() -> None:
    """Pages would be missed, or scripts be followed."""
    found = view(
        """<a href="/root">1</a><a href="rel">2</a><a href="../up">3</a><a href="//other.example/x">4</a>
        <a href="https://abs.example/">5</a><a href="?q">6</a><a href="#top">no</a><a href="">no</a><a>no</a>
        <a href="mailto:a@b">no</a><a href="JavaScript:x()">no</a><a href=" /space ">7</a><a href="/root#f">no</a>
        <area href="/map"><svg><a xlink:href="/svg">no</a></svg><link rel="next" href="/no">
        <a href="/s?utm_source=a&amp;b=2">8</a><a href="\\back">9</a><a href>no</a>"""
    )
    assert found["links"] == [
        "https://h.example/root", "https://h.example/news/2026/rel", "https://h.example/news/up",
        "https://other.example/x", "https://abs.example/", "https://h.example/news/2026/a.html?q",
        "https://h.example/space", "https://h.example/map", "https://h.example/s?b=2", "https://h.example/back",
    ]  # fmt: skip


def test_base() -> None:
    """Every relative link of a page with a base would be dead."""
    assert view('<base href="/b/"><base href="/no/"><a href="x">1</a>')["links"] == ["https://h.example/b/x"]
    assert view('<base href="mailto:x"><a href="x">1</a>')["links"] == ["https://h.example/news/2026/x"]
    assert view('<base href="http://o.example/"><a href="/x">1</a>')["links"] == ["http://o.example/x"]


def test_nofollow_links_are_apart() -> None:
    """Paid links would be followed; a link that is also given without the wish would not."""
    found = view('<a rel="NoFollow ugc" href="/a">1</a><a rel=nofollow href="/b">2</a><a href="/b">3</a>')
    assert (found["links"], found["nofollow_links"]) == (["https://h.example/b"], ["https://h.example/a"])


def test_meta_refresh_is_a_link() -> None:
    """Old sites that redirect by markup would end at their first page."""
    assert view('<meta http-equiv="Refresh" content="0; URL=\'/there\'">')["links"] == ["https://h.example/there"]


def test_what_the_page_says_of_itself() -> None:
    """Duplicates and feeds would not be seen."""
    found = view(
        """<link rel="shortcut canonical" href="/c#x"><link rel=canonical href="/second">
        <link rel="alternate" type="application/rss+xml; charset=x" href="/rss"><link rel=alternate href=/de>
        <link rel="alternate" type="application/atom+xml" href="/atom">
        <meta name="Robots" content="NOINDEX , follow">"""
    )
    assert found["canonical"] == "https://h.example/c"
    assert found["feeds"] == ["https://h.example/rss", "https://h.example/atom"]
    assert (found["noindex"], found["nofollow"]) == (True, False)
    assert view('<link rel="canonical" href="">')["canonical"] == URL


@pytest.mark.parametrize(
    ("content", "noindex", "nofollow"),
    [("none", True, True), ("nofollow", False, True), ("index, follow", False, False), ("", False, False)],
)
def test_robots_words(content: str, noindex: bool, nofollow: bool) -> None:
    """A page's wish would be misread."""
    found = view(f'<meta name="quaero" content="{content}"><meta name="googlebot" content="none">')
    assert (found["noindex"], found["nofollow"]) == (noindex, nofollow)


def test_links_of_one_page_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of a million links would fill the memory."""
    monkeypatch.setattr(markup, "MAX_LINKS", 50)
    found = view("".join(f'<a href="/{n}">x</a>' for n in range(200)))
    assert (len(found["links"]), found.get("cut")) == (50, True)
    assert "cut" not in view("".join(f'<a href="/{n}">x</a>' for n in range(49)))


@pytest.mark.parametrize("block", ["<div>", "<UL\n class=x><li>", "<section><p>x"])
def test_elements_that_are_nested_without_end(block: str) -> None:
    """One page would keep its process busy until its time is over: the parser's goes with the square of the depth."""
    for page in (block * 200_000, block.encode() * 200_000):
        with pytest.raises(TooDeep, match="more than 10000 deep"):
            parse(page)


@pytest.mark.parametrize(
    "part",
    [
        "<div><b>x</div>",
        "<p>x",
        "<li>x",
        "<br>",
        "<td>x",
        "<divider>",
        '"<div>x<\\/div>",',
        "<!DOCTYPE html>",
        "a < b ",
    ],
)
def test_a_long_page_is_not_a_deep_one(part: str) -> None:
    """An honest page, which leaves out end tags or has others' HTML in a script, would not be read."""
    assert parse(part * 20_000 + "<div><i>y").css_first("i") is not None
