"""Title, authors, date, language, site and tags of a page: JSON-LD first, then meta tags, then what is visible.

Each of these is asked in the order of how often it is right; a source that is there wins even if a later one has
more. Visible bylines and dates are looked for in few, narrow places: a wrong author is worse than none.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TypedDict

from selectolax.lexbor import LexborHTMLParser

from quaero_cli.crawl.reading import jsonld
from quaero_cli.crawl.reading.margins import Inner
from quaero_cli.crawl.reading.markup import attribute
from quaero_cli.crawl.urls import normalise

# A page may say as much of itself as it has bytes; what is longer or more than this is no title, tag or author.
MAX_TITLE_CHARS = 1_000
MAX_TAGS = 50
MAX_AUTHORS = 50
_MAX_TAG_CHARS = 200
_MAX_SITE_CHARS = 200
_MAX_NAME_CHARS = 80

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s*(?:Z|[+-]\d\d:?\d\d)?)?")
# Of the oldest paper that is still printed.
_FIRST_YEAR = 1600
_DATE_METAS = [
    "article:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dc.date.issued",
    "dcterms.created",
    "dcterms.issued",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
    "publishdate",
    "publish-date",
    "og:published_time",
    "article.published",
    "citation_publication_date",
]
_DATE_NODES = ("time[itemprop=datePublished]", "time[pubdate]", "article time[datetime]", "header time[datetime]")
_AUTHOR_METAS = [
    "author",
    "article:author",
    "dc.creator",
    "dcterms.creator",
    "parsely-author",
    "sailthru.author",
    "byl",
]
_AUTHOR_NODES = (
    "[rel~=author]",
    "[itemprop=author] [itemprop=name]",
    "[itemprop=author]",
    ".byline a",
    ".author-name",
    ".byline",
    ".author",
)
_BY = re.compile(
    r"^\s*(?:(?:posted|written|story|words) by|by|von|par|por|di|autor|autorin|author|text)[:\s]+", re.IGNORECASE
)
# What somebody is, after the name: `Ada Lund, Staff Writer`, `Ada Lund - Contributor`.
_ROLE = re.compile(
    r"(?:\s*,|\s+[-|\u2013\u2014])\s[^,|]*\b(?:writer|reporter|editor|contributor|correspondent|columnist|journalist)$",
    re.IGNORECASE,
)
_BETWEEN_NAMES = re.compile(r"\s*(?:;|\s&\s|\s+and\s+|\s+und\s+|\s+et\s+|\s+y\s+)\s*")
_TITLE_PARTS = re.compile(r"\s+[|\u2013\u2014»·-]\s+")


class Metadata(TypedDict):
    """What the page says about its article. `title` is "" when it has none."""

    title: str
    authors: list[str]
    published: str | None
    language: str | None
    site: str | None
    tags: list[str]
    image: str | None


class Sources:
    """A page's sources, read once. `article` is the JSON-LD object that the page is, if it has one."""

    def __init__(self, tree: LexborHTMLParser, url: str, canonical: str | None) -> None:
        self.tree = tree
        self.url = url
        self.things = jsonld.things(tree)
        self.article = jsonld.article(self.things, url, canonical)
        self.metas = _metas(tree)
        self.inner = Inner(tree)  # where names and dates are looked for that nothing declares

    def meta(self, names: Sequence[str]) -> Iterator[str]:
        """Contents of the metas of these names, in the names' order."""
        for name in names:
            yield from self.metas.get(name, ())

    def first(self, *names: str) -> str | None:
        """The first content of a meta of these names."""
        return next(self.meta(names), None)


def metadata(sources: Sources) -> Metadata:
    """Everything the page says."""
    site = _site(sources)
    return Metadata(
        title=_title(sources, site)[:MAX_TITLE_CHARS],
        authors=_authors(sources, site)[:MAX_AUTHORS],
        published=_published(sources),
        language=_language(sources),
        site=site,
        tags=_tags(sources),
        image=_image(sources),
    )


def clean(text: str) -> str:
    """One line, single spaces, entities (also those that were encoded twice) resolved."""
    return " ".join(html.unescape(text).split())


def _metas(tree: LexborHTMLParser) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in tree.css("meta[content]"):
        name = attribute(node, "property") or attribute(node, "name") or attribute(node, "itemprop")
        content = clean(attribute(node, "content"))
        if name and content:
            found.setdefault(name.strip().lower(), []).append(content)
    return found


def _title(sources: Sources, site: str | None) -> str:
    """The heading that agrees with the page's declared title; the declared one where no heading does."""
    headline = (sources.article or {}).get("headline")
    declared = sources.first("og:title", "twitter:title")
    node = sources.tree.css_first("title")
    title = clean(node.text()) if node is not None else ""
    candidates = [_without_site(clean(text), site) for text in (declared, headline, title) if isinstance(text, str)]
    candidates = [text for text in candidates if text]
    headings = [clean(node.text(separator=" ")) for node in sources.tree.css("h1")]
    for heading in headings:
        if heading and any(_agree(heading, text) for text in candidates):
            return heading
    if declared or isinstance(headline, str):
        return candidates[0] if candidates else ""
    filled = [heading for heading in headings if heading]
    if len(filled) == 1:
        return filled[0]
    return _TITLE_PARTS.split(candidates[0])[0] if candidates else ""


