"""Public suites, where they lie beside the checkout (`../shared/corpus/suites`): robots, URLs, charsets, feeds.

Without them these tests are skipped; the crawler's own tests hold small cases of the same kinds.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from quaero_cli.crawl.answers import Response
from quaero_cli.crawl.reading import xmlfiles
from quaero_cli.crawl.reading.charset import PRESCAN_BYTES, codec_for, prescan
from quaero_cli.crawl.robots import parse
from quaero_cli.crawl.urls import normalise

SUITES = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "suites"
pytestmark = pytest.mark.skipif(not SUITES.is_dir(), reason="the suites are not beside the checkout")

# Two rules of the specification's cases that are read otherwise on purpose: a quoted line is no rule, and `%62` in a
# rule means the same letter as `b` in an address (RFC 9309, 2.2.2).
ROBOTS_LEAST = 144


def _robots(part: str) -> list[dict[str, object]]:
    cases = json.loads((SUITES / "robots-google-spec" / "cases.json").read_text())
    return [case for case in cases if f"/{part}/" in case["file"]]


def _allowed(case: dict[str, object]) -> bool:
    body = str(case["robots"]).encode("utf-8", "surrogatepass")
    url = str(case["url"])
    return parse(str(case["ua"]), Response(url, 200, {}, body, 0.0)).allows(normalise(url) or url)


def test_robots_specification() -> None:
    """A site's wishes would be read otherwise than they were meant."""
    cases = _robots("correctness")
    right = sum(_allowed(case) == case["allow"] for case in cases)
    assert len(cases) == 146
    assert right >= ROBOTS_LEAST


def test_robots_of_real_sites() -> None:
    """Files as they stand in the wild would be misread."""
    cases = _robots("stress")
    assert sum(_allowed(case) == case["allow"] for case in cases) >= 0.96 * len(cases)


def _wpt() -> Iterator[tuple[str, str | None, str | None]]:
    for case in json.loads((SUITES / "wpt-url" / "urltestdata.json").read_text()):
        if isinstance(case, dict):
            yield case["input"], case.get("base"), None if case.get("failure") else case["href"]


def test_urls_are_read_as_browsers_read_them() -> None:
    """A link would lead to another page than in a browser."""
    wrong, seen = [], 0
    for text, base, href in _wpt():
        if base is not None and normalise(base) is None:
            continue  # no page of ours
        expected = None
        if href is not None and href.startswith(("http://", "https://")):
            plain = href.partition("#")[0]
            has_name = "@" in plain.split("/", 3)[2]
            expected = None if has_name else plain
        found = normalise(text, base)
        seen += 1
        # The crawler's own additions: one spelling for each escape, an empty query is none.
        if found != (normalise(expected) if expected else None):
            wrong.append((text, base, expected, found))
    assert seen > 500
    assert wrong == []


def _pairs(name: str) -> Iterator[tuple[str, str]]:
    path = SUITES / "url-normalizer-crawlercommons" / "normalizer" / name
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            left, _, right = line.partition(", ")
            yield left, right


# What these pairs want and the crawler does not do, since it may change which page is meant: sort parameters, drop
# empty ones, merge slashes, escape what browsers send as it is, guess a scheme, drop the dot at a host's end.
def _is_deviation(left: str, right: str) -> bool:
    same_letters = sorted(re.sub(r"%[0-9A-F]{2}|[^a-z0-9]", "", left.lower())) == sorted(
        re.sub(r"%[0-9A-F]{2}|[^a-z0-9]", "", right.lower())
    )
    return (
        not left.startswith(("http://", "https://"))
        or "," in left
        or "//" in left.partition("://")[2]
        or ("?" in left and same_letters)
        or bool(re.search(r"%(?![0-9A-Fa-f]{2})|[%^`|]$|=$|\\?[&=]|&$|\\./$", left))
        or "[" in left
        or left.endswith("./")
    )


def test_urls_that_are_spelt_differently() -> None:
    """One page would be fetched under each of its spellings."""
    pairs = list(_pairs("weirdToNormalizedUrls.csv"))
    wrong = [(left, right, normalise(left)) for left, right in pairs if normalise(left) != right]
    assert [each for each in wrong if not _is_deviation(*each[:2])] == []
    assert len(wrong) < 0.45 * len(pairs)


def _encoding_cases() -> Iterator[tuple[bytes, str]]:
    for path in sorted((SUITES / "encoding-html5lib").glob("*.dat")):
        for block in re.split(rb"(?m)^#data\n", path.read_bytes())[1:]:
            data, _, encoding = block.partition(b"\n#encoding\n")
            yield data, encoding.split(b"\n")[0].strip().decode()


def test_charsets_that_pages_declare() -> None:
    """A page's letters would come out as rubbish."""
    wrong = []
    for data, encoding in _encoding_cases():
        bom = data.startswith(b"\xef\xbb\xbf")
        found = "utf-8" if bom else prescan(data[:PRESCAN_BYTES]) or "cp1252"
        if found != codec_for(encoding):
            wrong.append((data[-200:], encoding, found))
    assert wrong == []


def test_feeds_never_break_the_reader() -> None:
    """One broken feed would stop a crawl, or a valid one give nothing."""
    files = sorted((SUITES / "feeds-w3c").rglob("*.xml"))
    assert len(files) > 1500
    unknown = 0
    for path in files:
        body = path.read_bytes()
        began = time.process_time()
        listing = xmlfiles.read(body, "http://feed.example/", limit=1 << 20)
        assert time.process_time() - began < 2, path
        unknown += listing["kind"] == "unknown"
        if _simple_items(body):
            assert listing["urls"], path
    assert unknown < 50  # service documents, and files that are no feeds


def _simple_items(body: bytes) -> bool:
    """Whether a feed surely has an entry with a link of its own."""
    return bool(
        re.search(rb"<item(?: [^>]*)?>\s*(?:<title>[^<]*</title>\s*)?<link>\s*https?://[\w./-]+\s*</link>", body)
    )


def test_sitemaps_of_all_kinds() -> None:
    """A site's list of pages would be lost for its form."""
    folder = SUITES / "url-normalizer-crawlercommons" / "sitemaps"
    expected = {"sitemap.index.xml": "index", "atom.xml": "feed"}
    for path in sorted(folder.rglob("*.*")):
        listing = xmlfiles.read(path.read_bytes(), "http://www.example.com/", limit=1 << 22)
        assert listing["kind"] == expected.get(path.name, "sitemap"), path
        assert listing["urls"], path
