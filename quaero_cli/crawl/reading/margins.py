"""A page without what stands around its article: other articles, comments, sidebars, the site's head and foot.

Dates and names there belong to something else: the newest comment, the next event, today. What holds the page's
heading is never taken for a margin, whatever it is called: many pages say `comments-open` of their whole body.
"""

import functools
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


class Inner:
    """What is in a page beside its margins. Asked without a copy of the page; `html` makes one."""

    def __init__(self, tree: LexborHTMLParser) -> None:
        self._tree = tree
        self._outside: dict[int, bool] = {}  # elements that were asked after, whether they are in a margin

    @functools.cached_property
    def html(self) -> str:
        """The page without its margins."""
        copy = LexborHTMLParser(self._tree.html or "")
        # All of them are found before the first one goes: what is inside of one is freed with it.
        for node in list(_outermost(copy)):
            node.decompose()
        return copy.html or ""

    def first(self, selector: str) -> LexborNode | None:
        """The first element that the selector means."""
        return next((node for node in self._tree.css(selector) if not self._in_margin(node)), None)

    def text(self, node: LexborNode) -> str:
        """The element's text, blanks between its parts, without those that are margins."""
        parts: list[str] = []
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if node.is_text_node:
                parts.append(node.text_content or "")
            elif not self._rules.is_margin(node):
                waiting.extend(reversed(list(node.iter(include_text=True))))
        return " ".join(parts)

    @functools.cached_property
    def _rules(self) -> "_Rules":
        return _Rules(self._tree)

    def _in_margin(self, node: LexborNode | None) -> bool:
        """Linear in the page's size over all calls."""
        above: list[int] = []
        found = False
        while node is not None and not found:
            known = self._outside.get(node.mem_id)
            if known is not None:
                found = known
                break
            above.append(node.mem_id)
            found = self._rules.is_margin(node)
            node = node.parent
        self._outside.update(dict.fromkeys(above, found))
        return found


def _outermost(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    """The outermost margins. Linear in the page's size: a page may be nested thousands of levels deep."""
    if tree.root is None:
        return
    rules = _Rules(tree)
    waiting = [tree.root]
    while waiting:
        node = waiting.pop()
        if rules.is_margin(node):
            yield node
        else:
            waiting.extend(node.iter())


class _Rules:
    """What is a margin in a page."""

    def __init__(self, tree: LexborHTMLParser) -> None:
        self._holding = _holders(tree)
        self._headed = tree.css_first("article h1") is not None

    def is_margin(self, node: LexborNode) -> bool:
        return node.mem_id not in self._holding and _is_margin(node, headed=self._headed)


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
