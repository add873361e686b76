"""`quality`: what is read from pages, against what stands on them and against trafilatura alone.

Two collections. The demo site's articles, of which every title, author and date is known. And, where it lies beside
the checkout, a collection of real news pages with their texts (`../shared/corpus/scrapinghub`), scored as its authors
do: shingles of four words, means of precision and recall over the pages. Of the Markdown only the words count.
Figures of errors are the same on any machine; of the two engines the processor time is compared. Of the same pages
title, authors and date are compared with what their publishers state (see `stated`).
"""

import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.stated import add_stated
from bench.verdict import Fact, Figure, Ratio, Result
from quaero_cli.crawl.reading.reader import make

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "scrapinghub"
_ARTICLES = 60
_SMOKE_PAGES = 20
_SHINGLE = 4
# What is missed of the real pages (1 - F1) may be so many times what trafilatura misses.
TARGET = 1.05
# A page whose text is read worse than this is named, the worst ones first.
WEAK = 0.85
_MOST_NAMED = 15
# trafilatura's own F1 on these pages.
PUBLISHED = 0.9598
# Measured: 0.7.
FAST_TARGET = 0.9

_MARKUP = re.compile(r"\\([!-/:-@\[-`{-~])|^#{1,6} |[*_`]{1,3}|<[^>]{1,20}>|^[-|: ]+$", re.MULTILINE)


def measure(smoke: bool) -> Result:
    """Read the pages, and compare."""
    result = Result("quality")
    _add_demo_site(result)
    if CORPUS.is_dir():
        _add_real_pages(result, _SMOKE_PAGES if smoke else None)
    return result


def _add_demo_site(result: Result) -> None:
    from quaero_cli.demosite.site import Site

    site, base, read = Site(_ARTICLES), "http://127.0.0.1:1", _Reader()
    wrong: Counter[str] = Counter()
    for path, facts in site.oracle().articles.items():
        reply = site.reply(path, base)
        found = read(reply.body, base + path, reply.content_type)
        metadata = {} if found is None else found["metadata"]
        wrong["a text"] += found is None
        wrong["the title"] += metadata.get("title") != facts.title
        wrong["the author"] += metadata.get("authors") != [facts.author]
        wrong["the date"] += (metadata.get("published") or "")[:10] != facts.published.date().isoformat()
    for what, count in wrong.items():
        result.facts.append(Fact(f"{what} of all {_ARTICLES} made-up articles is read", count == 0))


def _add_real_pages(result: Result, most: int | None) -> None:
    import trafilatura

    read, read_fast = _Reader(), _Reader("trafilatura-fast")
    ours, fast, theirs, missed = _Score(), _Score(), _Score(), []
    pages = list(_real_pages(most))
    for name, _, html, text in pages:
        mine = ours.add(_words(read(html, f"http://example.org/{name}", "")), text)
        fast.add(_words(read_fast(html, f"http://example.org/{name}", "")), text)
        other = theirs.add(trafilatura.extract(html, include_comments=False) or "", text)
        if mine < other - 0.05 or mine < WEAK:
            missed.append((name[:12], mine, other))
    result.ratios.append(
        Ratio("missed of real texts", "trafilatura", (1 - ours.f1) * 100, (1 - theirs.f1) * 100, "%", TARGET)
    )
    result.ratios.append(
        Ratio("the same, trafilatura-fast", "trafilatura", (1 - fast.f1) * 100, (1 - theirs.f1) * 100, "%", TARGET)
    )
    result.ratios.append(
        Ratio("time of a page, trafilatura-fast", "the other engine", read_fast.spent, read.spent, "s", FAST_TARGET)
    )
    add_stated(result, _Reader(), ((url, html) for _, url, html, _ in pages))
    if most is None:
        result.facts.append(Fact(f"the texts are no worse than published ({PUBLISHED})", ours.f1 >= PUBLISHED))
        result.facts.append(Fact("so they are with trafilatura-fast", fast.f1 >= PUBLISHED))
    result.figures.append(Figure("F1 of real texts", ours.f1, ""))
    result.figures.append(Figure("F1 of real texts, trafilatura-fast", fast.f1, ""))
    result.figures.append(Figure("F1 of trafilatura alone", theirs.f1, ""))
    for name, mine, other in sorted(missed, key=lambda each: each[1])[:_MOST_NAMED]:
        result.figures.append(Figure(f"weak on {name} (trafilatura: {other:.2f})", mine, "F1"))


def _real_pages(most: int | None) -> Iterator[tuple[str, str, bytes, str]]:
    """Name, address, HTML and text."""
    gold = json.loads((CORPUS / "gold.json").read_text())
    for name in list(gold)[:most]:
        html = gzip.decompress((CORPUS / "html" / f"{name}.gz").read_bytes())
        yield name, gold[name]["url"], html, gold[name]["body"]


def _words(found: dict[str, Any] | None) -> str:
    return _MARKUP.sub(r"\1", found["text"]) if found is not None else ""


class _Reader:
    """Reads pages as the crawl's processes do; None for what is no article. `spent`: seconds of processor time."""

    def __init__(self, engine: str = "trafilatura") -> None:
        self._handle = make()
        self._engine = engine
        self.spent = 0.0

    def __call__(self, html: bytes, url: str, content_type: str) -> dict[str, Any] | None:
        began = time.process_time()
        self._handle({"op": "look", "url": url, "content_type": content_type, "engine": self._engine}, html)
        found: dict[str, Any] | None = self._handle({"op": "article"}, b"")["article"]
        self.spent += time.process_time() - began
        return found


class _Score:
    """Means of precision and recall over pages."""

    def __init__(self) -> None:
        self._pages: list[tuple[float, float]] = []

    def add(self, found: str, truth: str) -> float:
        """Take a page; returns its own F1."""
        left, right = _shingles(found), _shingles(truth)
        common = (left & right).total()
        precision = common / left.total() if left else 0.0
        recall = common / right.total() if right else 0.0
        self._pages.append((precision, recall))
        return _mean(precision, recall)

    @property
    def f1(self) -> float:
        """Of the means."""
        return _mean(*(sum(each) / len(self._pages) for each in zip(*self._pages, strict=True)))


def _mean(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return Counter(tuple(words[n : n + _SHINGLE]) for n in range(max(1, len(words) - _SHINGLE + 1)) if words)
