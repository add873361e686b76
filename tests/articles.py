"""Pages of a made-up article, and what a reader finds in them."""

import json

from quaero_cli.crawl.reading.article import Article
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
