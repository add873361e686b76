"""What a page says about itself and where it leads: links, canonical address, feeds, wishes to robots."""

import functools
import re
from collections.abc import Iterator
from typing import TypedDict

from selectolax.lexbor import LexborHTMLParser, LexborNode

from quaero_cli.crawl.urls import normalise, origin

# A page with more links than this is a trap or a dump; the largest honest ones (API indexes) have some thousands.
MAX_LINKS = 10_000

# Most hrefs of a page stand on every page of its site.
_MEMO_ENTRIES = 16_384

_FEED_TYPES = frozenset({"application/rss+xml", "application/atom+xml", "application/rdf+xml"})
_ROBOTS_NAMES = frozenset({"robots", "quaero"})
_REFRESH_URL = re.compile(r"url\s*=\s*[\"']?([^\"'\s]+)", re.IGNORECASE)


class View(TypedDict):
    """One page, looked at. All URLs are normalised; `links` holds each once, in the page's order."""

    links: list[str]
    nofollow_links: list[str]  # those that the page asks not to follow
    canonical: str | None
    feeds: list[str]
    noindex: bool
    nofollow: bool


def look(tree: LexborHTMLParser, url: str) -> View:
    """Read everything but the article."""
    base = _base(tree, url)
    robots = _robots(tree)
    found: dict[str, bool] = {}  # URL: whether some link to it may be followed
    for href, follow in _hrefs(tree):
        link = _resolve(href, base)
        if link is not None:
            found[link] = found.get(link, False) or follow
            if len(found) >= MAX_LINKS:
                break
    return View(
        links=[link for link, follow in found.items() if follow],
        nofollow_links=[link for link, follow in found.items() if not follow],
        canonical=_canonical(tree, base),
        feeds=_feeds(tree, base),
        noindex=bool(robots & {"noindex", "none"}),
        nofollow=bool(robots & {"nofollow", "none"}),
    )


def attribute(node: LexborNode, name: str) -> str:
    """An attribute's value; "" when it is absent or has none."""
    return node.attributes.get(name) or ""


def _base(tree: LexborHTMLParser, url: str) -> str:
    node = tree.css_first("base[href]")
    return (normalise(attribute(node, "href"), url) if node is not None else None) or url


def _hrefs(tree: LexborHTMLParser) -> Iterator[tuple[str, bool]]:
    for node in tree.css("a, area"):
        href = attribute(node, "href")  # never by the selector: it matches SVG's xlink:href, too
        if href and not href.startswith("#"):
            yield href, "nofollow" not in attribute(node, "rel").lower().split()
    for node in tree.css("meta[http-equiv]"):
        if attribute(node, "http-equiv").lower() == "refresh":
            found = _REFRESH_URL.search(attribute(node, "content"))
            if found is not None:
                yield found.group(1), True


def _resolve(href: str, base: str) -> str | None:
    if href.startswith("/") and not href.startswith(("//", "/\\")):
        return _memo(href, origin(base) + "/")
    if href.startswith(("http://", "https://")):
        return _memo(href, None)
    return normalise(href, base)


@functools.lru_cache(_MEMO_ENTRIES)
def _memo(href: str, base: str | None) -> str | None:
    return normalise(href, base)


def _links(tree: LexborHTMLParser, rel: str) -> Iterator[LexborNode]:
    for node in tree.css("link[rel][href]"):
        if rel in attribute(node, "rel").lower().split():
            yield node


def _canonical(tree: LexborHTMLParser, base: str) -> str | None:
    node = next(_links(tree, "canonical"), None)
    return normalise(attribute(node, "href"), base) if node is not None else None


def _feeds(tree: LexborHTMLParser, base: str) -> list[str]:
    found = (
        normalise(attribute(node, "href"), base)
        for node in _links(tree, "alternate")
        if attribute(node, "type").partition(";")[0].strip().lower() in _FEED_TYPES
    )
    return list(dict.fromkeys(url for url in found if url is not None))


def _robots(tree: LexborHTMLParser) -> set[str]:
    words: set[str] = set()
    for node in tree.css("meta[name][content]"):
        if attribute(node, "name").strip().lower() in _ROBOTS_NAMES:
            words.update(word.strip().lower() for word in attribute(node, "content").split(","))
    return words
