"""Whole crawls over real HTTP on loopback: which pages are asked for, how often and in which order."""

import gzip
from pathlib import Path

import pytest
import trio
import trio.testing
from crawling import add_tree, run_crawl
from web import Answer, Request, Web, start_web


@pytest.mark.parametrize("concurrency", [1, 7, 32])
async def test_max_pages_is_exact(tmp_path: Path, web: Web, concurrency: int) -> None:
    """A site would be asked for more pages than its owner was told."""
    add_tree(web, 5, 3)
    ran = await run_crawl(tmp_path, web.url, max_pages=37, concurrency=concurrency)
    assert web.pages_hit() == 37
    assert ran.outputs["pages"] == len(ran.workers) == 37
    assert set(web.hits.values()) == {1}


async def test_every_page_once(tmp_path: Path, web: Web) -> None:
    """Pages that link to each other in every spelling would be fetched again and again."""
    spellings = [
        "/a",
        "/a#top",
        "/./a",
        "/b/../a",
        "/a?utm_source=x&utm_medium=y",
        "a",
        f"{web.url}/a",
        "/a?fbclid=1",
    ]
    for path in ("/", "/a", "/b"):
        web.page(path, links=[*spellings, "/b", "/"])
    ran = await run_crawl(tmp_path, web.url)
    assert web.hits == {"/robots.txt": 1, "/": 1, "/a": 1, "/b": 1}
    assert ran.outputs == {"pages": 3, "documents": 3, "skipped": 0, "failed": 0}
    assert [worker.status for worker in ran.workers] == ["completed"] * 3


async def test_order_is_breadth_first(tmp_path: Path, web: Web) -> None:
    """A crawl that is cut off by max_pages would have gone deep into one corner."""
    add_tree(web, 2, 2)
    await run_crawl(tmp_path, web.url, concurrency=1)
    assert [request.target for request in web.requests] == [
        "/robots.txt", "/", "/0/", "/1/", "/0/0/", "/0/1/", "/1/0/", "/1/1/",
    ]  # fmt: skip


async def test_max_depth(tmp_path: Path, web: Web) -> None:
    """The depth limit would let one level too many or too few through."""
    add_tree(web, 1, 4)
    ran = await run_crawl(tmp_path, web.url, max_depth=2)
    assert set(ran.statuses(web.url)) == {"/", "/0/", "/0/0/"}
    assert ran.lines_of("Fetched")[-1].fields["depth"] == 2


async def test_a_shorter_way_found_late_counts(tmp_path: Path, web: Web) -> None:
    """Whether a page at the depth limit is fetched would depend on which server answers faster."""
    gate = trio.Event()
    web.page("/", links=["/slow", "/fast"])
    web.page("/fast", links=["/middle"])
    web.page("/middle", links=["/target"])
    web.page("/target", links=["/below"])

    def below(_request: Request) -> Answer:
        return Answer(body="<p>reached")

    def target(_request: Request) -> Answer:
        gate.set()  # the long way is known; now the short one may be found
        return Answer(body='<a href="/below">x</a>')

    web.add("/target", target)
    web.add("/below", below)
    web.add("/slow", Answer(body='<a href="/target">x</a>', gate=gate))
    ran = await run_crawl(tmp_path, web.url, max_depth=3)
    assert web.hits["/below"] == 1
    assert ran.outputs["pages"] == 6


async def test_patterns(tmp_path: Path, web: Web) -> None:
    """Include and exclude would be mixed up: exclude wins, and a start URL needs no include."""
    web.page("/", links=["/news/1", "/news/2-draft", "/shop/1", "/private/news/3"])
    for path in ("/news/1", "/news/2-draft", "/shop/1", "/private/news/3"):
        web.page(path)
    ran = await run_crawl(
        tmp_path, web.url, include_patterns=["(?i)/NEWS/"], exclude_patterns=["draft$", "^http://[^/]+/private/"]
    )
    assert set(ran.statuses(web.url)) == {"/", "/news/1"}
    fields = ran.lines_of("Extracted")[0].fields
    assert (fields["links"], fields["links_followed"], fields["links_filtered"]) == (4, 1, 3)


