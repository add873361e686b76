"""What a page says about itself and where it leads: links, canonical address, feeds, wishes to robots."""

import re
from collections.abc import Mapping
from typing import NotRequired, TypedDict

from selectolax.lexbor import LexborHTMLParser, LexborNode

from quaero_cli.crawl.reading.hrefs import Hrefs, links
from quaero_cli.crawl.urls import normalise

# A page with more links than this is a trap or a dump; the largest honest ones (API indexes) have some thousands.
MAX_LINKS = 10_000

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
    cut: NotRequired[bool]  # there, and true, where the page has more links than are looked at


def look(tree: LexborHTMLParser, url: str) -> View:
    """Read everything but the article."""
    parts = _Parts(tree)
    base = (normalise(parts.base, url) if parts.base is not None else None) or url
    found = links(parts.hrefs, base, MAX_LINKS)
    view = View(
        links=[link for link, follow in found.items() if follow],
        nofollow_links=[link for link, follow in found.items() if not follow],
        canonical=Hrefs(base).meant(parts.canonical) if parts.canonical is not None else None,
        feeds=list(dict.fromkeys(link for href in parts.feeds if (link := normalise(href, base)) is not None)),
        noindex=bool(parts.robots & {"noindex", "none"}),
        nofollow=bool(parts.robots & {"nofollow", "none"}),
    )
    if len(found) >= MAX_LINKS:
        view["cut"] = True
    return view


def attribute(node: LexborNode, name: str) -> str:
    """An attribute's value; "" when it is absent or has none."""
    return node.attributes.get(name) or ""


class _Parts:
    """What stands in a page's elements, in their order, unresolved. By tags: a selector costs as much as all else."""

    def __init__(self, tree: LexborHTMLParser) -> None:
        self.base: str | None = None
        self.canonical: str | None = None
        self.feeds: list[str] = []
        self.robots: set[str] = set()
        self.hrefs: list[tuple[str, bool]] = []  # and whether they may be followed
        for node in tree.css("a, area") if tree.tags("area") else tree.tags("a"):
            attributes = node.attributes
            href = attributes.get("href")  # never by a selector: it matches SVG's xlink:href, too
            if href and href[0] != "#":
                rel = attributes.get("rel")
                self.hrefs.append((href, not rel or "nofollow" not in rel.lower().split()))
        for node in tree.tags("base"):
            if self.base is None and "href" in node.attributes:
                self.base = node.attributes["href"] or ""
        for node in tree.tags("link"):
            self._link(node.attributes)
        for node in tree.tags("meta"):
            self._meta(node.attributes)

    def _link(self, attributes: Mapping[str, str | None]) -> None:
        if "href" not in attributes:
            return
        rel, href = (attributes.get("rel") or "").lower().split(), attributes["href"] or ""
        if "canonical" in rel and self.canonical is None:
            self.canonical = href
        media = (attributes.get("type") or "").partition(";")[0].strip().lower()
        if "alternate" in rel and media in _FEED_TYPES:
            self.feeds.append(href)

    def _meta(self, attributes: Mapping[str, str | None]) -> None:
        content = attributes.get("content") or ""
        if (attributes.get("http-equiv") or "").lower() == "refresh":
            found = _REFRESH_URL.search(content)
            if found is not None:
                self.hrefs.append((found.group(1), True))
        if (attributes.get("name") or "").strip().lower() in _ROBOTS_NAMES:
            self.robots.update(word.strip().lower() for word in content.split(","))
