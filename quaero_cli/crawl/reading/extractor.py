"""The extractor, trafilatura, without work whose outcome is certain: `markdown`. The same text as by itself.

Beside its own extraction it makes one by another algorithm (readability), and takes that where it is twice as long or
its own has no paragraphs; that is a fifth of its time. About half of the pages of real papers have too little text
for the other one to be so long, whatever it would pick, and then it is not asked. `is_kept` decides; it reckons with
how trafilatura 2.3 compares, so the dependency is bounded to that, and a test reads pages both ways.
"""

import copy
import functools
import re

import trafilatura
from lxml import etree
from lxml.html import HtmlElement
from trafilatura import core
from trafilatura.external import SANITIZED_XPATH, compare_extraction
from trafilatura.settings import Extractor

# What the other algorithm drops before it begins.
_DROPPED = ("script", "style", "fencedframe")
# A parser takes markup in these for text: each of its characters may come back as five, `&` as `&amp;`. Of a video's
# frame it makes the word VIDEO.
_RAW_TEXT = ("iframe", "noembed", "noframes", "xmp", "plaintext")
_LONGEST_ESCAPE = 5

_BEGINNING = 50  # characters in which the extractor looks
_ELEMENT = re.compile(r"<(?:p|div|article|section|main|body|title|h1)[\s>]", re.IGNORECASE)

_unclean = etree.XPath(SANITIZED_XPATH)
_paragraph_text = etree.XPath("boolean(.//p//text())")


def markdown(text: str, url: str, *, fast: bool = False) -> str:
    """The article's text; "" if there is none. `fast`: without second opinions at all."""
    # The extractor reads nothing that does not say at once that it is HTML; a page may begin with a comment.
    if "html" not in text[:_BEGINNING].lower() and _ELEMENT.search(text):
        text = f"<!doctype html>{text}"
    options = copy.copy(_options(fast))
    options.url = options.source = url
    found: str | None = trafilatura.extract(text, options=options)
    return found or ""


@functools.cache
def _options(fast: bool) -> Extractor:
    """Made once: reading them takes as long as parsing a small page."""
    return Extractor(
        output_format="markdown", comments=False, formatting=True, links=False, images=False, tables=True, fast=fast
    )


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


core.compare_extraction = _compare  # type: ignore[attr-defined]  # the only way in: it has no hook for it
