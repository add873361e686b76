"""A page without what stands around its article: other articles, comments, sidebars, the site's head and foot.

Dates and names there belong to something else: the newest comment, the next event, today. What holds the page's
heading is never taken for a margin, whatever it is called: many pages say `comments-open` of their whole body.
"""

import re
from collections.abc import Iterable, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

_TAGS = "aside, footer, nav, form, header, article, script, style, iframe, noscript, meta[content], [class], [id]"
_ALWAYS = frozenset({"aside", "footer", "nav", "form", "script", "style", "iframe", "noscript"})
_HEADED = frozenset({"header", "article"})  # margins if they have no heading, where another one has
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
    headed = copy.css_first("article h1") is not None
    # All of them are found before the first one goes: what is inside of one is freed with it.
    for node in list(_outermost(node for node in copy.css(_TAGS) if _is_margin(node, headed=headed))):
        node.decompose()
    return copy


def _outermost(nodes: Iterable[LexborNode]) -> Iterator[LexborNode]:
    """Those that are not inside of another one; `nodes` come in the page's order."""
    chosen: set[int] = set()
    for node in nodes:
        parent = node.parent
        while parent is not None and parent.mem_id not in chosen:
            parent = parent.parent
        if parent is None:
            chosen.add(node.mem_id)
            yield node


def _is_margin(node: LexborNode, *, headed: bool) -> bool:
    tag = node.tag
    if tag == "meta":
        return bool(_CHANGED.search(_attributes(node, "name", "property", "itemprop")))
    margin = tag in _ALWAYS or (tag in _HEADED and headed) or _NAMES.search(_attributes(node, "class", "id"))
    return bool(margin) and tag not in ("html", "body", "main") and node.css_first("h1") is None


def _attributes(node: LexborNode, *names: str) -> str:
    return " ".join(node.attributes.get(name) or "" for name in names)
