"""What a crawl of the site must find: facts that come from the plan of the site, not from reading its pages.

All addresses are targets (a path, with its query where it has one) without the host.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from quaero_cli.demosite import assets
from quaero_cli.demosite.edition import (
    BROKEN,
    LINKED_SEARCH,
    PRIVATE,
    Edition,
    Redirect,
    calendar_paths,
    section_pages,
    section_path,
    tag_path,
)
from quaero_cli.demosite.newsroom import Quirks


@dataclass(frozen=True, slots=True)
class ArticleFacts:
    """What an extractor should read from an article's page."""

    title: str
    author: str
    published: datetime
    language: str
    section: str
    tags: tuple[str, ...]
    quirks: Quirks


@dataclass(frozen=True, slots=True)
class Oracle:
    """The site's facts."""

    articles: Mapping[str, ArticleFacts]  # every article by its canonical address
    pages: frozenset[str]  # every HTML page that allowed links lead to, articles and duplicates included
    duplicates: Mapping[str, str]  # address -> article, as its canonical link says: print, tracking, second section
    mirrors: Mapping[str, str]  # address -> article with the same text; the page does not say so
    redirects: Mapping[str, Redirect]  # linked to, or part of a chain
    broken: Mapping[str, int]  # linked to; status 404 or 410
    disallowed: frozenset[str]  # linked to from allowed pages or among themselves; robots.txt forbids them
    files: frozenset[str]  # linked to, not HTML: downloads and the feed
    calendar: tuple[str, ...]  # a path of links from month to month; the first one is linked from /about
    slow: Mapping[str, float]  # seconds before the answer, at `slow=1`


def oracle(edition: Edition) -> Oracle:
    """Return the facts of an edition."""
    articles = {
        article.path: ArticleFacts(
            title=article.headline,
            author=article.author.name,
            published=article.published,
            language=article.language,
            section=article.desk.title,
            tags=article.tags,
            quirks=article.quirks,
        )
        for article in edition.articles
    }
    duplicates = {
        **{f"{article.path}?print=1": article.path for article in edition.articles if article.quirks.print_version},
        **{target: article.path for target, article in edition.tracked.items()},
        **{path: article.path for path, article in edition.crossposts.items()},
    }
    mirrors = {path: article.path for path, article in edition.mirrors.items()}
    calendar = calendar_paths()
    return Oracle(
        articles=articles,
        pages=frozenset([*articles, *duplicates, *mirrors, *calendar, *_listings(edition)]),
        duplicates=duplicates,
        mirrors=mirrors,
        redirects=dict(edition.redirects),
        broken=dict(BROKEN),
        disallowed=frozenset([*PRIVATE, LINKED_SEARCH]),
        files=frozenset([*assets.FILES, "/rss.xml"]),
        calendar=calendar,
        slow={article.path: article.quirks.delay for article in edition.articles if article.quirks.delay},
    )


def _listings(edition: Edition) -> list[str]:
    """Return the addresses of the pages that are neither articles nor months."""
    result = ["/", "/about", "/contact", "/imprint", "/press", "/archive", "/authors/"]
    for desk in edition.by_desk:
        result += [section_path(desk, page) for page in range(1, section_pages(edition, desk) + 1)]
    result += [author.path for author in edition.by_author]
    result += [tag_path(tag) for tag, tagged in edition.by_tag.items() if tagged]
    return result
