"""Sitemaps and feeds to URLs: sitemap, sitemap index, text sitemap, RSS, RDF, Atom; plain or gzip.

XML from strangers: no entities, no network, no DTD, no huge trees, bounded bytes and entries. Damaged files give
what can be read of them. Names are compared without their namespace: wrong ones are common.
"""

from collections.abc import Iterator
from typing import Literal, TypedDict

from lxml import etree

from quaero_cli.crawl.body import Body, BodyProblem
from quaero_cli.crawl.dates import latest_moment
from quaero_cli.crawl.urls import normalise

# The protocol's own limit for one sitemap.
MAX_ENTRIES = 50_000

# When an entry appeared, or last changed: of RSS, RDF, Atom.
_DATES = frozenset({"pubdate", "date", "updated", "published", "modified", "issued"})

_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"


class Listing(TypedDict):
    """What a file lists. Of an index the URLs are those of further sitemaps.

    `dates` says of some URLs when they were published or last changed: the latest moment, in seconds since 1970.
    """

    kind: Literal["sitemap", "index", "feed", "unknown"]
    urls: list[str]
    dates: dict[str, float]


# One entry: the URL as it is written, and its date.
_Entry = tuple[str, str | None]


def read(body: bytes, url: str, *, limit: int) -> Listing:
    """The file's URLs, normalised, each once, in order. `limit`: bytes after decompression."""
    body = _unpacked(body, limit)
    root = _parse(body)
    if root is None:
        listing = _listing("sitemap", _text_urls(body), None)
        return listing if listing["urls"] else Listing(kind="unknown", urls=[], dates={})
    name = _name(root)
    if name == "sitemapindex":
        return _listing("index", _locations(root, "sitemap"), url)
    if name == "urlset":
        return _listing("sitemap", _locations(root, "url"), url)
    if name in ("rss", "rdf", "feed", "channel"):
        return _listing("feed", _entries(root), url)
    return Listing(kind="unknown", urls=[], dates={})


def _unpacked(body: bytes, limit: int) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    unpacked = Body("gzip", limit=limit, truncate=True)
    try:
        unpacked.feed(body)
        return unpacked.finish()
    except BodyProblem:
        return b""


def _parse(body: bytes) -> etree._Element | None:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True, remove_comments=True
    )
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        return None
    try:
        return etree.fromstring(start, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _name(node: etree._Element) -> str:
    tag = node.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _locations(root: etree._Element, entry: str) -> Iterator[_Entry]:
    """`<loc>` of each entry; not those of images and videos, which lie deeper. News say when they were published."""
    for node in root:
        if _name(node) == entry:
            found = {_name(child): (child.text or "").strip() for child in node}
            location = found.get("loc") or (node.text or "").strip()  # some leave the <loc> out
            if location:
                published = next((each.text for each in node.iter() if _name(each) == "publication_date"), None)
                yield location, published or found.get("lastmod")


def _entries(root: etree._Element) -> Iterator[_Entry]:
    for node in root.iter():
        name = _name(node)
        link = _rss_link(node) if name == "item" else _atom_link(node) if name == "entry" else None
        if link is not None:
            yield link, next((child.text for child in node if _name(child) in _DATES and child.text), None)


def _rss_link(item: etree._Element) -> str | None:
    guid = None
    for child in item:
        name = _name(child)
        if name == "link" and child.text and child.text.strip():
            return str(child.text)
        if name == "guid" and child.get("isPermaLink", "true").lower() != "false":
            guid = child.text
    return str(guid) if guid and guid.strip().startswith(("http://", "https://")) else None


def _atom_link(entry: etree._Element) -> str | None:
    for child in entry:
        if _name(child) == "link" and child.get("rel", "alternate") == "alternate" and child.get("href"):
            bases = (node.get(_XML_BASE) for node in (child, *child.iterancestors()))
            base = next(filter(None, bases), None)
            href = str(child.get("href", "")).strip()
            return (normalise(href, base) if base and normalise(base) else None) or href
    return None


def _text_urls(body: bytes) -> Iterator[_Entry]:
    lines = body.decode("utf-8-sig", "replace").splitlines()
    return ((line, None) for line in lines if line.startswith(("http://", "https://")))


def _listing(kind: Literal["sitemap", "index", "feed"], entries: Iterator[_Entry], base: str | None) -> Listing:
    found: dict[str, None] = {}
    dates: dict[str, float] = {}
    for href, date in entries:
        url = normalise(href.strip(), base)
        if url is not None:
            found[url] = None
            moment = latest_moment(date) if date else None
            if moment is not None:
                dates[url] = max(moment, dates.get(url, moment))
            if len(found) >= MAX_ENTRIES:
                break
    return Listing(kind=kind, urls=list(found), dates=dates)
