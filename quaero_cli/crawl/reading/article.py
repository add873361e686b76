"""Whether a page is an article, and its text as Markdown.

A crawl of a news site meets as many lists as articles: sections, tags, authors, archives. What the page declares is
believed first (JSON-LD, then Open Graph), then its address and shape decide: enough running text, few links in it,
and not a row of linked headlines. Only pages that may be articles get the costly part, the extraction of the text.
"""

import re
from typing import TypedDict

import htmldate
from selectolax.lexbor import LexborHTMLParser

from quaero_cli.crawl.reading import jsonld
from quaero_cli.crawl.reading.extractor import markdown
from quaero_cli.crawl.reading.metadata import Metadata, Sources, metadata
from quaero_cli.crawl.reading.tables import tidy
from quaero_cli.crawl.urls import is_site_root

# A page that declares itself an article needs some text to be one: a flash has two sentences.
MIN_DECLARED_CHARS = 120
# One that declares nothing needs as much as three paragraphs.
MIN_UNDECLARED_CHARS = 500
# Share of a running text that stands in links; articles have under a tenth, lists of links nearly everything.
_MAX_LINK_SHARE = 0.35
# Headlines that are links: an article has some under "read more", a section has one for each entry, with a teaser
# of one or two sentences.
_MIN_LINKED_HEADLINES = 3
_TEASER_CHARS = 300

_LISTING_OG = frozenset({"profile", "product", "product.group", "books.author", "music.playlist"})
_LISTING_PATH = re.compile(
    r"/(?:tags?|topics?|categor(?:y|ies)|sections?|authors?|people|search|archives?|about(?:-us)?|contact|imprint|"
    r"impressum|privacy|datenschutz|terms|login|register|subscribe|sitemap)(?:/[^/]*)?/?(?:index\.html?)?$|"
    r"/(?:about|contact|imprint|impressum|privacy|terms|archive|search)\.html?$|/page/\d+/?$",
    re.IGNORECASE,
)

# Markdown has no underline; the extractor writes it as HTML.
_UNDERLINED = re.compile(r"</?u>")


class Article(TypedDict):
    """An article. `text` is Markdown without the title."""

    metadata: Metadata
    text: str


def read(tree: LexborHTMLParser, text: str, url: str, canonical: str | None, *, fast: bool = False) -> Article | str:
    """The page's article; if it is none, why not, in words. `fast`: without the extractor's second opinions."""
    sources = Sources(tree, url, canonical)
    declared = _declares_article(sources)
    refusal = None if declared else _looks_unlike(sources, url)
    if refusal is not None:
        return refusal
    body = _markdown(text, url, fast=fast)
    found = metadata(sources)
    body = _without_title(body, found["title"])
    if len(body) < (MIN_DECLARED_CHARS if declared else MIN_UNDECLARED_CHARS):
        return "too little text"
    if found["published"] is None:
        found["published"] = _visible_date(sources.inner.html, url)
    return Article(metadata=found, text=body)


def _declares_article(sources: Sources) -> bool:
    if sources.article is not None:
        return True
    return (sources.first("og:type") or "").lower() == "article" and not jsonld.is_listing(sources.things)


def _looks_unlike(sources: Sources, url: str) -> str | None:
    """Why a page that does not declare itself an article is none; None: its text decides."""
    if jsonld.is_listing(sources.things) or (sources.first("og:type") or "").lower() in _LISTING_OG:
        return "declared a listing"
    if is_site_root(url):
        return "the site's first page"
    if _LISTING_PATH.search(url.partition("?")[0]):
        return "a listing by its address"
    tree = sources.tree
    running = _visible_chars(tree, "p")
    headlines = len(tree.css("h2 a, h3 a, h4 a"))
    if headlines >= _MIN_LINKED_HEADLINES and running < headlines * _TEASER_CHARS:
        return "a row of headlines"
    whole = _visible_chars(tree, "body") - _visible_chars(tree, "body script, body style, body noscript")
    linked = _visible_chars(tree, "body a")
    if whole - linked < MIN_UNDECLARED_CHARS:
        return "too little text"
    return "mostly links" if _visible_chars(tree, "p a") > running * _MAX_LINK_SHARE else None


def _visible_chars(tree: LexborHTMLParser, selector: str) -> int:
    return sum(len(node.text(strip=True)) for node in tree.css(selector))


def _markdown(text: str, url: str, *, fast: bool) -> str:
    return tidy(_UNDERLINED.sub("", markdown(text, url, fast=fast)).strip())


def _without_title(body: str, title: str) -> str:
    """The text without a first heading that repeats the title: the title is kept apart."""
    first, _, rest = body.partition("\n")
    heading = first.lstrip("#").strip().strip("*").strip()
    return rest.strip() if title and heading.casefold() == title.casefold() else body


def _visible_date(text: str, url: str) -> str | None:
    """A date found in the page's text or address; without the wide search, which always finds some date."""
    found: str | None = htmldate.find_date(text, url=url, extensive_search=False, original_date=True)
    return found
