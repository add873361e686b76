"""The one door into a reading process: a request in, plain data out. It keeps the last page between two requests.

`look` reads what is cheap (links, canonical address), `article` the rest of the same page: between the two the
crawl decides whether the page is worth it. `listing` reads a sitemap or feed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from quaero_cli.crawl.reading import article, looker, markup
from quaero_cli.crawl.reading.charset import source, text_of
from quaero_cli.crawl.reading.nesting import parse
from quaero_cli.crawl.reading.sketch import sketch

_WARM_UP = (
    b"<html lang=en><title>Warm</title><article><h1>Warm</h1>"
    + b"<p>A sentence that is long enough to be taken for the running text of an article, twice over.</p>" * 20
    + b"</article></html>"
)

Request = Mapping[str, Any]
Reply = dict[str, Any]


class Reader:
    """Answers requests, one at a time."""

    def __init__(self) -> None:
        self._tree = LexborHTMLParser("")
        self._page: str | bytes = ""
        self._url = ""
        self._canonical: str | None = None
        self._fast = False

    def __call__(self, request: Request, body: bytes) -> Reply:
        """One request. Raises whatever a hostile page makes the parsers raise."""
        operations: dict[str, Callable[[Request, bytes], Reply]] = {
            "look": self._look,
            "article": self._article,
            "listing": looker.listing,
        }
        return operations[request["op"]](request, body)

    def _look(self, request: Request, body: bytes) -> Reply:
        self._url = request["url"]
        self._fast = request.get("engine") == "trafilatura-fast"
        self._page = source(body, request["content_type"])
        self._tree = parse(self._page)
        view = markup.look(self._tree, self._url)
        self._canonical = view["canonical"]
        return dict(view)

    def _article(self, _request: Request, _body: bytes) -> Reply:
        found = article.read(self._tree, text_of(self._page), self._url, self._canonical, fast=self._fast)
        if isinstance(found, str):
            return {"article": None, "reason": found}
        return {"article": found, "reason": None, "sketch": sketch(found["text"])}


def make() -> Reader:
    """A reader that has read one page already: the libraries compile and load much on their first."""
    reader = Reader()
    reader({"op": "look", "url": "http://warm.invalid/up.html", "content_type": "text/html"}, _WARM_UP)
    reader({"op": "article"}, b"")
    return reader
