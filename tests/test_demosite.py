"""demosite/: the made-up site's pages and facts, read from memory without a server."""

import gzip
import io
import json
import subprocess
import sys
import unicodedata
import zipfile
from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

import pytest
from protego import Protego
from selectolax.lexbor import LexborHTMLParser
from trafilatura import bare_extraction

from quaero_cli.demosite.edition import ELSEWHERE
from quaero_cli.demosite.feeds import ITEMS
from quaero_cli.demosite.site import Site
from quaero_cli.demosite.story import Listing, Paragraph

BASE = "http://127.0.0.1:8000"

DIGEST = """
from hashlib import sha256
from quaero_cli.demosite.site import Site
site = Site(40, 7)
print(sha256(b"".join(site.reply(path, "http://127.0.0.1:8000").body for path in site.paths())).hexdigest())
"""


@pytest.fixture(scope="module")
def site():
    return Site()


def digest(site):
    return sha256(b"".join(site.reply(path, BASE).body for path in site.paths())).hexdigest()


def text_of(reply):
    return reply.body.decode("iso-8859-1" if "iso-8859-1" in reply.content_type else "utf-8")


@dataclass
class Crawl:
    """What following links from the front page found; targets are without the host."""

    depth: dict[str, int] = field(default_factory=dict)  # every address seen on the site
    pages: set[str] = field(default_factory=set)  # HTML that answered 200
    files: set[str] = field(default_factory=set)
    broken: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    disallowed: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    schemes: set[str] = field(default_factory=set)


def crawl(site, *, obey=True):
    """Follow every link, breadth first; `obey` leaves out what robots.txt forbids."""
    robots = Protego.parse(site.reply("/robots.txt", BASE).body.decode())
    found = Crawl(depth={"/": 0})
    queue = deque(["/"])
    while queue:
        target = queue.popleft()
        if obey and not robots.can_fetch(BASE + target, "quaero"):
            found.disallowed.add(target)
            continue
        for href in follow(site, target, found):
            parts = urlsplit(urljoin(BASE + target, href))
            found.schemes.add(parts.scheme)
            if not parts.scheme.startswith("http"):
                continue
            found.hosts.add(parts.netloc)
            address = parts.path + (f"?{parts.query}" if parts.query else "")
            if f"{parts.scheme}://{parts.netloc}" == BASE and address not in found.depth:
                found.depth[address] = found.depth[target] + 1
                queue.append(address)
    return found


def follow(site, target, found):
    """Note what an address answers, and return the links that lead on from it."""
    reply = site.reply(target, BASE)
    if reply.location is not None:
        found.redirects[target] = reply.location
        return [reply.location]
    if reply.status != 200:
        found.broken[target] = reply.status
        return []
    if not reply.content_type.startswith("text/html"):
        found.files.add(target)
        return []
    found.pages.add(target)
    return [node.attributes["href"] for node in LexborHTMLParser(text_of(reply)).css("a[href]")]


def test_same_seed_same_bytes(site):
    """Two runs of the demo would show different newspapers, and no test could rely on it."""
    assert digest(Site()) == digest(site)
    assert digest(Site(seed=2)) != digest(site)


