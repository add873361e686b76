"""Options of a crawl over real HTTP: each has an effect that a site or the kept documents show."""

import socket
from pathlib import Path

import pytest
import trio
import trio.testing
from crawling import make_tuning, run_crawl
from web import Answer, Request, Web, start_web

from quaero_cli.errors import StepFailed


async def test_cookies_stay_with_their_site(tmp_path: Path, web: Web, nursery: trio.Nursery) -> None:
    """A login would not work, or a session be handed to a stranger."""
    other = await start_web(nursery)
    other.page("/")
    web.page("/", links=[f"{other.url}/"])
    await run_crawl(tmp_path, web.url, allowed_domains=["127.0.0.1"], cookies={"session": "abc", "lang": "de"})
    assert web.requests[-1].headers["cookie"] == "session=abc; lang=de"
    assert "cookie" not in other.requests[-1].headers


async def test_since_keeps_what_is_new(tmp_path: Path, web: Web) -> None:
    """Whoever wants the news of a week would get an archive."""
    pages = ["/2026-01-10", "/2026-01-15", "/2026-01-20", "/undated"]
    web.page("/", links=pages)
    for path in pages:
        web.page(path, links=[f"{path}/more"])
    ran = await run_crawl(tmp_path, web.url, since=1_768_435_200.0)  # 2026-01-15
    kept = {document.url.removeprefix(web.url) for document in ran.documents}
    assert kept == {"/", "/2026-01-15", "/2026-01-20", "/undated"}
    assert ran.reasons(web.url)["/2026-01-10"] == "older than since"
    assert web.hits["/2026-01-10/more"] == 1  # its links are followed all the same


async def test_since_leaves_old_entries_of_sitemaps_and_feeds_alone(tmp_path: Path, web: Web) -> None:
    """The limit would save no request although the site says how old its pages are."""
    entries = "".join(
        f"<url><loc>{web.url}{path}</loc>{date}</url>"
        for path, date in (
            ("/a", "<lastmod>2026-01-10</lastmod>"),
            ("/b", "<lastmod>2026-01-16T10:00:00+00:00</lastmod>"),
            ("/c", ""),
            (
                "/d",
                "<lastmod>2026-02-01</lastmod><news:news xmlns:news='n'><news:publication_date>2026-01-02T00:00Z"
                "</news:publication_date></news:news>",
            ),
        )
    )
    web.add("/sitemap.xml", Answer(body=f"<urlset>{entries}</urlset>", content_type="application/xml"))
    web.page("/", head='<link rel="alternate" type="application/rss+xml" href="/rss">')
    items = "".join(
        f"<item><link>{web.url}{path}</link><pubDate>{date}</pubDate></item>"
        for path, date in (("/e", "Sat, 10 Jan 2026 10:00:00 GMT"), ("/f", "Sat, 17 Jan 2026 10:00:00 GMT"))
    )
    web.add("/rss", Answer(body=f"<rss><channel>{items}</channel></rss>", content_type="application/rss+xml"))
    for path in "abcdef":
        web.page(f"/{path}")
    await run_crawl(tmp_path, web.url, sitemaps=True, since=1_768_435_200.0)
    assert {target for target in web.hits if len(target) == 2} == {"/b", "/c", "/f"}


async def test_keep_html(tmp_path: Path, web: Web) -> None:
    """The pages themselves would be lost to whoever asked to keep them."""
    web.page("/")
    ran = await run_crawl(tmp_path, web.url, keep_html=True)
    (route,) = (web.routes["/"],)
    assert isinstance(route, Answer)
    assert [document.html for document in ran.documents] == [str(route.body).encode()]
    ran = await run_crawl(tmp_path, web.url)
    assert [document.html for document in ran.documents] == [None]