async def test_other_hosts_are_not_followed(tmp_path: Path, web: Web, nursery: trio.Nursery) -> None:
    """A crawl would wander off to every site that its site links to."""
    other = await start_web(nursery)
    other.page("/")
    web.page("/", links=[f"{other.url}/", "http://elsewhere.invalid/", "mailto:x@y.z", "javascript:void(0)", "tel:1"])
    ran = await run_crawl(tmp_path, web.url)
    assert not other.hits
    assert ran.summary()["filtered"] == 2


async def test_an_allowed_domain_covers_its_ports(tmp_path: Path, web: Web, nursery: trio.Nursery) -> None:
    """A second server that the author named would be left out."""
    other = await start_web(nursery)
    other.page("/x")
    web.page("/", links=[f"{other.url}/x"])
    ran = await run_crawl(tmp_path, web.url, allowed_domains=["127.0.0.1"])
    assert other.hits["/x"] == 1
    assert ran.summary()["hosts"] == 2


async def test_links_are_not_followed_when_told(tmp_path: Path, web: Web) -> None:
    """`follow_links = false` would crawl all the same."""
    web.page("/", links=["/a"])
    ran = await run_crawl(tmp_path, web.url, follow_links=False)
    assert ran.outputs["pages"] == 1


async def test_sitemaps_are_read(tmp_path: Path, web: Web) -> None:
    """Articles that no page links to any more would never be found."""
    maps = "".join(f"<sitemap><loc>{path}</loc></sitemap>" for path in ("/map.xml.gz", "/loop.xml"))
    index = f"<sitemapindex>{maps}</sitemapindex>"
    web.add("/robots.txt", Answer(body=f"Sitemap: {web.url}/index.xml\nUser-agent: *\nDisallow: /no\n"))
    web.add("/index.xml", Answer(body=index, content_type="application/xml"))
    web.add("/loop.xml", Answer(body=index, content_type="application/xml"))
    urls = "".join(f"<url><loc>{web.url}{path}</loc></url>" for path in ("/hidden", "/no/x", "/linked", "/shop"))
    body = gzip.compress(f'<?xml version="1.0"?><urlset>{urls}</urlset>'.encode())
    web.add("/map.xml.gz", Answer(body=body, content_type="application/gzip"))
    web.page("/", links=["/linked", "/index.xml"])
    web.page("/hidden", links=["/deep"])
    web.page("/linked")
    web.page("/deep")
    ran = await run_crawl(tmp_path, web.url, sitemaps=True, exclude_patterns=["/shop"], max_depth=1)
    assert set(ran.statuses(web.url)) == {"/", "/hidden", "/linked"}
    assert set(web.hits.values()) == {1}
    (line,) = ran.lines_of("Sitemap read")
    assert line.fields["links"] == 4


async def test_feeds_of_start_pages_are_read(tmp_path: Path, web: Web) -> None:
    """News that stand in the feed only would be missed; the feed itself would be fetched as a page, too."""
    head = '<link rel="alternate" type="application/rss+xml" href="/rss"><link rel=stylesheet href=/x.css>'
    web.page("/", head=head, links=["/rss", "/a"])
    rss = f"<rss><channel><link>{web.url}/</link><item><link>{web.url}/fresh</link></item></channel></rss>"
    web.add("/rss", Answer(body=rss, content_type="application/rss+xml"))
    web.page("/a", head=head)
    web.page("/fresh")
    ran = await run_crawl(tmp_path, web.url)
    assert set(ran.statuses(web.url)) == {"/", "/a", "/fresh"}
    assert web.hits["/rss"] == 1
    web.hits.clear()
    ran = await run_crawl(tmp_path, web.url, feeds=False)
    assert set(ran.statuses(web.url)) == {"/", "/a", "/rss"}