def test_same_bytes_under_another_hash_seed():
    """The newspaper would change from process to process with Python's salted hash()."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": salt},
            cwd=Path(__file__).parent.parent,
            check=True,
            capture_output=True,
        ).stdout
        for salt in ("1", "2")
    }
    assert len(outputs) == 1


def test_base_stands_only_where_a_real_site_has_it(site):
    """A page would depend on the port, so that a recrawl on another port finds everything changed."""
    other = "http://127.0.0.1:9999"
    for path in site.paths():
        reply = site.reply(path, BASE)
        if "gzip" in reply.content_type:
            continue
        assert site.reply(path, other).body == reply.body.replace(BASE.encode(), other.encode())
        if reply.content_type.startswith("text/html") and reply.location is None:
            links = LexborHTMLParser(text_of(reply)).css("a[href]")
            assert not [node for node in links if BASE in node.attributes["href"]], path


def test_links_lead_to_everything(site):
    """A crawl would miss articles, or the facts that crawler tests compare with would be wrong."""
    facts, found = site.oracle(), crawl(site)
    assert found.pages == facts.pages
    assert found.files == facts.files
    assert found.broken == facts.broken
    assert found.disallowed == {target for target in facts.disallowed if target in found.depth}
    assert len(found.disallowed) >= 2
    assert found.redirects.keys() == facts.redirects.keys()
    assert found.hosts == {urlsplit(BASE).netloc, urlsplit(ELSEWHERE).netloc}
    assert {"mailto", "javascript", "tel"} < found.schemes


def test_every_article_within_three_clicks(site):
    """`max_depth = 3` and `max_pages = 500` would not be enough for the whole newspaper."""
    facts, found = site.oracle(), crawl(site)
    assert len(facts.articles) == 200
    assert max(found.depth[path] for path in facts.articles) <= 3
    assert len(found.depth) < 500


def test_impolite_crawl_is_seen(site):
    """A crawler that ignores robots.txt would not be caught: nothing would lead it to the private pages."""
    found = crawl(site, obey=False)
    assert site.oracle().disallowed <= found.pages


def test_calendar_is_a_path_of_single_steps(site):
    """A crawler without a depth limit would not be tempted; one with a limit would run away."""
    facts, found = site.oracle(), crawl(site)
    depths = [found.depth[path] for path in facts.calendar]
    assert depths == list(range(2, 26))


def test_redirects_end_where_they_should(site):
    """The loop would end, the chain would be shorter, or a moved article could not be found."""
    redirects = site.oracle().redirects
    assert [redirects[path].target for path in ("/loop/a", "/loop/b")] == ["/loop/b", "/loop/a"]
    target, steps = "/chain/1", 0
    while target in redirects:
        target, steps = redirects[target].target, steps + 1
    assert (steps, target in site.oracle().articles) == (3, True)
    assert site.reply("/old/2.html", BASE).location == BASE + redirects["/old/2.html"].target
    assert {redirect.status for redirect in redirects.values()} == {301, 302, 307}
    assert redirects["/go/elsewhere"].target == ELSEWHERE


def test_duplicates_name_their_article(site):
    """A crawler could not tell a copy from a story, or the mirrors would give themselves away."""
    facts = site.oracle()
    for target, article in facts.duplicates.items():
        page = LexborHTMLParser(text_of(site.reply(target, BASE)))
        assert page.css_first("link[rel=canonical]").attributes["href"] == BASE + article
    for target, article in facts.mirrors.items():
        page, original = (LexborHTMLParser(text_of(site.reply(path, BASE))) for path in (target, article))
        assert page.css_first("link[rel=canonical]") is None
        assert article not in page.css_first("head").html
        assert page.css_first(".text").text() == original.css_first(".text").text()


@pytest.mark.parametrize("articles", [1, 2, 13])
def test_small_sites_have_no_loose_ends(articles):
    """A test that wants few articles would meet links to articles that do not exist."""
    site = Site(articles)
    facts, found = site.oracle(), crawl(site)
    assert found.pages == facts.pages
    assert found.broken == facts.broken
    assert found.redirects.keys() == facts.redirects.keys()


def test_extractor_reads_what_the_newsroom_wrote(site):
    """The crawl of the demo would store wrong titles, dates, authors or texts."""
    odd = [article.number for article in site.edition.articles[:40] if article.quirks.plain]
    for number in [*range(24), *odd]:
        article = site.edition.articles[number]
        text = text_of(site.reply(article.path, BASE))
        found = bare_extraction(text, url=BASE + article.path, with_metadata=True).as_dict()
        assert found["title"] == article.headline
        assert found["author"] == article.author.name
        assert found["date"] == article.published.date().isoformat()
        body = " ".join(found["text"].split())
        for block in article.story().blocks:
            if isinstance(block, Paragraph):
                assert " ".join(block.text.split()) in body
            if isinstance(block, Listing):
                assert all(" ".join(item.split()) in body for item in block.items)
        assert "Advertisement" not in body
        assert "Morning Letter" not in body


def test_machine_readable_facts(site):
    """Meta data of a page would contradict the page; a browser would mistake the language."""
    for path, facts in site.oracle().articles.items():
        page = LexborHTMLParser(text_of(site.reply(path, BASE)))
        assert page.css_first("html").attributes["lang"] == facts.language
        assert page.css_first("link[rel=canonical]").attributes["href"] == BASE + path
        script = page.css_first('script[type="application/ld+json"]')
        assert (script is None) == facts.quirks.plain
        if script is not None:
            data = json.loads(script.text())
            assert (data["@type"], data["headline"], data["inLanguage"]) == (
                "NewsArticle",
                facts.title,
                facts.language,
            )
            assert data["keywords"] == list(facts.tags)
            assert ("datePublished" not in data) == facts.quirks.date_in_text
            assert ("author" not in data) == facts.quirks.author_in_text
        assert (page.css_first("time[datetime]") is None) == facts.quirks.date_in_text
        assert page.css_first("article img").attributes["src"].endswith(".svg")


def test_peculiarities_are_all_there(site):
    """A crawler's weak spot would go untested because no page has it."""
    quirks = [facts.quirks for facts in site.oracle().articles.values()]
    languages = [facts.language for facts in site.oracle().articles.values()]
    assert sum(q.latin1 for q in quirks) == 3
    assert sorted(site.oracle().slow.values()) == [0.3, 0.55, 0.8]
    assert [
        sum(getattr(q, name) for q in quirks) for name in ("gzip", "date_in_text", "author_in_text", "plain")
    ] == [1] * 4
    assert min(languages.count(language) for language in ("de", "fr")) >= 10
    texts = "".join(repr(article.story().blocks) for article in site.edition.articles)
    scripts = {unicodedata.name(sign).split()[0] for sign in set(texts) if sign.isalpha()}
    assert scripts >= {"LATIN", "CJK", "HIRAGANA", "GREEK", "CYRILLIC", "ARABIC", "HANGUL", "DEVANAGARI"}