async def test_everything_goes_through_the_proxy(tmp_path: Path, web: Web) -> None:
    """A crawl behind a proxy would reach nothing, or go past it."""
    asked: list[str] = []

    def proxy(request: Request) -> Answer:
        asked.append(request.target)
        return Answer(body="<title>x</title><a href=/next>x</a>")

    for path in ("/robots.txt", "/", "/next"):
        web.add(f"http://site.test{path}", proxy)

    async def lookup(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")  # only the proxy knows the name

    ran = await run_crawl(
        tmp_path,
        "http://site.test/",
        proxy=f"http://user:secret@127.0.0.1:{web.port}",
        tuning=make_tuning(lookup=lookup),
    )
    assert ran.outputs["pages"] == 2
    assert asked == ["http://site.test/robots.txt", "http://site.test/", "http://site.test/next"]
    assert web.requests[0].headers["proxy-authorization"].startswith("Basic ")
    assert "secret" not in repr(ran.lines)


async def test_a_proxy_is_no_way_round_the_policy(tmp_path: Path, web: Web) -> None:
    """A page could have the proxy fetch the machine's own services."""
    with pytest.raises(StepFailed, match="is a link-local address"):
        await run_crawl(
            tmp_path,
            "http://169.254.169.254/",
            proxy=f"http://127.0.0.1:{web.port}",
            allow_private=[],
            obey_robots=False,
        )
    assert not web.hits


async def test_a_small_limit_of_bytes(tmp_path: Path, web: Web) -> None:
    """A page larger than the author allows would be read."""
    web.page("/", links=["/big"])
    web.page("/big", body="x" * 2000)
    ran = await run_crawl(tmp_path, web.url, max_bytes=1000)
    assert ran.reasons(web.url) == {"/big": "too large"}


async def test_a_page_has_its_time(tmp_path: Path, web: Web) -> None:
    """A page that never ends would hold a worker for the default time, whatever the author says."""
    web.page("/", links=["/slow"])
    web.add("/slow", Answer(gate=trio.Event()))
    ran = await run_crawl(tmp_path, web.url, timeout_page=1.0)
    assert ran.reasons(web.url) == {"/slow": "no complete answer within 1 s"}


async def test_per_host_is_kept(tmp_path: Path, web: Web) -> None:
    """A site would see more connections at once than its visitor was told to make."""
    gate = trio.Event()
    links = [f"/{n}" for n in range(12)]
    web.page("/", links=links)
    for link in links:
        web.add(link, Answer(gate=gate))

    async def open_gate() -> None:
        await web.busy(3)
        await trio.testing.wait_all_tasks_blocked(0.1)
        gate.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(open_gate)
        await run_crawl(tmp_path, web.url, per_host=3, concurrency=12)
    assert web.peak == 3


async def test_delay_is_kept(tmp_path: Path, web: Web) -> None:
    """A site would be asked faster than the author wants."""
    web.page("/", links=["/a", "/b"])
    web.page("/a")
    web.page("/b")
    began = trio.current_time()
    await run_crawl(tmp_path, web.url, delay=0.15)
    assert len(web.requests) == 4
    # A request is seen a while after it was sent, the busier the machine the later: so all count from the beginning.
    assert all(each.started - began >= 0.15 * place - 0.001 for place, each in enumerate(web.requests))


async def test_a_site_that_wants_a_long_rest_gets_it(tmp_path: Path, web: Web) -> None:
    """A site that asks to be left alone for an hour would be asked for every page once more."""
    links = [f"/{n}" for n in range(10)]
    web.page("/", links=links)
    for link in links:
        web.add(link, Answer(429, headers={"Retry-After": "3600"}))
    ran = await run_crawl(tmp_path, web.url, concurrency=1)
    assert web.pages_hit() == 2
    assert set(ran.reasons(web.url).values()) == {
        "the site answered 429",
        "the site wants to be left alone for 3600 s",
    }
    assert ran.summary()["failed_by_kind"] == {"http_429": 1, "resting": 9}
    assert ran.outputs["pages"] == 2  # what is not asked for is not counted


async def test_the_summary_and_the_progress(tmp_path: Path, web: Web, nursery: trio.Nursery) -> None:
    """People would have to count lines of the log to know how a crawl went, and what robots.txt cost."""
    other = await start_web(nursery)
    other.page("/x")
    web.add("/robots.txt", Answer(body="User-agent: *\nDisallow: /no", content_type="text/plain"))
    web.page("/", links=["/a", "/no/1", "/no/2", f"{other.url}/x", "/gone"])
    web.page("/a")
    web.add("/gone", Answer(410))
    ran = await run_crawl(tmp_path, web.url, allowed_domains=["127.0.0.1"])
    told = ran.summary()
    assert (told["robots_refused"], told["filtered_by_reason"]) == (2, {"robots": 2})
    assert told["robots_refused_urls"] == [f"{web.url}/no/1", f"{web.url}/no/2"]
    assert {host: facts["pages"] for host, facts in told["by_host"].items()} == {
        f"127.0.0.1:{web.port}": 2,
        f"127.0.0.1:{other.port}": 1,
    }
    assert told["failed_by_kind"] == {"http_410": 1}
    _, text = ran.reports[-1]
    assert text is not None
    assert text.startswith("0 queued, ")
    assert text.endswith(", 2 hosts")
