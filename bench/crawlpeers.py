"""The crawler beside its peers, in one run on one site of files behind nginx: Scrapy, and `curl` for fetching alone.

Scrapy's settings are in `children/scrapy_crawl.py`; it lives in an environment of its own (`just peers`). Where a
peer or nginx is missing, the table says how to get it, and what needs it is not judged.
"""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.crawlsite import NGINX, NO_NGINX, NewsSite, serving
from bench.homes import PATIENCE, ending, environment, finish_child, new_home, run_child, start_child
from bench.machine import cpu_seconds
from bench.verdict import Fact, Figure, Promise, Ratio, Result, median

_ROOT = Path(__file__).resolve().parent.parent
PEERS = _ROOT / ".venv-peers" / "bin" / "python"
CURL = shutil.which("curl")

# Promised: six times the pages per second of Scrapy without extraction, two and a half times with it; seven tenths
# of curl's rate; 2,000 pages/s where every answer takes 100 ms; a million known addresses in 200 MB.
LINKS_TARGET = 1 / 6
ARTICLES_TARGET = 1 / 2.5
CURL_TARGET = 1 / 0.7
LATE_MS_PER_PAGE = 0.5
MOST_MEMORY_MB = 200.0
# Seconds: what else runs in the process - the viewer's streams, other jobs - waits for so long. Judged by processor
# time on any machine, and by the clock on a quiet one.
LONGEST_TURN = 0.05

_LATENCY = 0.1
_MANY_WORKERS = 500
_AT_ONCE = 64
# Links beyond those that are counted, at least: progress is told once a second, while pages are asked for already.
_MORE_LINKS = 30_000

_DEFINITION = """
[step.crawl]
type = "measured"
concurrency = {at_once}
start_urls = "{url}"
max_pages = {pages}
articles = {articles}
per_host = {at_once}
enough = {enough}
"""


@dataclass(frozen=True, slots=True)
class _Size:
    articles: int
    links: int
    rounds: int


_FULL = _Size(5000, 1_000_000, 3)
_SMOKE = _Size(50, 20_000, 1)


