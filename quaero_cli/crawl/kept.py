"""What is kept of a page that was read: its article as a document, and what a later crawl has to know. Pure."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quaero_cli.crawl.answers import Look, Passed, Response
from quaero_cli.crawl.pool import ReadingFailed
from quaero_cli.crawl.reading.forkserver import DIGEST
from quaero_cli.crawl.recall import ARTICLE, TOO_OLD
from quaero_cli.crawl.wishes import X_ROBOTS_TAG, Wishes
from quaero_cli.model import Document

# What there is to see in a file that is no page.
NO_VIEW: Mapping[str, Any] = {
    "links": [], "nofollow_links": [], "canonical": None, "feeds": [], "noindex": False, "nofollow": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """An article, and the seconds that reading it took."""

    document: Document
    seconds: float
    similar_to: str | None  # an article of this crawl that says nearly the same


def viewed(look: Look) -> dict[str, Any]:
    """What a scout saw, as a reading process tells it. Raises ReadingFailed."""
    if look.view is None:
        raise ReadingFailed(f"the parser failed: {look.problem}")
    return {**look.view, DIGEST: look.digest}


def facts_of(view: Mapping[str, Any], answer: Response, digest: str, end: Kept | Passed) -> dict[str, Any]:
    """What to remember of a page: its links, and what became of it."""
    if X_ROBOTS_TAG in answer.headers:
        header = Wishes(NO_VIEW, answer.headers, obey=True)
        noindex, nofollow = view["noindex"] or header.noindex, view["nofollow"] or header.nofollow
        view = {**view, "noindex": noindex, "nofollow": nofollow}
    facts: dict[str, Any] = {"view": view, "hash": digest}
    if isinstance(end, Kept):
        html = end.document.html is not None
        return {**facts, "end": ARTICLE, "text": end.document.content_hash, "html": html}
    return {**facts, "end": end.reason, "published": end.detail if end.reason == TOO_OLD else None}


def document_of(article: dict[str, Any], answer: Response, canonical: str | None, *, keep_html: bool) -> Document:
    """The document of a page's article."""
    found, text = article["metadata"], article["text"]
    return Document(
        url=answer.url,
        canonical_url=canonical or answer.url,
        title=found["title"],
        text=text,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        status=answer.status,
        fetched_at=time.time_ns() // 1000,
        authors=tuple(found["authors"]),
        published=found["published"],
        language=found["language"],
        site=found["site"],
        tags=tuple(found["tags"]),
        image=found.get("image"),
        html=answer.body if keep_html else None,
    )
