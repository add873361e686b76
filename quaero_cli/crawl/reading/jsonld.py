"""JSON-LD of a page: its objects, and which of them is the page's article."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from quaero_cli.crawl.urls import normalise

# A page's JSON-LD is some KB; beyond this it is data that was dumped there.
_MAX_CHARS = 1 << 20
_MAX_DEPTH = 12

Thing = Mapping[str, Any]

ARTICLE_TYPES = frozenset(
    [
        "Article",
        "NewsArticle",
        "BlogPosting",
        "SocialMediaPosting",
        "ReportageNewsArticle",
        "OpinionNewsArticle",
        "AnalysisNewsArticle",
        "BackgroundNewsArticle",
        "ReviewNewsArticle",
        "AskPublicNewsArticle",
        "LiveBlogPosting",
        "TechArticle",
        "ScholarlyArticle",
        "SatiricalArticle",
        "AdvertiserContentArticle",
        "MedicalScholarlyArticle",
        "Report",
    ]
)
# Types of pages that are no article, whatever text they hold. Plain WebPage and WebSite stand on articles, too.
LISTING_TYPES = frozenset(
    [
        "CollectionPage",
        "ItemList",
        "ProfilePage",
        "AboutPage",
        "ContactPage",
        "SearchResultsPage",
        "CheckoutPage",
        "FAQPage",
        "ItemPage",
        "MediaGallery",
        "ImageGallery",
        "VideoGallery",
        "Blog",
    ]
)

# Where articles are mentioned rather than meant: teasers, parts, related ones.
_MENTIONS = frozenset(
    [
        "itemListElement",
        "hasPart",
        "isPartOf",
        "blogPost",
        "blogPosts",
        "mentions",
        "citation",
        "isRelatedTo",
        "subjectOf",
        "breadcrumb",
        "isBasedOn",
    ]
)


def things(tree: LexborHTMLParser) -> list[Thing]:
    """Every object of the page's JSON-LD that stands for the page itself, in order; what is mentioned is left out."""
    found: list[Thing] = []
    for node in tree.css('script[type="application/ld+json"]'):
        text = node.text(deep=True)
        if len(text) <= _MAX_CHARS:
            found += _walk(_parse(text), 0)
    return found


def types(thing: Thing) -> set[str]:
    """The object's types, without the vocabulary's address."""
    named = thing.get("@type")
    names = named if isinstance(named, list) else [named]
    return {name.rpartition("/")[2] for name in names if isinstance(name, str)}


def article(found: Sequence[Thing], url: str, canonical: str | None) -> Thing | None:
    """The article that the page is: the one that names its address, else the only one if the page is no listing."""
    articles = [thing for thing in found if types(thing) & ARTICLE_TYPES]
    here = {url, canonical}
    for thing in articles:
        if any(normalise(address, url) in here for address in _addresses(thing)):
            return thing
    titles = {thing.get("headline") for thing in articles if isinstance(thing.get("headline"), str)}
    return articles[0] if articles and len(titles) <= 1 and not is_listing(found) else None


def is_listing(found: Sequence[Thing]) -> bool:
    """Whether the page says that it is a list, a person's or an organisation's page."""
    return any(types(thing) & LISTING_TYPES for thing in found)


def names(value: object, found: Sequence[Thing]) -> list[str]:
    """Names in an `author` or `publisher`: text, objects, references to objects of the page, lists of those."""
    if isinstance(value, list):
        return [name for item in value for name in names(item, found)]
    if isinstance(value, str):
        return [value] if not value.startswith(("http://", "https://")) else []
    if not isinstance(value, dict):
        return []
    name = value.get("name")
    if name is None and "@id" in value:
        same = (thing for thing in found if thing.get("@id") == value["@id"] and thing.get("name"))
        name = next((thing["name"] for thing in same), None)
    return names(name, ()) if isinstance(name, (str, list)) else []


def _addresses(thing: Thing) -> Iterator[str]:
    for key in ("url", "@id", "mainEntityOfPage"):
        value = thing.get(key)
        if isinstance(value, dict):
            value = value.get("@id") or value.get("url")
        if isinstance(value, str):
            yield value


def _parse(text: str) -> object:
    try:
        return json.loads(text, strict=False)  # line breaks inside strings are common
    except (ValueError, RecursionError):
        return None


def _walk(value: object, depth: int) -> Iterator[Thing]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, depth + 1)
    elif isinstance(value, dict):
        yield value
        for key, item in value.items():
            if key not in _MENTIONS and isinstance(item, (dict, list)):
                yield from _walk(item, depth + 1)
