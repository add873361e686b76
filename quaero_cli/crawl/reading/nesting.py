"""Pages whose elements are nested without end are refused before they are parsed.

HTML's rules make a parser look through all open elements at the start of each block, for a `<p>` that it would close:
time grows with the square of the depth (measured: 16,000 nested `<div>` 0.4 s, 64,000 nine, 200,000 more than a page
may take). Browsers stop at a depth of 512. Honest pages are far from what is refused here, and cost no more than a
look at their length, or a count of their tags.
"""

import re

from selectolax.lexbor import LexborHTMLParser

# Blocks within one another. A site's forgotten end tags make some thousands; so deep a page takes 0.15 s.
MAX_DEPTH = 10_000

# Bytes of the shortest block (`<ul>`): a page that has no room for so many is not looked at.
_SHORTEST = 4
# Blocks that a parser does not close by itself. In scripts end tags are written `<\/div>`.
_BLOCK = (
    r"<(\\?/)?(?:address|article|aside|blockquote|center|details|dialog|dir|div|dl|fieldset|figcaption|figure|footer"
    r"|header|hgroup|listing|main|menu|nav|ol|pre|search|section|summary|ul)(?=[\s/>])"
)
_IN_TEXT, _IN_BYTES = re.compile(_BLOCK, re.IGNORECASE), re.compile(_BLOCK.encode(), re.IGNORECASE)


class TooDeep(Exception):
    """The page's elements are nested deeper than `MAX_DEPTH`."""


def parse(page: str | bytes) -> LexborHTMLParser:
    """Parse a page. Raises TooDeep."""
    if len(page) > MAX_DEPTH * _SHORTEST and _opened(page) > MAX_DEPTH and _depth(page) > MAX_DEPTH:
        raise TooDeep(f"elements are nested more than {MAX_DEPTH} deep")
    return LexborHTMLParser(page)


def _opened(page: str | bytes) -> int:
    """How many elements can be open at once, at most: cheap, and far too many where end tags are left out."""
    if isinstance(page, str):
        return page.count("<") - page.count("</")
    return page.count(b"<") - page.count(b"</")


def _depth(page: str | bytes) -> int:
    depth = deepest = 0
    found = _IN_TEXT.finditer(page) if isinstance(page, str) else _IN_BYTES.finditer(page)
    for block in found:
        if not block[1]:
            depth += 1
            deepest = max(deepest, depth)
        elif depth:
            depth -= 1
    return deepest
