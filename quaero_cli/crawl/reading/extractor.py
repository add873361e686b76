"""The extractor, trafilatura: a page to Markdown. It takes the shortcuts of `shortcuts`."""

import copy
import functools
import re

import trafilatura
from trafilatura.settings import Extractor

from quaero_cli.crawl.reading import shortcuts

_BEGINNING = 50  # characters in which the extractor looks
_ELEMENT = re.compile(r"<(?:p|div|article|section|main|body|title|h1)[\s>]", re.IGNORECASE)

shortcuts.install()


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
