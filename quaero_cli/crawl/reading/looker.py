"""The door into a process that reads no articles: what pages lead to, and what sitemaps and feeds list.

It imports no extractor, so it is there in a tenth of a second.
"""

from collections.abc import Callable, Mapping
from typing import Any

from quaero_cli.crawl.reading import markup
from quaero_cli.crawl.reading.charset import source
from quaero_cli.crawl.reading.nesting import parse

# Unpacked bytes of a sitemap that are read: the protocol's limit is 50 MB, and 50,000 URLs fit into this.
MAX_LISTING_BYTES = 20 * 1024 * 1024


def look(request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """Read what is cheap of a page."""
    return dict(markup.look(parse(source(body, request["content_type"])), request["url"]))


def listing(request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """Read a sitemap or a feed."""
    from quaero_cli.crawl.reading import xmlfiles  # a quarter of what there is to load, and few sites need it

    return dict(xmlfiles.read(body, request["url"], limit=MAX_LISTING_BYTES))


def make() -> Callable[[Mapping[str, Any], bytes], dict[str, Any]]:
    """A handler of requests. Raises whatever a hostile page makes the parsers raise."""
    operations = {"look": look, "listing": listing}
    return lambda request, body: operations[request["op"]](request, body)
