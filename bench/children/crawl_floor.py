"""The plain way to crawl: `crawl_floor`, on stdin JSON `{"fetch": [URL, ...], "extract": [URL, ...], "links": BOOL}`.

One process, one page after the other over one connection that is kept open. Pages to `extract` go through trafilatura
as the crawler calls it; with `links` the links of every page are read and made absolute. No robots.txt, no frontier,
no log, no store: less than a crawler must do. Tells the seconds, the imports included, and how many pages had text.
"""

import http.client
import json
import sys
import time
from urllib.parse import urljoin, urlsplit


def main() -> None:
    """Fetch, and read what came."""
    asked = json.load(sys.stdin)
    began = time.perf_counter()
    if asked["extract"]:
        import trafilatura
    if asked["links"]:
        from selectolax.lexbor import LexborHTMLParser
    extract, texts, links = set(asked["extract"]), 0, 0
    connection = http.client.HTTPConnection(urlsplit(asked["fetch"][0]).netloc)
    for url in asked["fetch"]:
        parts = urlsplit(url)
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        page = connection.getresponse().read()
        if asked["links"]:
            links += len({urljoin(url, a.attributes.get("href") or "") for a in LexborHTMLParser(page).css("a")})
        if url in extract:
            text = trafilatura.extract(
                page, url=url, output_format="markdown", include_comments=False, include_formatting=True,
                include_links=False, include_images=False, include_tables=True, with_metadata=True,
            )  # fmt: skip
            texts += bool(text)
    print(json.dumps({"seconds": time.perf_counter() - began, "texts": texts, "links": links}))


if __name__ == "__main__":
    main()
