"""What reads pages in `crawl`'s run without extraction: links, canonical addresses and sitemaps, never an article."""

from collections.abc import Callable, Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from quaero_cli.crawl.reading import markup, xmlfiles
from quaero_cli.crawl.reading.charset import source
from quaero_cli.crawl.reading.forkserver import WITH_ARTICLE

_MAX_LISTING_BYTES = 1 << 20


def make() -> Callable[[Mapping[str, Any], bytes], dict[str, Any]]:
    """Return the handler of requests."""

    none = {"article": None, "reason": "articles are not read here"}

    def handle(request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        if request["op"] == "look":
            tree = LexborHTMLParser(source(body, request["content_type"]))
            view = markup.look(tree, request["url"])
            return {**view, WITH_ARTICLE: none}
        if request["op"] == "listing":
            return dict(xmlfiles.read(body, request["url"], limit=_MAX_LISTING_BYTES))
        return none

    return handle