def test_feeds_and_site_maps(site):
    """A crawl that starts from the feeds would miss articles or meet broken XML."""
    names = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    index = ElementTree.fromstring(site.reply("/sitemap.xml", BASE).body)
    maps = [node.text.removeprefix(BASE) for node in index.iterfind("s:sitemap/s:loc", names)]
    assert maps == ["/sitemap-articles.xml", "/sitemap-news.xml.gz"]
    articles = ElementTree.fromstring(site.reply(maps[0], BASE).body)
    listed = [node.text for node in articles.iterfind("s:url/s:loc", names)]
    assert listed == [BASE + path for path in site.oracle().articles]
    news = site.reply(maps[1], BASE)
    assert news.content_type == "application/gzip"
    assert len(ElementTree.fromstring(gzip.decompress(news.body))) == 50
    feed = ElementTree.fromstring(site.reply("/rss.xml", BASE).body)
    assert [node.text for node in feed.iterfind("channel/item/link")] == listed[:ITEMS]


def test_files_are_what_they_say(site):
    """A browser could not open the downloads, so nobody would believe they are real."""
    assert site.reply("/files/annual-report.pdf", BASE).body.startswith(b"%PDF-1.4")
    kit = zipfile.ZipFile(io.BytesIO(site.reply("/files/press-kit.zip", BASE).body))
    assert kit.testzip() is None
    assert json.loads(site.reply("/files/readers.json", BASE).body)["paper"]
    assert site.reply("/files/weather.png", BASE).body.startswith(b"\x89PNG")
    ElementTree.fromstring(site.reply("/images/0000.svg", BASE).body)


def test_unknown_addresses_and_parameters(site):
    """Tracking parameters would make new pages, or `?boom` would not break anything."""
    article = next(iter(site.oracle().articles))
    assert site.reply(f"{article}?utm_source=x", BASE) is site.reply(article, BASE)
    assert site.reply("/no/such/page", BASE).status == 404
    assert site.reply("/no/such/page", BASE) is site.reply("/another?x=1", BASE)
    assert site.reply("/?boom", BASE).status == 500
    assert site.reply("/events/harbour-festival-2019", BASE).status == 410


def test_huge_sites_are_not_kept_in_memory_whole():
    """A site of ten thousand pages would hold on to all of them."""
    site = Site(2500)
    first, *others = list(site.oracle().articles)
    kept = site.reply(first, BASE)
    assert site.reply(first, BASE) is kept
    for path in others:
        site.reply(path, BASE)
    assert site.reply(first, BASE) is not kept
    assert site.reply(first, BASE).body == kept.body
