"""`crawl`: the crawler beside Scrapy and curl (see `crawlpeers`), and the demo site crawled whole.

The demo site: a real `quaero run` of a crawl, as a process, against a plain loop that fetches the very same pages one
after the other and puts the articles among them through trafilatura. Both begin cold: the time of the step counts the
start of its reading processes, the loop's the import. quaero must do more for a page (robots.txt, frontier, links,
metadata, a log, a store), and has a second core for it. Pages of the demo site are small, and the site needs a core,
too.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from bench.crawlpeers import add_peers
from bench.homes import Home, ending, finish_child, new_home, run_child, start_child
from bench.verdict import Fact, Figure, Ratio, Result, median
from quaero_cli.store.engine import connect

_FULL = (3, 1000)  # rounds, articles of the site
_SMOKE = (2, 100)

# Measured on two busy cores: 1.1 to 1.6, and 2.2 to 4; the larger on small sites, where starting takes its share.
TARGET = 2.0
LINKS_TARGET = 4.0

_DEFINITION = """
[step.crawl]
type = "{type}"
start_urls = "{url}"
max_pages = 100000
"""
_PUBLIC = 'max_depth = 30\nallow_private = ["127.0.0.1"]\n'


@dataclass(frozen=True, slots=True)
class _Crawled:
    """One crawl: the seconds of its step, the pages that it fetched, and the articles among them."""

    seconds: float
    fetched: list[str]
    extracted: list[str]


def measure(smoke: bool) -> Result:
    """Crawl, and let the floor fetch what was crawled; each round both ways."""
    rounds, articles = _SMOKE if smoke else _FULL
    runs: list[tuple[_Crawled, float]] = []
    links: list[tuple[_Crawled, float]] = []
    with _site(articles) as url:
        for _ in range(rounds):
            runs.append(_with_floor(_crawl, url))
            links.append(_with_floor(_crawl_links, url))
    result = Result("crawl")
    for name, found, target in (("with extraction", runs, TARGET), ("links only", links, LINKS_TARGET)):
        pages = len(found[0][0].fetched)
        ours, floor = median([run.seconds for run, _ in found]), median([seconds for _, seconds in found])
        result.ratios.append(
            Ratio(f"a page, {name}", "one after the other", ours / pages * 1000, floor / pages * 1000, "ms", target)
        )
        result.facts.append(
            Fact(
                f"{pages} pages fetched once, the same each round, {name}",
                all(len(set(run.fetched)) == len(run.fetched) == pages for run, _ in found),
            )
        )
        result.figures.append(Figure(f"rate, {name}", pages / ours, "pages/s"))
        result.figures.append(Figure(f"rate, one after the other, {name}", pages / floor, "pages/s"))
    kept = {len(run.extracted) for run, _ in runs}
    result.facts.append(Fact(f"all {articles} articles were kept", kept == {articles}))
    add_peers(result, smoke)
    return result


@contextmanager
def _site(articles: int) -> Iterator[str]:
    """Serve the demo site for the length of the block; gives its address."""
    with ending(start_child("site", articles)) as site:
        assert site.stdout is not None
        assert site.stdin is not None
        yield site.stdout.readline().strip()
        site.stdin.close()


def _with_floor(crawl: Callable[[Home, str], object], url: str) -> tuple[_Crawled, float]:
    """Crawl, then fetch the same pages plainly; return what was crawled, and the floor's seconds."""
    with new_home() as home:
        crawl(home, url)
        crawled = _read(home)
    asked = {"fetch": crawled.fetched, "extract": crawled.extracted, "links": crawl is _crawl_links}
    with ending(start_child("crawl_floor")) as child:
        return crawled, finish_child(child, asked)["seconds"]


def _crawl(home: Home, url: str) -> None:
    home.run("run", home.define("crawl", _DEFINITION.format(type="crawler", url=url) + _PUBLIC), "--quiet")


def _crawl_links(home: Home, url: str) -> None:
    """Crawl without extraction."""
    run_child("measured_crawl", home.data, home.define("links", _DEFINITION.format(type="measured", url=url)))


def _read(home: Home) -> _Crawled:
    with closing(connect(home.database, readonly=True)) as connection:
        (micros,) = connection.execute("SELECT finished_at - started_at FROM step").fetchone()
        said = "SELECT json_extract(fields, '$.url') FROM log WHERE message = ? ORDER BY id"
        fetched = [url for (url,) in connection.execute(said, ("Fetched",))]
        extracted = [url for (url,) in connection.execute(said, ("Extracted",))]
    return _Crawled(micros / 1e6, fetched, extracted)
