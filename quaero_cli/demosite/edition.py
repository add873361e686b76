"""The newspaper as a whole: its articles by desk, author and tag, and every address that is not the obvious one.

Everything here is decided once, from the number of articles and the seed. Page modules read it and write HTML;
`site.py` makes routes of it, and `oracle.py` the facts that a crawler's tests compare with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from quaero_cli.demosite.desks import ENGLISH, Desk, desks
from quaero_cli.demosite.newsroom import Article, Author, authors, newsroom, slug

NAME = "The Quaero Gazette"
MOTTO = "All the news that never happened"
ELSEWHERE = "http://elsewhere.invalid/"  # a host that can never resolve (RFC 6761)

PER_PAGE = 10  # articles on a page of a section
RECENT = 20  # articles on the page of an author or a tag

BROKEN: Mapping[str, int] = {
    "/archive/1998/the-lost-column": 404,
    "/science/2019/02/vanished-glacier": 404,
    "/authors/nobody": 404,
    "/files/missing-report.pdf": 404,
    "/tags/unobtainium": 404,
    "/events/harbour-festival-2019": 410,
}
PRIVATE = ("/private/", "/private/subscribers", "/private/drafts/1", "/private/drafts/2")
SEARCH = "/search"
LINKED_SEARCH = "/search?q=lichen"

# Numbers of the articles that ...
_MOVED = (1, 6, 12, 16, 22)  # were once at another address
_CROSS_POSTED = (2, 22, 34, 46, 58, 72)  # stand in a second section, too (English ones)
_MIRRORED = (7, 15)  # have a copy that does not say it is one
_MOST_READ = (1, 3, 6, 8, 12)  # are linked with tracking parameters
_TRACKING = "?utm_source=gazette&utm_medium=most-read"
_CHAIN_END = 10


@dataclass(frozen=True, slots=True)
class Redirect:
    """An address that sends elsewhere. An absolute one names scheme and host in its Location."""

    status: int
    target: str
    absolute: bool = False


class Edition:
    """All articles and addresses. Immutable once made."""

    def __init__(self, articles: int, seed: int) -> None:
        self.seed = seed
        self.articles = newsroom(articles, seed)
        self.by_desk: dict[Desk, tuple[Article, ...]] = {
            desk: tuple(article for article in self.articles if article.desk is desk) for desk in desks()
        }
        self.by_author: dict[Author, tuple[Article, ...]] = {
            author: tuple(article for article in self.articles if article.author == author) for author in authors()
        }
        self.by_tag: dict[str, tuple[Article, ...]] = {
            tag: tuple(article for article in self.by_desk[desk] if tag in article.tags)
            for desk in desks()
            for tag in desk.tags
        }
        self.crossposts = {self._other_path(article): article for article in self._pick(_CROSS_POSTED)}
        self.mirrors = {
            f"/mirror/{article.path.rsplit('/', 1)[1]}.html": article for article in self._pick(_MIRRORED)
        }
        self.tracked = {article.path + _TRACKING: article for article in self._pick(_MOST_READ)}
        self.redirects = self._redirects()

    def second_path(self, article: Article) -> str | None:
        """Return the other address of an article that stands in two sections."""
        path = self._other_path(article)
        return path if path in self.crossposts else None

    def related(self, article: Article, amount: int = 5) -> tuple[Article, ...]:
        """Return the neighbours of an article on its desk: older ones first, then from the top again."""
        siblings = self.by_desk[article.desk]
        place = siblings.index(article)
        return (siblings[place + 1 :] + siblings[:place])[:amount]

    def _pick(self, numbers: tuple[int, ...]) -> tuple[Article, ...]:
        return tuple(self.articles[number] for number in numbers if number < len(self.articles))

    def _other_path(self, article: Article) -> str:
        """Return the article's address in the section after its own."""
        order = [desk.slug for desk in desks()[: len(ENGLISH)]]
        if article.desk.slug not in order:
            return article.path
        other = order[(order.index(article.desk.slug) + 1) % len(order)]
        return article.path.replace(article.desk.slug, other, 1)

    def _redirects(self) -> dict[str, Redirect]:
        moved = {
            f"/old/{article.number + 1}.html": Redirect(301, article.path, absolute=True)
            for article in self._pick(_MOVED)
        }
        last = self.articles[min(_CHAIN_END, len(self.articles) - 1)]
        return {
            "/latest": Redirect(302, self.articles[0].path),
            **moved,
            "/chain/1": Redirect(301, "/chain/2"),
            "/chain/2": Redirect(302, "/chain/3", absolute=True),
            "/chain/3": Redirect(307, last.path),
            "/loop/a": Redirect(302, "/loop/b"),
            "/loop/b": Redirect(302, "/loop/a"),
            "/go/elsewhere": Redirect(302, ELSEWHERE),
        }


def section_path(desk: Desk, page: int = 1) -> str:
    """Return the address of a page of a section."""
    return f"/{desk.slug}/" if page == 1 else f"/{desk.slug}/page/{page}"


def section_pages(edition: Edition, desk: Desk) -> int:
    """Return how many pages a section has, at least one."""
    return max(1, -(-len(edition.by_desk[desk]) // PER_PAGE))


def tag_path(tag: str) -> str:
    """Return the address of a tag's page."""
    return f"/tags/{slug(tag)}"


def picture_path(article: Article) -> str:
    """Return the address of an article's picture."""
    return f"/images/{article.number:04}.svg"


def calendar_paths() -> tuple[str, ...]:
    """Return the months of the calendar: each links to the next, and the last one ends it."""
    return tuple(f"/calendar/{year}/{month:02}" for year in (2026, 2027) for month in range(1, 13))
