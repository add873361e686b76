"""Sitemaps and feeds to URLs: sitemap, sitemap index, text sitemap, RSS, RDF, Atom; plain or gzip.

XML from strangers: no entities, no network, no DTD, no huge trees, bounded bytes and entries. Damaged files give
what can be read of them. Names are compared without their namespace: wrong ones are common.
"""

from collections.abc import Iterator
from typing import Literal, TypedDict

from lxml import etree

from quaero_cli.crawl.body import Body, BodyProblem
from quaero_cli.crawl.urls import normalise

# The protocol's own limit for one sitemap.
MAX_ENTRIES = 50_000

_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"


class Listing(TypedDict):
    """What a file lists. Of an index the URLs are those of further sitemaps."""

    kind: Literal["sitemap", "index", "feed", "unknown"]
    urls: list[str]


def read(body: bytes, url: str, *, limit: int) -> Listing:
    """The file's URLs, normalised, each once, in order. `limit`: bytes after decompression."""
    body = _unpacked(body, limit)
    root = _parse(body)
    if root is None:
        urls = _text_urls(body)
        return Listing(kind="sitemap" if urls else "unknown", urls=urls)
    name = _name(root)
    if name == "sitemapindex":
        return Listing(kind="index", urls=_unique(_locations(root, "sitemap"), url))
    if name == "urlset":
        return Listing(kind="sitemap", urls=_unique(_locations(root, "url"), url))
    if name in ("rss", "rdf", "feed", "channel"):
        return Listing(kind="feed", urls=_unique(_entries(root), url))
    return Listing(kind="unknown", urls=[])


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


def _locations(root: etree._Element, entry: str) -> Iterator[str]:
    """`<loc>` of each entry; not those of images and videos, which lie deeper."""
    for node in root:
        if _name(node) == entry:
            for child in node:
                if _name(child) == "loc" and child.text:
                    yield child.text


def _entries(root: etree._Element) -> Iterator[str]:
    for node in root.iter():
        name = _name(node)
        if name == "item":
            yield from _rss_link(node)
        elif name == "entry":
            yield from _atom_link(node)


def _rss_link(item: etree._Element) -> Iterator[str]:
    guid = None
    for child in item:
        name = _name(child)
        if name == "link" and child.text and child.text.strip():
            yield child.text
            return
        if name == "guid" and child.get("isPermaLink", "true").lower() != "false":
            guid = child.text
    if guid and guid.strip().startswith(("http://", "https://")):
        yield guid


def _atom_link(entry: etree._Element) -> Iterator[str]:
    for child in entry:
        if _name(child) == "link" and child.get("rel", "alternate") == "alternate" and child.get("href"):
            bases = (node.get(_XML_BASE) for node in (child, *child.iterancestors()))
            base = next(filter(None, bases), None)
            href = child.get("href", "").strip()
            yield (normalise(href, base) if base and normalise(base) else None) or href
            return


def _text_urls(body: bytes) -> list[str]:
    lines = body.decode("utf-8-sig", "replace").splitlines()
    return _unique((line for line in lines if line.startswith(("http://", "https://"))), None)


def _unique(hrefs: Iterator[str], base: str | None) -> list[str]:
    found: dict[str, None] = {}
    for href in hrefs:
        url = normalise(href.strip(), base)
        if url is not None:
            found[url] = None
            if len(found) >= MAX_ENTRIES:
                break
    return list(found)
