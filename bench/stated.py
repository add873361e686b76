"""Title, authors and date of real pages, for `quality`: what is read of them, against what their JSON-LD states.

The collection's people marked texts only, so the publishers' own statements are the answers: they are taken out of
the page before it is read, so that it has to be read from what else is there. Beside it what trafilatura finds so. A
headline in JSON-LD is not always the one above the text, and its author may be an agency that is named nowhere else:
what counts is the comparison.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from bench.verdict import Figure, Ratio, Result
from quaero_cli.crawl.reading import jsonld
from quaero_cli.crawl.reading.metadata import clean, iso_date

_STATEMENTS = re.compile(rb"<script[^>]*application/ld\+json[^>]*>.*?</script>", re.DOTALL | re.IGNORECASE)
# What is missed may be so many times what trafilatura misses.
TARGET = 1.0

_Answers = dict[str, set[str]]  # by what is asked for; a date is a day
Read = Callable[[bytes, str, str], Mapping[str, Any] | None]


def add_stated(result: Result, read: Read, pages: Iterable[tuple[str, bytes]]) -> None:
    """Compare over pages, each with its address. `read` reads a page as the crawl does."""
    asked: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    for url, html in pages:
        stated = _stated(html, url)
        rest = _STATEMENTS.sub(b"", html)
        mine, other = _ours(read(rest, url, "")), _theirs(rest, url)
        for what, answer in stated.items():
            asked[what] += 1
            ours[what] += mine[what] == answer
            theirs[what] += other[what] == answer
    for what, count in asked.items():
        left, right = (1 - found[what] / count for found in (ours, theirs))
        result.ratios.append(
            Ratio(
                f"{what} missed of {count} that JSON-LD states", "trafilatura", left * 100, right * 100, "%", TARGET
            )
        )
        result.figures.append(Figure(f"{what} read without it", ours[what] / count * 100, "%"))


def _stated(html: bytes, url: str) -> _Answers:
    things = jsonld.things(LexborHTMLParser(html))
    article = jsonld.article(things, url, None) or {}
    published = article.get("datePublished")
    day = iso_date(published) if isinstance(published, str) else None
    headline = article.get("headline")
    found = {
        "title": _plain([headline] if isinstance(headline, str) else []),
        "authors": _plain(jsonld.names(article.get("author"), things)),
        "date": {day[:10]} if day else set(),
    }
    return {what: answer for what, answer in found.items() if answer}


def _ours(article: Mapping[str, Any] | None) -> _Answers:
    found = {"title": "", "authors": [], "published": None} if article is None else article["metadata"]
    day = (found["published"] or "")[:10]
    return {"title": _plain([found["title"]]), "authors": _plain(found["authors"]), "date": {day}}


def _theirs(html: bytes, url: str) -> _Answers:
    import trafilatura

    found = trafilatura.extract_metadata(html.decode("utf-8", "replace"), default_url=url)
    names = (found.author or "").split(";")
    return {"title": _plain([found.title or ""]), "authors": _plain(names), "date": {(found.date or "")[:10]}}


def _plain(texts: Iterable[str]) -> set[str]:
    return {clean(text).casefold() for text in texts}
