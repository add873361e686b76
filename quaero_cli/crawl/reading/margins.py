"""A page without what stands around its article: other articles, comments, sidebars, the site's head and foot.

Dates and names there belong to something else: the newest comment, the next event, today. What holds the page's
heading is never taken for a margin, whatever it is called: many pages say `comments-open` of their whole body.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

_ALWAYS = frozenset({"aside", "footer", "nav", "form", "script", "style", "iframe", "noscript"})
_HEADED = frozenset({"header", "article"})  # margins if they have no heading, where another one has
_NEVER = frozenset({"html", "head", "body", "main"})
_MOST_HEADINGS = 20
_NAMES = re.compile(
    r"(?:^|[-_\s])(?:comments?|respond|disqus|related|sidebar|side-?bar|widgets?|calendar|events?|recommended|"
    r"recommendations?|trending|popular|latest|recent|most-?read|read-?more|also|teasers?|promo|newsletter|footer|"
    r"copyright|masthead|today|current-?date|date-?today|weather|breaking|ticker|navigation|menu)(?:$|[-_\s])",
    re.IGNORECASE,
)
# Of the head: when the page was changed says nothing of when it was published.
_CHANGED = re.compile(r"modified|updated|revised|expires", re.IGNORECASE)


def without_margins(tree: LexborHTMLParser) -> LexborHTMLParser:
    """A copy of the page without its margins."""
    copy = LexborHTMLParser(tree.html or "")
    # All of them are found before the first one goes: what is inside of one is freed with it.
    for node in list(_margins(copy)):
        node.decompose()
    return copy


def _margins(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    """The outermost ones. Linear in the page's size: a page may be nested thousands of levels deep."""
    if tree.root is None:
        return
    holding = _holders(tree)
    headed = tree.css_first("article h1") is not None
    waiting = [tree.root]
    while waiting:
        node = waiting.pop()
        if node.mem_id not in holding and _is_margin(node, headed=headed):
            yield node
        else:
            waiting.extend(node.iter())


def _holders(tree: LexborHTMLParser) -> set[int]:
    """The elements that hold a heading of the first level."""
    holding: set[int] = set()
    for heading in tree.css("h1")[:_MOST_HEADINGS]:
        node: LexborNode | None = heading
        while node is not None and node.mem_id not in holding:
            holding.add(node.mem_id)
            node = node.parent
    return holding


def _is_margin(node: LexborNode, *, headed: bool) -> bool:
    tag = node.tag
    if tag == "meta":
        return _CHANGED.search(_attributes(node, "name", "property", "itemprop")) is not None
    if tag in _ALWAYS or (tag in _HEADED and headed):
        return True
    return tag not in _NEVER and _NAMES.search(_attributes(node, "class", "id")) is not None


def _attributes(node: LexborNode, *names: str) -> str:
    return " ".join(node.attributes.get(name) or "" for name in names)
