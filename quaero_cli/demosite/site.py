"""The site: which address answers what. No network here; `server.py` sends what `Site.reply` returns.

A page's bytes are made when it is first asked for and kept; of a huge site, the newest ones are. Unknown paths
share one error page, and unknown query parameters (`utm_source`) change nothing.
"""

from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qs

from quaero_cli.demosite import assets, extras, feeds, listings
from quaero_cli.demosite.article_page import article_page, print_page
from quaero_cli.demosite.edition import (
    BROKEN,
    PRIVATE,
    SEARCH,
    Edition,
    Redirect,
    calendar_paths,
    picture_path,
    section_pages,
    section_path,
    tag_path,
)
from quaero_cli.demosite.newsroom import NEWEST, Article
from quaero_cli.demosite.oracle import Oracle, oracle
from quaero_cli.demosite.reply import HTML, Reply, page
from quaero_cli.demosite.traffic import Traffic

Route = Callable[[str], Reply]  # from the base address to the reply

DEFAULT_ARTICLES = 200
DEFAULT_SEED = 1
MOST_ARTICLES = 10_000  # their headlines are kept in memory, and more would not fit into ten years
_MOST_KEPT = 2_000  # replies of 13 KiB on average: a site of the usual size fits, a huge one stays below 30 MiB
_UNKNOWN = ""  # stands for every path that is not there


class Site:
    """A whole made-up news site: the same for the same number of articles and seed.

    `slow` stretches the delays of the slow pages: 0 makes them answer at once. `traffic` counts what was asked
    for; it is for tests, and no page shows it.
    """

    def __init__(self, articles: int = DEFAULT_ARTICLES, seed: int = DEFAULT_SEED, *, slow: float = 1.0) -> None:
        self.edition = Edition(articles, seed)
        self.traffic = Traffic()
        self._slow = slow
        self._routes: dict[str, Route] = {}
        self._prints: dict[str, Route] = {}
        self._replies: dict[tuple[str, bool, str], Reply] = {}
        self._add_articles()
        self._add_listings()
        self._add_extras()
        self._add_files()

    def reply(self, target: str, base: str) -> Reply:
        """Return the answer to a request for `target` (a path with or without a query).

        `base` is the site's own address without a slash at its end.
        """
        path, _, query = target.partition("?")
        asked = parse_qs(query, keep_blank_values=True) if query else {}
        if "boom" in asked:
            return page(extras.error_page(500, base), status=500)
        printed = "print" in asked and path in self._prints
        if path not in self._routes:
            path = _UNKNOWN
        known = self._replies.get((path, printed, base))
        if known is None:
            if len(self._replies) >= _MOST_KEPT:
                del self._replies[next(iter(self._replies))]
            routes = self._prints if printed else self._routes
            known = self._replies[path, printed, base] = routes[path](base)
        return known

    def paths(self) -> tuple[str, ...]:
        """Return every address that answers, print versions apart."""
        return tuple(path for path in self._routes if path != _UNKNOWN)

    def oracle(self) -> Oracle:
        """Return the facts that a crawl of this site must find."""
        return oracle(self.edition)

    def _add_articles(self) -> None:
        edition = self.edition
        for article in edition.articles:
            self._routes[article.path] = partial(self._article, article)
            self._prints[article.path] = partial(self._print, article)
            picture = partial(assets.picture, edition.seed, article.number)
            self._routes[picture_path(article)] = _file("image/svg+xml", picture)
        for path, article in edition.crossposts.items():
            self._routes[path] = partial(self._article, article)
        for path, article in edition.mirrors.items():
            self._routes[path] = partial(self._article, article, copy=True)

    def _article(self, article: Article, base: str, *, copy: bool = False) -> Reply:
        quirks = article.quirks
        return page(
            article_page(self.edition, article, base, copy=copy),
            modified=article.published,
            latin1=quirks.latin1,
            delay=quirks.delay * self._slow,
            packed=quirks.gzip,
        )

    def _print(self, article: Article, base: str) -> Reply:
        text = print_page(self.edition, article, base)
        return page(text, modified=article.published, latin1=article.quirks.latin1)

    def _html(self, path: str, render: Callable[[str], str], *, status: int = 200) -> None:
        modified = NEWEST if status == 200 else None
        self._routes[path] = lambda base: page(render(base), status=status, modified=modified)

    def _add_listings(self) -> None:
        edition = self.edition
        self._html("/", partial(listings.front_page, edition))
        for desk in edition.by_desk:
            for number in range(1, section_pages(edition, desk) + 1):
                render = partial(listings.section_page, edition, desk, number)
                self._html(section_path(desk, number), render)
        self._html("/authors/", partial(listings.authors_page, edition))
        for author in edition.by_author:
            self._html(author.path, partial(listings.author_page, edition, author))
        for tag, tagged in edition.by_tag.items():
            if tagged:
                self._html(tag_path(tag), partial(listings.tag_page, edition, tag))

    def _add_extras(self) -> None:
        self._html("/about", extras.about_page)
        self._html("/contact", extras.contact_page)
        self._html("/imprint", extras.imprint_page)
        self._html("/press", partial(extras.press_page, assets.FILES.items()))
        self._html("/archive", partial(extras.archive_page, self.edition))
        self._html(SEARCH, extras.search_page)
        for path in calendar_paths():
            self._html(path, partial(extras.calendar_page, path, self.edition.seed))
        for path in PRIVATE:
            self._html(path, partial(extras.private_page, path))
        for path, status in BROKEN.items():
            self._html(path, partial(extras.error_page, status), status=status)
        self._html(_UNKNOWN, partial(extras.error_page, 404), status=404)
        for path, redirect in self.edition.redirects.items():
            self._routes[path] = partial(_moved, redirect)

    def _add_files(self) -> None:
        articles = self.edition.articles
        newest = NEWEST.date().isoformat()
        self._routes |= {
            "/robots.txt": lambda base: _bytes("text/plain; charset=utf-8", feeds.robots(base)),
            "/rss.xml": lambda base: _bytes("application/rss+xml", feeds.rss(articles, base)),
            "/sitemap.xml": lambda base: _bytes("application/xml", feeds.sitemap_index(newest, base)),
            "/sitemap-articles.xml": lambda base: _bytes("application/xml", feeds.sitemap_articles(articles, base)),
            "/sitemap-news.xml.gz": lambda base: _bytes("application/gzip", feeds.sitemap_news(articles, base)),
            "/style.css": _file("text/css; charset=utf-8", assets.style),
            "/favicon.svg": _file("image/svg+xml", assets.favicon),
            "/images/masthead.svg": _file("image/svg+xml", assets.masthead),
            "/files/annual-report.pdf": _file("application/pdf", assets.pdf),
            "/files/press-kit.zip": _file("application/zip", assets.archive),
            "/files/readers.json": _file("application/json", assets.readers),
            "/files/rates.csv": _file("text/csv; charset=utf-8", assets.rates),
            "/files/weather.png": _file("image/png", assets.weather),
        }


def _bytes(content_type: str, body: bytes) -> Reply:
    return Reply(200, content_type, body, modified=NEWEST)


def _file(content_type: str, make: Callable[[], bytes]) -> Route:
    """Return a route to bytes that do not depend on where the site is served."""
    return lambda _base: _bytes(content_type, make())


def _moved(redirect: Redirect, base: str) -> Reply:
    location = base + redirect.target if redirect.absolute else redirect.target
    body = f'<!DOCTYPE html><title>Moved</title><p>Moved to <a href="{location}">{location}</a>.'.encode()
    return Reply(redirect.status, HTML, body, location=location)
