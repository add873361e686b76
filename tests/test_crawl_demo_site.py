"""A crawl of the whole demo site, compared with what is known of it: pages, articles, and what is read from them."""

from pathlib import Path

import pytest
import trio
from crawling import Ran, make_options, make_tuning
from fakes import Line

from quaero_cli.crawl.crawl import crawl
from quaero_cli.crawl.pool import DEFAULT_FACTORY
from quaero_cli.demosite.oracle import Oracle
from quaero_cli.demosite.server import serve
from quaero_cli.demosite.site import Site
from quaero_cli.demosite.story import Heading, Paragraph

ARTICLES = 60


class Crawled:
    """The site, and a crawl of it."""

    def __init__(self, site: Site, base: str, ran: Ran) -> None:
        self.site = site
        self.oracle: Oracle = site.oracle()
        self.ran = ran
        self.base = base
        self.documents = {self.path(document.url): document for document in ran.documents}

    def path(self, url: object) -> str:
        return str(url).removeprefix(self.base)

    def lines(self, message: str, **fields: object) -> list[Line]:
        return [
            line
            for line in self.ran.lines_of(message)
            if all(line.fields.get(name) == value for name, value in fields.items())
        ]


async def _crawl(path: Path) -> Crawled:
    site = Site(ARTICLES, slow=0.1)
    ran = Ran(path, concurrency=16)
    async with trio.open_nursery() as nursery:
        url = str(await nursery.start(lambda task_status: serve(site, task_status=task_status)))
        options = make_options([url], max_pages=2000, max_depth=30, sitemaps=True)
        ran.outputs = await crawl(ran, options, make_tuning(reader_factory=DEFAULT_FACTORY))
        nursery.cancel_scope.cancel()
    return Crawled(site, url.removesuffix("/"), ran)


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    return trio.run(_crawl, tmp_path_factory.mktemp("crawl"))


def test_every_page_is_asked_for_once(crawled: Crawled) -> None:
    """Pages would be missed, or asked for twice."""
    hits = crawled.site.traffic.hits
    tracked = {path for path in crawled.oracle.duplicates if "utm_source" in path}  # known by their clean address
    assert crawled.oracle.pages - tracked <= set(hits)
    assert {path: count for path, count in hits.items() if count > 1} == {
        path: 2 for path in ("/chain/3", "/loop/b") if hits[path] > 1
    }


def test_robots_are_obeyed(crawled: Crawled) -> None:
    """A private page would be read."""
    assert not crawled.oracle.disallowed & set(crawled.site.traffic.hits)


def test_exactly_the_articles_are_kept(crawled: Crawled) -> None:
    """Sections, tag pages and copies would be kept, or articles be missing."""
    mirrors = crawled.oracle.mirrors
    originals = {mirrors.get(path, path) for path in crawled.documents}
    assert originals == set(crawled.oracle.articles)
    assert len(crawled.documents) == len(crawled.oracle.articles)


def test_metadata_is_right(crawled: Crawled) -> None:
    """Titles, names and dates would be wrong, among them those of pages that declare nothing."""
    for path, facts in crawled.oracle.articles.items():
        document = crawled.documents.get(path)
        if document is None:
            continue  # a mirror of it was found first
        assert document.title == facts.title
        assert document.authors == (facts.author,)
        assert (document.published or "")[:10] == facts.published.date().isoformat()
        assert document.language == facts.language
        assert sorted(document.tags) == sorted(facts.tags)


def test_text_is_the_articles(crawled: Crawled) -> None:
    """Menus, related links and adverts would stand in the text, or parts of it be missing."""
    for article in crawled.site.edition.articles:
        document = crawled.documents.get(article.path)
        if document is None:
            continue  # a mirror of it was found first
        true = [block.text for block in article.story().blocks if isinstance(block, Paragraph | Heading)]
        found = " ".join(document.text.split())
        assert [text for text in true if " ".join(text.split()) not in found] == []
    noise = ("The Morning Letter", "Advertisement", "Umbrellas", "Comments on this article", "Print version")
    assert not [document.url for document in crawled.documents.values() if any(n in document.text for n in noise)]


def test_every_oddity_is_told(crawled: Crawled) -> None:
    """A person would not see why a page is missing."""
    oracle = crawled.oracle
    failed = {crawled.path(line.fields["url"]): line.fields.get("status") for line in crawled.lines("Failed")}
    assert failed == {**oracle.broken, "/loop/a": None}
    assert {worker.status for worker in crawled.ran.workers} == {"completed"}
    not_html = {crawled.path(line.fields["url"]) for line in crawled.lines("Skipped", reason="not html")}
    assert not_html == oracle.files - {"/rss.xml"}
    outside = [crawled.path(line.fields["url"]) for line in crawled.lines("Skipped", reason="redirect outside")]
    assert outside == ["/go/elsewhere"]
    duplicates = crawled.lines("Skipped", reason="duplicate of canonical")
    assert {crawled.path(line.fields["url"]): crawled.path(line.fields["to"]) for line in duplicates} == {
        path: article for path, article in oracle.duplicates.items() if "utm_source" not in path
    }
    assert len(crawled.lines("Skipped", reason="duplicate content")) == len(oracle.mirrors)