def _agree(heading: str, text: str) -> bool:
    left, right = heading.casefold(), text.casefold()
    return left in right or right in left


def _without_site(text: str, site: str | None) -> str:
    if site:
        text = re.sub(rf"\s*[|\-\u2013\u2014:·»]+\s*{re.escape(site)}\s*$", "", text, flags=re.IGNORECASE)
    return text


def _authors(sources: Sources, site: str | None) -> list[str]:
    if sources.article is not None:
        found = jsonld.names(sources.article.get("author") or sources.article.get("creator"), sources.things)
        people = _people(found, site)
        if people:
            return people
    people = _people((name for text in sources.meta(_AUTHOR_METAS) for name in _split(text)), site)
    if people:
        return people
    for selector in _AUTHOR_NODES:
        node = sources.inner.first(selector)
        if node is not None:
            people = _people(_split(_BY.sub("", clean(sources.inner.text(node)))), site)
            if people:
                return people
    return []


def _split(text: str) -> list[str]:
    return _BETWEEN_NAMES.split(text)


def _people(names: "Iterator[str] | Sequence[str]", site: str | None) -> list[str]:
    """Those that can be names: not an address, not the site's own name, not a sentence."""
    found: dict[str, str] = {}
    for name in names:
        name = _BY.sub("", clean(name)).strip(" ,|·-")
        if len(name) <= 2 * _MAX_NAME_CHARS:  # the pattern tries each blank
            name = _ROLE.sub("", name)
        wrong = (
            not 1 < len(name) <= _MAX_NAME_CHARS
            or "://" in name
            or "@" in name
            or any(char.isdigit() for char in name)
            or (site is not None and name.casefold() == site.casefold())
        )
        if not wrong:
            found.setdefault(name.casefold(), name)
    return list(found.values())


def _published(sources: Sources) -> str | None:
    article = sources.article or {}
    stated = [article.get("datePublished"), article.get("dateCreated"), *sources.meta(_DATE_METAS)]
    for text in stated:
        found = iso_date(text) if isinstance(text, str) else None
        if found is not None:
            return found
    for selector in _DATE_NODES:
        node = sources.inner.first(selector)
        found = iso_date(attribute(node, "datetime") or attribute(node, "content")) if node is not None else None
        if found is not None:
            return found
    return None


def iso_date(text: str) -> str | None:
    """The ISO 8601 date or date-time that the text begins with, as it is written; None for any other notation.

    None as well for what is no day, and for the year 1 that programs write when they know none.
    """
    found = _DATE.match(text.strip())
    if found is None or int(found.group()[:4]) < _FIRST_YEAR:
        return None
    try:
        date.fromisoformat(found.group()[:10])
    except ValueError:
        return None
    return found.group().strip()


def _language(sources: Sources) -> str | None:
    node = sources.tree.css_first("html")
    stated = attribute(node, "lang") or attribute(node, "xml:lang") if node is not None else ""
    in_article = (sources.article or {}).get("inLanguage")
    if isinstance(in_article, dict):
        in_article = in_article.get("alternateName") or in_article.get("name")
    for text in (stated, in_article, sources.first("og:locale", "content-language", "language", "dc.language")):
        if isinstance(text, str):
            code = re.split(r"[-_,;\s]", text.strip().lower())[0]
            if re.fullmatch(r"[a-z]{2,3}", code):
                return code
    return None


def _site(sources: Sources) -> str | None:
    named = sources.first("og:site_name")
    if named and "://" not in named and len(named) <= _MAX_SITE_CHARS:
        return named
    publishers = jsonld.names((sources.article or {}).get("publisher"), sources.things)
    sites = [name for thing in sources.things if "WebSite" in jsonld.types(thing) for name in jsonld.names(thing, ())]
    found = next((clean(name) for name in (*publishers, *sites)), None) or sources.first("application-name")
    return found if found is not None and len(found) <= _MAX_SITE_CHARS else None


def _tags(sources: Sources) -> list[str]:
    keywords = (sources.article or {}).get("keywords")
    texts = keywords if isinstance(keywords, list) else [keywords]
    found = [part for text in texts if isinstance(text, str) for part in text.split(",")]
    found += sources.meta(["article:tag"])
    if not found:
        found = (sources.first("news_keywords", "keywords") or "").split(",")
    if not any(map(str.strip, found)):
        found = [node.text(separator=" ") for node in sources.tree.css("a[rel~=tag]")]
    tags = {tag.casefold(): tag for tag in map(clean, found) if 0 < len(tag) <= _MAX_TAG_CHARS}
    return list(tags.values())[:MAX_TAGS]


def _image(sources: Sources) -> str | None:
    stated = (sources.article or {}).get("image")
    first = stated[0] if isinstance(stated, list) and stated else stated
    in_article = first.get("url") if isinstance(first, dict) else first
    for text in (sources.first("og:image", "og:image:url", "twitter:image"), in_article):
        url = normalise(text.strip(), sources.url) if isinstance(text, str) and text.strip() else None
        if url is not None:
            return url
    return None
