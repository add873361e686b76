"""What happened in a crawl: documents, the frontier, and what is remembered of a page."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Document:
    """What the crawler extracted from one page. `text` is Markdown; times are UTC microseconds."""

    url: str
    canonical_url: str
    title: str
    text: str
    content_hash: str  # sha-256 of the text, hex
    status: int  # HTTP status of the page
    fetched_at: int
    authors: tuple[str, ...] = ()
    published: str | None = None  # ISO 8601 date or date-time, as the page says
    language: str | None = None
    site: str | None = None
    tags: tuple[str, ...] = ()
    image: str | None = None  # URL of the picture that stands for the article
    html: bytes | None = None  # the page as it came, for crawls that keep it


@dataclass(frozen=True, slots=True)
class DocumentFound:
    """A document to keep. Its URL is its identity: found again, it is updated, and what it said before is kept."""

    job: str
    document: Document


class PageState(IntEnum):
    """What became of a URL of a crawl; stored as this integer."""

    WAITING = 0
    DONE = 1  # asked for, and there was a definite answer
    FAILED = 2  # asked for in vain: worth another try
    PASSED = 3  # left alone, or reached by a redirect: it counts as no page


class FrontierPage(NamedTuple):
    """A URL of a crawl's frontier. `id` is its place in the order of finding."""

    id: int
    url: str
    depth: int
    state: PageState
    found_on: str | None = None  # the page, sitemap or feed that led to it


class PageMemo(NamedTuple):
    """What the last answer of a URL was. `facts` is JSON, made and read by the crawler alone."""

    url: str
    etag: str | None
    last_modified: str | None
    facts: bytes


# A URL, its depth, and what led to it.
FoundPage = tuple[str, int, str | None]


@dataclass(frozen=True, slots=True)
class PagesFound:
    """A crawl found these URLs, at these depths, on these pages, sitemaps or feeds."""

    job: str
    step: str
    pages: tuple[FoundPage, ...]


class PageVisited(NamedTuple):
    """What became of a page of a crawl, all of it at once: its URLs' states, its article, what is known of it now.

    `unchanged` is the URL of a document that was found as it is kept; `used` one whose memo still holds.
    """

    job: str
    step: str
    states: tuple[tuple[str, PageState], ...]
    time_us: int
    document: Document | None = None
    unchanged: str | None = None
    memo: PageMemo | None = None
    used: str | None = None


@dataclass(frozen=True, slots=True)
class FrontierDropped:
    """So many URLs of the step's frontier are needed no more, nor so many memos that were not used since a time."""

    job: str
    step: str
    rows: int
    memos_before: int = 0  # UTC microseconds


CrawlFact = PagesFound | PageVisited | FrontierDropped
