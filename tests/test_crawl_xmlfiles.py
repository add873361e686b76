"""Sitemaps and feeds, as they should be and as they are."""

import gzip
import itertools

import pytest

from quaero_cli.crawl.reading import xmlfiles
from quaero_cli.crawl.reading.xmlfiles import read

BASE = "https://h.example/feeds/x.xml"


def urls(body: bytes | str, *, limit: int = 1 << 20) -> tuple[str, list[str]]:
    found = read(body.encode() if isinstance(body, str) else body, BASE, limit=limit)
    return found["kind"], [url.removeprefix("https://h.example") for url in found["urls"]]


SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc> https://h.example/a?x=1&amp;y=2 </loc><image:image><image:loc>https://h.example/no.jpg</image:loc></image:image></url>
<url><loc>https://h.example/b</loc></url><url><loc>https://h.example/b#again</loc></url><url><loc></loc></url>
<url><loc>mailto:x@y</loc></url></urlset>"""


@pytest.mark.parametrize(
    "body",
    [
        SITEMAP,
        b"\xef\xbb\xbf" + SITEMAP.encode(),
        b"\r\n  " + SITEMAP.encode(),
        gzip.compress(SITEMAP.encode()),
        SITEMAP.replace("http://www.sitemaps.org/schemas/sitemap/0.9", "http://wrong.example/"),
        SITEMAP.replace("UTF-8", "utf-16").encode("utf-16"),
    ],
)
def test_sitemaps(body: bytes | str) -> None:
    """A site's own list of its pages would be read wrongly or not at all."""
    assert urls(body) == ("sitemap", ["/a?x=1&y=2", "/b"])


def test_indexes_and_text() -> None:
    """Large sites' sitemaps would not be found."""
    index = "<sitemapindex><sitemap><loc>/s1.xml</loc></sitemap><sitemap><loc>s2.xml</loc></sitemap></sitemapindex>"
    assert urls(index) == ("index", ["/s1.xml", "/feeds/s2.xml"])
    assert urls("\ufeffhttps://h.example/a\nhttps://h.example/b\nnonsense\n") == ("sitemap", ["/a", "/b"])


def test_feeds() -> None:
    """News that stand in a feed only would be missed."""
    rss = """<rss version="2.0"><channel><link>https://h.example/</link>
    <item><title>1</title><link>https://h.example/1?utm_medium=rss</link><guid isPermaLink="false">x</guid></item>
    <item><link/><guid>https://h.example/2</guid></item><item><guid isPermaLink="false">https://h.example/no</guid></item>
    <item><link><![CDATA[ /3 ]]></link></item></channel></rss>"""
    assert urls(rss) == ("feed", ["/1", "/2", "/3"])
    atom = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://h.example/base/"><link href="/no"/>
    <entry><link rel="enclosure" href="/no.mp3"/><link href="1"/></entry>
    <entry xml:base="https://h.example/other/"><link rel="alternate" href="2"/></entry><entry/></feed>"""
    assert urls(atom) == ("feed", ["/base/1", "/other/2"])
    rdf = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
    <channel/><item><link>https://h.example/1</link></item></rdf:RDF>"""
    assert urls(rdf) == ("feed", ["/1"])


def test_damage_gives_what_can_be_read() -> None:
    """One bad character would lose a whole feed."""
    body = "<rss><channel><item><link>/1</link></item><item><title>A & B <b></title><link>/2</link></item>"
    kind, found = urls(body)
    assert (kind, found[0]) == ("feed", "/1")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\0", b"<", b"<html><body>404", b"not xml", b"\x1f\x8bbroken", b"\x1f\x8b", b"<urlset/>",
        b"<a>" * 50_000,
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><urlset/>', b"<?xml version='1.0' encoding='nonsense'?><urlset/>",
    ],
)  # fmt: skip
def test_rubbish(body: bytes) -> None:
    """A page of HTML in the place of a sitemap would end the crawl with a traceback."""
    assert urls(body)[1] == []


def test_entities_are_not_expanded() -> None:
    """A sitemap could read files of this machine, or fill its memory."""
    letters = "abcdefghij"
    grow = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in itertools.pairwise(letters))
    inside = f'<!DOCTYPE urlset [<!ENTITY f2 SYSTEM "file:///etc/hostname"><!ENTITY a "aaaaaaaaaa">{grow}]>'
    _, found = urls(
        inside + "<urlset><url><loc>https://h.example/&f2;</loc></url><url><loc>/&j;</loc></url></urlset>"
    )
    assert all(len(url) < 30 for url in found)
    assert not any("etc" in url for url in found)


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small gzip file could fill the memory."""
    lines = "".join(f"<url><loc>/{n}</loc></url>" for n in range(2000))
    packed = gzip.compress(f"<urlset>{lines}</urlset>".encode())
    assert len(urls(packed)[1]) == 2000
    assert 0 < len(urls(packed, limit=10_000)[1]) < 500
    assert urls(gzip.compress(bytes(100 << 20)))[1] == []
    monkeypatch.setattr(xmlfiles, "MAX_ENTRIES", 10)
    assert len(urls(packed)[1]) == 10


def test_dates_and_entries_without_loc() -> None:
    """A limit of age could not be kept, or a slovenly index would list nothing."""
    body = b"<urlset><url><loc>http://h/a</loc><lastmod>2026-01-15T00:00:00Z</lastmod></url><url>http://h/b</url></urlset>"
    found = read(body, "http://h/", limit=1 << 20)
    assert found["urls"] == ["http://h/a", "http://h/b"]
    assert found["dates"] == {"http://h/a": 1_768_435_200.0}