def add_peers(result: Result, smoke: bool) -> None:
    """Measure, and add what was found."""
    if NGINX is None:
        result.notes.append(f"nothing is compared with Scrapy: {NO_NGINX}")
        return
    size = _SMOKE if smoke else _FULL
    with serving(size.articles, size.links + max(size.links // 10, _MORE_LINKS)) as site:
        with_links = _add_crawl(result, site, size.rounds, "links only", articles=False)
        with_articles = _add_crawl(result, site, 1, "with articles", articles=True)
        if not smoke:  # of few pages most of the time goes into the first ones
            _add_fetching(result, site, size.rounds)
            _add_scrapy(result, site, with_links, "links only", LINKS_TARGET, articles=False)
            _add_scrapy(result, site, with_articles, "with articles", ARTICLES_TARGET, articles=True)
            _add_late_site(result, site, size.rounds)
        _add_memory(result, site, size.links)


_Found = dict[str, Any]  # what a crawl told, see the children


def _add_crawl(result: Result, site: NewsSite, rounds: int, name: str, *, articles: bool) -> list[_Found]:
    """Crawl, and once more with an eye on the event loop; return what the crawls without it told."""
    ours = [_crawl(site.url, site.pages, articles=articles) for _ in range(rounds)]
    watched = _crawl(site.url, site.pages, "turns", articles=articles)
    turn = watched["longest_turn"]
    result.facts.append(Fact(f"{site.pages} pages, each once, {name}", _whole(ours, site.pages)))
    result.facts.append(Fact(f"no turn of the loop took {LONGEST_TURN * 1000:g} ms, {name}", turn < LONGEST_TURN))
    result.figures.append(Figure(f"longest turn of the loop, {name}", turn * 1000, "ms"))
    result.promises.append(
        Promise(f"the loop late at most, by the clock, {name}", watched["late"] * 1000, LONGEST_TURN * 1000, "ms")
    )
    result.figures.append(Figure(f"processor time of a page, {name}", _each(ours, "processor"), "ms"))
    return ours


def _add_scrapy(
    result: Result, site: NewsSite, ours: list[_Found], name: str, target: float, *, articles: bool
) -> None:
    if not PEERS.exists():
        result.notes.append(f"not compared with Scrapy, {name}: `just peers` installs it")
        return
    theirs = [_scrapy(site.url, articles=articles) for _ in ours]
    result.facts.append(Fact(f"Scrapy found the same {site.pages} pages, {name}", _whole(theirs, site.pages)))
    if articles:
        kept = {found["articles"] for found in (*ours, *theirs)}
        result.facts.append(Fact("both kept the same number of articles", len(kept) == 1))
    result.figures.append(Figure(f"processor time of a page, Scrapy, {name}", _each(theirs, "processor"), "ms"))
    result.ratios.append(
        Ratio(f"a page, {name}", "Scrapy", _each(ours, "seconds"), _each(theirs, "seconds"), "ms", target)
    )


def _crawl(
    url: str, pages: int, *words: str, articles: bool = False, at_once: int = _AT_ONCE, enough: int = 0
) -> _Found:
    text = _DEFINITION.format(url=url, pages=pages, articles=str(articles).lower(), at_once=at_once, enough=enough)
    with new_home() as home:
        return run_child("measured_crawl", home.data, home.define("measured", text), *words)


def _scrapy(url: str, *, articles: bool) -> _Found:
    with tempfile.TemporaryDirectory(prefix="quaero-bench-") as folder:
        words = [url, "articles" if articles else "links", f"{folder}/scrapy.db"]
        ended = subprocess.run(
            [str(PEERS), "-m", "bench.children.scrapy_crawl", *words],
            cwd=_ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    if ended.returncode != 0:
        raise RuntimeError(f"Scrapy ended with {ended.returncode}: {ended.stderr[-300:]}")
    found: _Found = json.loads(ended.stdout.splitlines()[-1])
    return found


def _whole(runs: list[_Found], pages: int) -> bool:
    return all(run["pages"] == pages == run.get("workers", pages) for run in runs)


def _each(runs: list[_Found], what: str) -> float:
    """Milliseconds of a page."""
    return median([run[what] / max(run["pages"], 1) * 1000 for run in runs])


def _add_fetching(result: Result, site: NewsSite, rounds: int) -> None:
    """Every page fetched once, nothing read of it."""
    files = [file for file in site.folder.rglob("*.html") if "links" not in file.parts]
    urls = [f"{site.url}{file.relative_to(site.folder)}" for file in files]
    ours, theirs = [], []
    for _ in range(rounds):
        with ending(start_child("plain_fetch", _AT_ONCE)) as child:
            found = finish_child(child, urls)
        result.facts.append(Fact(f"{len(urls)} pages fetched", found["pages"] == len(urls)))
        ours.append(found["seconds"])
        if CURL is not None:
            theirs.append(_curl(urls))
    if theirs:
        each = 1000 / len(urls)
        result.ratios.append(
            Ratio("fetching a page", "curl -Z", median(ours) * each, median(theirs) * each, "ms", CURL_TARGET)
        )
    else:
        result.notes.append("fetching is not compared with curl -Z: there is no curl")


def _curl(urls: list[str]) -> float:
    asked = "".join(f'url = "{url}"\noutput = /dev/null\n' for url in urls)
    began = time.perf_counter()
    subprocess.run(
        [
            str(CURL),
            "-Z",
            "--parallel-max",
            str(_AT_ONCE),
            "--silent",
            "--no-progress-meter",
            "--fail",
            "--config",
            "-",
        ],
        input=asked.encode(),
        check=True,
        timeout=PATIENCE,
    )
    return time.perf_counter() - began


def _add_late_site(result: Result, site: NewsSite, rounds: int) -> None:
    with _late_site(site.folder) as (url, process_id):
        before = cpu_seconds(process_id)
        found = [_crawl(url, site.pages, at_once=_MANY_WORKERS) for _ in range(rounds)]
        theirs = (cpu_seconds(process_id) - before) / rounds
    result.facts.append(Fact(f"{site.pages} pages, each once, of a site with latency", _whole(found, site.pages)))
    result.figures.append(
        Figure(f"rate at {_LATENCY * 1000:g} ms latency", 1000 / _each(found, "seconds"), "pages/s")
    )
    own = median([each["processor"] for each in found])
    for name, seconds in ((f"{_MANY_WORKERS} workers", own), ("the late site itself", theirs)):
        result.figures.append(Figure(f"processor time of a page, {name}", seconds / site.pages * 1000, "ms"))
    result.ratios.append(
        Ratio(f"a page at {_LATENCY * 1000:g} ms latency, {_MANY_WORKERS} workers", "promised",
              _each(found, "seconds"), LATE_MS_PER_PAGE, "ms", 1.0)
    )  # fmt: skip


@contextmanager
def _late_site(folder: Path) -> Iterator[tuple[str, int]]:
    """Serve the site late for the length of the block; gives its address, and the process that serves."""
    with ending(start_child("slow_site", folder, _LATENCY)) as site:
        assert site.stdout is not None
        assert site.stdin is not None
        yield f"http://127.0.0.1:{int(site.stdout.readline())}/", site.pid
        site.stdin.close()


def _add_memory(result: Result, site: NewsSite, links: int) -> None:
    """A crawl that reads lists of links, and stops when it knows so many; there are some more than that."""
    found = _crawl(site.links, 2 * links, enough=links)
    result.facts.append(Fact(f"{links:,} addresses wait", found["waiting"] >= links))
    result.facts.append(Fact(f"{links:,} known addresses in {MOST_MEMORY_MB:g} MB", found["memory"] < MOST_MEMORY_MB))
    result.figures.append(Figure(f"memory with {links:,} known addresses", found["memory"], "MB"))
    result.figures.append(Figure("a known address", found["seconds"] / links * 1e6, "us"))
