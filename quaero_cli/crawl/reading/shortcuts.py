"""Shortcuts through the extractor, trafilatura: `install`. It reads the same, in a tenth to a third less time.

Each leaves out work whose outcome is certain beforehand. They reckon with the insides of trafilatura 2.3, so the
dependency is bounded to that, and a test reads pages both ways.

- Beside its own extraction it makes one by another algorithm (readability), and takes that where it is twice as long
  or its own has no paragraphs; that is a fifth of its time. About half of the pages of real papers have too little
  text for the other one to be so long, whatever it would pick, and then it is not asked (`is_kept`).
- lxml asks a Python function for the class of each element that is looked at, for the sake of forms. The extractor
  knows nothing of forms: one class does for all.
- Most texts hold nothing that Markdown or a formula would take for markup, and nearly all pages no character that XML
  forbids: one look tells, where it goes through each text several times.
"""

import re

from lxml import etree
from lxml.html import HtmlComment, HtmlElement, HtmlEntity, HtmlProcessingInstruction
from trafilatura import core, utils, xml
from trafilatura.external import SANITIZED_XPATH, compare_extraction
from trafilatura.settings import Extractor

# What the other algorithm drops before it begins.
_DROPPED = ("script", "style", "fencedframe")
# A parser takes markup in these for text: each of its characters may come back as five, `&` as `&amp;`. Of a video's
# frame it makes the word VIDEO.
_RAW_TEXT = ("iframe", "noembed", "noframes", "xmp", "plaintext")
_LONGEST_ESCAPE = 5

_unclean = etree.XPath(SANITIZED_XPATH)
_paragraph_text = etree.XPath("boolean(.//p//text())")

# What the extractor escapes, and the backslash that begins each formula.
_MARKUP = re.compile(r"[*_`~\[\]<\\]")
_FORBIDDEN_ASCII = bytes({*range(0x20)} - set(b"\t\n\r"))
_FORBIDDEN_OTHERS = "\ufffe\uffff"

_escape_in_all = xml._escape_and_convert_math  # it has no hook for it


def install() -> None:
    """Let the extractor of this process take them."""
    utils.HTML_PARSER.set_element_class_lookup(
        etree.ElementDefaultClassLookup(
            element=HtmlElement, comment=HtmlComment, pi=HtmlProcessingInstruction, entity=HtmlEntity
        )
    )
    hooks = (
        (core, "compare_extraction", _compare),
        (xml, "_escape_and_convert_math", _escape),
        (utils, "INVALID_XML_CHARS", _Forbidden()),
    )
    for module, name, shortcut in hooks:
        setattr(module, name, shortcut)


def is_kept(page: HtmlElement, body: etree._Element, text: str, options: Extractor) -> bool:
    """Whether the extractor's own `body` and `text` are kept whatever the other algorithms find in the page.

    The tree `page` loses what the other algorithm drops first of all.
    """
    if options.focus != "balanced" or len(text) < options.min_extracted_size:
        return False
    if _unclean(body) or not _paragraph_text(body) or len(body.findall(".//table")) > len(body.findall(".//p")):
        return False
    etree.strip_elements(page, *_DROPPED, with_tail=False)
    most = len(" ".join(page.text_content().split()))
    most += sum(len("VIDEO") + _LONGEST_ESCAPE * len(each.text_content()) for each in page.iter(*_RAW_TEXT))
    return most <= 2 * len(text)


def _compare(
    cleaned_tree: HtmlElement, raw_tree: HtmlElement, body: etree._Element, text: str, options: Extractor
) -> tuple[etree._Element, str]:
    """The extractor's own function of that name, but for comparisons that cannot change anything."""
    if is_kept(raw_tree, body, text, options):
        return body, text
    return compare_extraction(cleaned_tree, raw_tree, body, text, options)


def _escape(text: str) -> str:
    return text if _MARKUP.search(text) is None else _escape_in_all(text)


class _Forbidden:
    """The extractor's pattern of characters that XML forbids."""

    _pattern = utils.INVALID_XML_CHARS

    def sub(self, replacement: str, text: str) -> str:
        """The text, each of them replaced."""
        data = text.encode("utf-8", "surrogatepass")
        clean = len(data.translate(None, _FORBIDDEN_ASCII)) == len(data)
        if clean and not any(char in text for char in _FORBIDDEN_OTHERS):
            return text
        return self._pattern.sub(replacement, text)
