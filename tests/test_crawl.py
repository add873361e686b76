"""Whole crawls over real HTTP on loopback: what is asked for, how often, in which order, and what is said of it."""

import gzip
from pathlib import Path

import pytest
import trio
import trio.testing
from crawling import Leftovers, Ran, make_options, make_tuning, run_crawl
from web import Answer, Request, Web, closed_port, start_web

from quaero_cli.crawl.crawl import crawl
from quaero_cli.errors import StepFailed


@pytest.fixture
async def web(nursery: trio.Nursery) -> Web:
    return await start_web(nursery)


def _tree(web: Web, fan: int, depth: int, prefix: str = "/") -> None:
    links = [f"{prefix}{n}/" for n in range(fan)] if depth else []
    web.page(prefix, links=links)
    for link in links:
        _tree(web, fan, depth - 1, link)


@pytest.mark.parametrize("concurrency", [1, 7, 32])
async def test_max_pages_is_exact(tmp_path: Path, web: Web, concurrency: int) -> None:
    """A site would be asked for more pages than its owner was told."""
    _tree(web, 5, 3)
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
    _tree(web, 2, 2)
    await run_crawl(tmp_path, web.url, concurrency=1)
    assert [request.target for request in web.requests] == [
        "/robots.txt", "/", "/0/", "/1/", "/0/0/", "/0/1/", "/1/0/", "/1/1/",
    ]  # fmt: skip


async def test_max_depth(tmp_path: Path, web: Web) -> None:
    """The depth limit would let one level too many or too few through."""
    _tree(web, 1, 4)
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


# ---------------------------------------------------------------- robots


async def test_robots_are_obeyed(tmp_path: Path, web: Web) -> None:
    """A crawler that ignores robots.txt gets its user's address banned."""
    web.add("/robots.txt", Answer(body="User-agent: quaero\nDisallow: /no\n", content_type="text/plain"))
    web.page("/", links=["/no/a", "/yes"])
    web.page("/yes", links=["/no/b"])
    web.page("/no/a")
    ran = await run_crawl(tmp_path, web.url)
    assert set(ran.statuses(web.url)) == {"/", "/yes"}
    skipped = [line for line in ran.lines if line.message == "Skipped"]
    assert [(line.worker, line.fields["reason"], line.level) for line in skipped] == [(None, "robots", 10)] * 2
    assert web.hits["/robots.txt"] == 1


async def test_robots_can_be_switched_off(tmp_path: Path, web: Web) -> None:
    """Someone who crawls their own site could not."""
    web.add("/robots.txt", Answer(body="User-agent: *\nDisallow: /\n"))
    web.page("/", links=["/a"], head='<meta name="robots" content="noindex, nofollow">')
    web.page("/a")
    ran = await run_crawl(tmp_path, web.url, obey_robots=False)
    assert ran.outputs == {"pages": 2, "documents": 2, "skipped": 0, "failed": 0}
    assert "/robots.txt" not in web.hits


async def test_broken_robots_forbid_everything(tmp_path: Path, web: Web) -> None:
    """RFC 9309: a site that cannot tell its rules (5xx) is not to be crawled."""
    web.add("/robots.txt", Answer(500))
    web.page("/")
    with pytest.raises(StepFailed) as caught:
        await run_crawl(tmp_path, web.url)
    assert caught.value.message == (f"no start URL could be fetched: {web.url}/: the site answered 500 (robots.txt)")
    assert "/" not in web.hits


async def test_a_forbidden_start_is_told(tmp_path: Path, web: Web) -> None:
    """A crawl of nothing would look like a success."""
    web.add("/robots.txt", Answer(body="User-agent: *\nDisallow: /\n"))
    with pytest.raises(StepFailed, match=r"robots\.txt forbids it$") as caught:
        await run_crawl(tmp_path, web.url)
    assert "obey_robots" in (caught.value.hint or "")


async def test_nofollow_and_noindex(tmp_path: Path, web: Web) -> None:
    """Pages that ask not to be kept would be kept, and links that ask not to be followed followed."""
    web.page("/", links=["/noindex", "/nofollow", "/header"], body='<a rel="nofollow" href="/paid">x</a>')
    web.page("/noindex", links=["/behind-noindex"], head='<meta name="robots" content="noindex">')
    web.page("/nofollow", links=["/behind-nofollow"], head='<meta name="ROBOTS" content="NoFollow">')
    web.add("/header", Answer(body="x", headers={"X-Robots-Tag": "googlebot: none, quaero: noindex"}))
    web.page("/behind-noindex")
    ran = await run_crawl(tmp_path, web.url)
    assert set(ran.statuses(web.url)) == {"/", "/noindex", "/nofollow", "/header", "/behind-noindex"}
    assert ran.reasons(web.url) == {"/noindex": "noindex", "/header": "noindex"}


async def test_crawl_delay_is_kept(tmp_path: Path, web: Web) -> None:
    """A server that asks for time between requests would get none."""
    web.add("/robots.txt", Answer(body="User-agent: *\nCrawl-delay: 0.2\n"))
    _tree(web, 4, 1)
    await run_crawl(tmp_path, web.url)
    robots, *pages = web.requests
    assert robots.target == "/robots.txt"
    # A request is seen a while after it was sent, the busier the machine the later: so all count from the first one.
    assert len(pages) > 3
    assert all(page.started - robots.started >= 0.2 * place - 0.001 for place, page in enumerate(pages))


async def test_connections_per_host_are_bounded(tmp_path: Path, web: Web) -> None:
    """A small server would be hit by all workers at once."""
    gate = trio.Event()
    web.page("/", links=[f"/{n}" for n in range(12)])
    for n in range(12):
        web.add(f"/{n}", Answer(body=str(n), gate=gate))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: run_crawl(tmp_path, web.url, per_host=3, concurrency=32))
        await web.busy(3)
        await trio.testing.wait_all_tasks_blocked(0.05)
        gate.set()
    assert web.peak == 3


# ---------------------------------------------------------------- redirects


async def test_a_chain_of_redirects_is_one_page(tmp_path: Path, web: Web) -> None:
    """max_pages would be used up by hops, or the page be fetched again under its last address."""
    web.page("/", links=["/1", "/end"])
    web.add("/1", Answer(301, headers={"Location": "/2"}))
    web.add("/2", Answer(302, headers={"Location": f"{web.url}/end2"}))
    web.page("/end2")
    web.page("/end")
    ran = await run_crawl(tmp_path, web.url, max_pages=3)
    assert ran.outputs["pages"] == 3
    moved = [line.fields for line in ran.lines_of("Fetched") if "redirected_from" in line.fields]
    assert [(fields["url"], fields["redirected_from"]) for fields in moved] == [(f"{web.url}/end2", f"{web.url}/1")]


async def test_redirects_that_lead_nowhere(tmp_path: Path, web: Web) -> None:
    """A loop would run for ever; a redirect could lead out of the fence."""
    long = {f"/long{n}": Answer(302, headers={"Location": f"/long{n + 1}"}) for n in range(9)}
    web.routes |= {
        **long,
        "/loop": Answer(302, headers={"Location": "/loop2"}),
        "/loop2": Answer(302, headers={"Location": "/loop"}),
        "/self": Answer(302, headers={"Location": "/self#x"}),
        "/out": Answer(302, headers={"Location": "http://elsewhere.invalid/"}),
        "/robots": Answer(302, headers={"Location": "/no/page"}),
        "/known": Answer(302, headers={"Location": "/"}),
        "/mail": Answer(302, headers={"Location": "mailto:a@b.c"}),
        "/file": Answer(302, headers={"Location": "file:///etc/passwd"}),
        "/empty": Answer(301),
    }
    web.add("/robots.txt", Answer(body="User-agent: *\nDisallow: /no/\n"))
    web.page("/", links=["/long0", "/loop", "/self", "/out", "/robots", "/known", "/mail", "/file", "/empty"])
    ran = await run_crawl(tmp_path, web.url)
    assert ran.reasons(web.url) == {
        "/long0": "more than 5 redirects",
        "/loop": f"redirect loop: leads back to {web.url}/loop",
        "/self": f"redirect loop: leads back to {web.url}/self",
        "/out": "redirect outside",
        "/robots": "robots",
        "/known": "redirect to a known page",
        "/mail": "redirects to 'mailto:a@b.c', which is no page",
        "/file": "redirects to 'file:///etc/passwd', which is no page",
        "/empty": "redirects to '', which is no page",
    }
    assert {worker.status for worker in ran.workers} == {"completed"}
    assert web.hits["/"] == 1
    assert "/no/page" not in web.hits


# ---------------------------------------------------------------- what fails


async def test_a_dead_link_is_a_fact_not_a_failure(tmp_path: Path, web: Web) -> None:
    """A job would fail because somebody's site has a dead link."""
    web.page("/", links=["/404", "/410", "/403"])
    web.add("/410", Answer(410))
    web.add("/403", Answer(403))
    ran = await run_crawl(tmp_path, web.url)
    assert {worker.status for worker in ran.workers} == {"completed"}
    assert sorted((line.level, line.fields["status"]) for line in ran.lines_of("Failed")) == [
        (30, 403), (30, 404), (30, 410),
    ]  # fmt: skip
    assert {line.fields["found_on"] for line in ran.lines_of("Failed")} == {f"{web.url}/"}
    assert ran.outputs["failed"] == 3
    assert ran.summary()["failed_by_kind"] == {"http_403": 1, "http_404": 1, "http_410": 1}


async def test_no_definite_answer_fails_the_worker(tmp_path: Path, web: Web) -> None:
    """A server that breaks would be taken for a site without that page."""
    web.page("/", links=["/500", "/cut", "/short", "/garbage", "/never"])
    web.routes |= {
        "/500": Answer(500),
        "/cut": Answer(cut=True),
        "/short": Answer(body="x", short=100),
        "/garbage": Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        "/never": Answer(gate=trio.Event()),
    }
    ran = await run_crawl(tmp_path, web.url, timeout_page=1.0)  # others must answer in time on a busy machine
    assert ran.statuses(web.url) == {
        "/": "completed", "/500": "failed", "/cut": "failed", "/short": "failed", "/garbage": "failed",
        "/never": "failed",
    }  # fmt: skip
    reasons = ran.reasons(web.url)
    assert reasons["/500"] == "the site answered 500"
    assert reasons["/never"] == "no complete answer within 1 s"
    assert ran.summary()["failed_by_kind"] == {"http_500": 1, "reset": 2, "protocol": 1, "timeout": 1}
    assert (web.hits["/500"], web.hits["/never"], web.hits["/garbage"]) == (3, 2, 1)
    assert web.hits["/cut"] in (3, 4)  # libcurl asks again by itself when a kept connection turns out to be closed


async def test_what_passes_is_waited_for(tmp_path: Path, web: Web) -> None:
    """One hiccup of a server would lose the page."""
    answers = iter([Answer(503, headers={"Retry-After": "0"}), Answer(429), Answer(body="here")])
    web.page("/", links=["/busy"])
    web.add("/busy", lambda _request: next(answers))
    ran = await run_crawl(tmp_path, web.url)
    assert ran.statuses(web.url)["/busy"] == "completed"
    assert web.hits["/busy"] == 3


async def test_a_pause_holds_the_whole_server(tmp_path: Path, web: Web) -> None:
    """A server that says 429 would be asked for other pages meanwhile."""
    answers = iter([Answer(429, headers={"Retry-After": "1"}), Answer(body="here")])
    web.page("/", links=["/busy", "/a", "/b"])
    web.add("/busy", lambda _request: next(answers))
    web.page("/a")
    web.page("/b")
    await run_crawl(tmp_path, web.url, per_host=1)
    first = next(request.started for request in web.requests if request.target == "/busy")
    later = [request.started for request in web.requests if request.started > first]
    assert min(later) - first > 0.9


@pytest.mark.parametrize(("status", "words"), [(404, "404"), (410, "410"), (500, "500"), (403, "403")])
async def test_a_start_that_answers_an_error_fails_the_step(
    tmp_path: Path, web: Web, status: int, words: str
) -> None:
    """A typo in the start URL would end as a successful crawl of nothing."""
    web.add("/start", Answer(status))
    with pytest.raises(StepFailed, match=rf"no start URL could be fetched: .*/start: the site answered {words}$"):
        await run_crawl(tmp_path, f"{web.url}/start")


async def test_a_start_that_refuses_fails_the_step(tmp_path: Path) -> None:
    """The error would not say what is wrong, or not what to do."""
    port = await closed_port()
    with pytest.raises(StepFailed) as caught:
        await run_crawl(tmp_path, f"http://127.0.0.1:{port}/", obey_robots=False)
    assert caught.value.message == f"no start URL could be fetched: http://127.0.0.1:{port}/: connection refused"
    assert caught.value.hint == "is the server running, and the port right?"


async def test_a_start_that_does_not_resolve_fails_the_step(tmp_path: Path) -> None:
    """A misspelt host would be retried for minutes, or not be named."""

    async def lookup(_host: str) -> list[str]:
        raise OSError(-2, "Name or service not known")

    with pytest.raises(StepFailed, match=r"nowhere\.invalid does not resolve: Name or service not known"):
        await run_crawl(tmp_path, "http://nowhere.invalid/", tuning=make_tuning(lookup=lookup))


async def test_one_start_of_two_is_enough(tmp_path: Path, web: Web) -> None:
    """One dead start page would throw away the crawl of the others, or not be seen at all."""
    web.page("/")
    port = await closed_port()
    ran = await run_crawl(tmp_path, web.url, f"http://127.0.0.1:{port}/")
    assert ran.statuses() == {f"{web.url}/": "completed", f"http://127.0.0.1:{port}/": "failed"}
    assert ran.outputs == {"pages": 1, "documents": 1, "skipped": 0, "failed": 1}


async def test_a_start_that_is_no_page_fails_the_step(tmp_path: Path, web: Web) -> None:
    """A PDF as start page would end as a successful crawl of nothing."""
    web.add("/", Answer(body=b"%PDF-1.4", content_type="application/pdf"))
    with pytest.raises(StepFailed, match=r"not html: application/pdf$"):
        await run_crawl(tmp_path, web.url)


# ---------------------------------------------------------------- what is skipped


async def test_what_is_no_page_is_skipped(tmp_path: Path, web: Web) -> None:
    """Films and archives would be downloaded, or bombs unpacked."""
    web.page("/", links=["/film", "/huge", "/chunked", "/bomb", "/brotli", "/untyped"])
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    web.routes |= {
        "/film": Answer(body=b"\0" * 1000, content_type="video/mp4"),
        "/huge": Answer(body="x" * 300_000),
        "/chunked": Answer(
            raw=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 8
        ),
        "/bomb": Answer(body=gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"}),
        "/brotli": Answer(body=b"\x8b\x00\x80", headers={"Content-Encoding": "br"}),
        "/untyped": Answer(body="<p>fine", content_type=None),
    }
    ran = await run_crawl(tmp_path, web.url, max_bytes=200_000)
    assert ran.reasons(web.url) == {
        "/film": "not html",
        "/huge": "too large",
        "/chunked": "too large",
        "/bomb": "too large",
        "/brotli": "content encoding 'br' was not asked for",
    }
    assert {worker.status for worker in ran.workers} == {"completed"}


async def test_the_same_content_is_kept_once(tmp_path: Path, web: Web) -> None:
    """A mirror would be stored as another article."""
    web.page("/", links=["/a", "/copy"])
    web.add("/a", Answer(body="<p>the same"))
    web.add("/copy", Answer(body="<p>the same"))
    ran = await run_crawl(tmp_path, web.url, concurrency=1)
    assert ran.reasons(web.url) == {"/copy": "duplicate content"}
    assert ran.lines_of("Skipped")[0].fields["to"] == f"{web.url}/a"


async def test_canonical_addresses(tmp_path: Path, web: Web) -> None:
    """Print versions and tracking copies would be stored beside the article, or the article be lost."""

    def page(path: str, canonical: str) -> None:
        web.page(path, head=f'<link rel="canonical" href="{canonical}">', body=path)

    web.page(
        "/", links=["/a", "/a/print", "/only-print", "/own", "/home", "/gone-print", "/ext1", "/ext2", "/secure"]
    )
    web.page("/a")
    page("/a/print", "/a")  # of a known page
    page("/only-print", "/unlinked")  # of a page that nothing else leads to
    web.page("/unlinked")
    page("/own", "/own")
    page("/home", "/")  # a mistake: every page calls the first page canonical
    page("/gone-print", "http://elsewhere.invalid/x")  # of a page outside
    page("/ext1", "http://other.invalid/same")
    page("/ext2", "http://other.invalid/same")
    page("/secure", web.url.replace("http:", "https:") + "/secure")
    ran = await run_crawl(tmp_path, web.url, concurrency=1)
    assert ran.reasons(web.url) == {
        "/a/print": "duplicate of canonical",
        "/only-print": "duplicate of canonical",
        "/ext2": "duplicate of canonical",
    }
    kept = {document.url.removeprefix(web.url) for document in ran.documents}
    assert kept == {"/", "/a", "/unlinked", "/own", "/home", "/gone-print", "/ext1", "/secure"}


@pytest.mark.parametrize("gone", [404, 410, 503, "cut", "pdf", "robots"])
async def test_a_canonical_address_that_cannot_be_had(tmp_path: Path, web: Web, gone: int | str) -> None:
    """An article would be lost because it names an original that is gone, or that broke before it was there."""
    web.page("/", links=["/print", "/mobile", "/broken"])
    head = '<link rel="canonical" href="/original">'
    web.page("/print", head=head, body="print", links=["/next"])
    web.page("/mobile", head=head, body="mobile")
    web.page("/broken", head=head, body="broken")
    web.page("/next")
    answers = {
        "cut": Answer(cut=True),
        "pdf": Answer(body="%PDF", content_type="application/pdf"),
        "robots": Answer(301, headers={"Location": "/no/original"}),
    }
    web.add("/robots.txt", Answer(body="User-agent: *\nDisallow: /no\n"))
    web.add("/original", answers[gone] if isinstance(gone, str) else Answer(gone))
    ran = await run_crawl(tmp_path, web.url, concurrency=1)
    kept = {document.url.removeprefix(web.url) for document in ran.documents}
    assert kept == {"/", "/print", "/next"}
    assert web.hits["/print"] == 2
    assert web.hits["/mobile"] == web.hits["/broken"] == web.hits["/next"] == 1


async def test_a_page_that_stands_in_for_its_original_may_be_gone_as_well(tmp_path: Path, web: Web) -> None:
    """The last copy of an article would be left alone in favour of two pages of which none is there."""
    web.page("/", links=["/print", "/mobile"])
    head = '<link rel="canonical" href="/original">'
    served = [Answer(body=f"<!doctype html><title>p</title>{head}<body>print"), Answer(404)]
    web.add("/print", lambda _request: served.pop(0))
    web.page("/mobile", head=head, body="mobile")
    web.add("/original", Answer(404))
    ran = await run_crawl(tmp_path, web.url, concurrency=1)
    assert {document.url.removeprefix(web.url) for document in ran.documents} == {"/", "/mobile"}


async def test_a_canonical_address_that_leads_back(tmp_path: Path, web: Web) -> None:
    """Two addresses that point to each other would lose the article altogether."""
    web.page("/", links=["/new"])
    web.page("/new", head='<link rel="canonical" href="/old">')
    web.add("/old", Answer(301, headers={"Location": "/new"}))
    ran = await run_crawl(tmp_path, web.url)
    assert f"{web.url}/new" in {document.url for document in ran.documents}


@pytest.mark.parametrize("pages", [2, 3, 7])
async def test_canonical_addresses_in_a_ring(tmp_path: Path, web: Web, pages: int) -> None:
    """Pages that call each other the original would all be left alone, and the article be lost."""
    web.page("/", links=[f"/{n}" for n in range(pages)])
    for n in range(pages):
        web.page(f"/{n}", head=f'<link rel="canonical" href="/{(n + 1) % pages}">', body="the same")
    ran = await run_crawl(tmp_path, web.url)
    kept = {document.url for document in ran.documents} - {f"{web.url}/"}
    assert len(kept) == 1
    assert ran.summary()["skipped_by_reason"] == {"duplicate of canonical": pages - 1}


# ---------------------------------------------------------------- sitemaps and feeds


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


# ---------------------------------------------------------------- addresses


async def test_private_addresses_are_not_connected_to(tmp_path: Path, web: Web) -> None:
    """A page could make the crawler read the machine's own services, or a cloud's secrets."""

    async def lookup(host: str) -> list[str]:
        return {"site.test": ["127.0.0.1"], "evil.test": ["127.0.0.1"]}[host]

    web.page("/", links=[f"http://evil.test:{web.port}/x", f"http://127.0.0.1:{web.port}/x", "http://[::1]/"])
    ran = await run_crawl(
        tmp_path,
        f"http://site.test:{web.port}/",
        allowed_domains=["site.test", "evil.test", "127.0.0.1", "[::1]"],
        allow_private=["site.test"],
        obey_robots=False,
        tuning=make_tuning(lookup=lookup),
    )
    assert set(ran.reasons().values()) == {"private address"}
    assert len(ran.reasons()) == 3
    assert ran.outputs["pages"] == 1  # what is not asked for is not counted
    assert web.hits == {"/": 1}


async def test_robots_cannot_be_redirected_away(tmp_path: Path, web: Web, nursery: trio.Nursery) -> None:
    """A site could make the crawler ask any other server of this machine for anything."""
    other = await start_web(nursery)
    web.add("/robots.txt", Answer(302, headers={"Location": f"{other.url}/shutdown"}))
    web.add("/sitemap.xml", Answer(302, headers={"Location": f"{other.url}/shutdown"}))
    web.page("/")
    ran = await run_crawl(tmp_path, web.url, sitemaps=True)
    assert ran.outputs["documents"] == 1
    assert not other.hits


async def test_a_redirect_into_a_private_address(tmp_path: Path, web: Web) -> None:
    """A public page could redirect to the machine's own services."""

    async def lookup(host: str) -> list[str]:
        return {"public.test": ["127.0.0.1"], "inside.public.test": ["10.0.0.1"]}[host]

    web.add("/", Answer(302, headers={"Location": "http://inside.public.test/admin"}))
    with pytest.raises(StepFailed, match=r"10\.0\.0\.1 is a private address") as caught:
        await run_crawl(
            tmp_path,
            f"http://public.test:{web.port}/",
            allowed_domains=["public.test"],
            allow_private=["public.test"],
            obey_robots=False,
            tuning=make_tuning(lookup=lookup),
        )
    assert "allow_private" in (caught.value.hint or "")


async def test_secrets_stay_with_their_site(tmp_path: Path, web: Web, nursery: trio.Nursery) -> None:
    """A site's password would be sent to whatever host it redirects or links to."""
    other = await start_web(nursery)
    other.page("/")
    web.page("/", links=[f"{other.url}/"])
    headers = {"Authorization": "Basic c2VjcmV0", "X-Team": "news"}
    await run_crawl(tmp_path, web.url, allowed_domains=["127.0.0.1"], headers=headers, user_agent="probe/1")
    ours, theirs = web.requests[-1].headers, other.requests[-1].headers
    assert (ours["authorization"], ours["x-team"], ours["user-agent"]) == ("Basic c2VjcmV0", "news", "probe/1")
    assert (theirs.get("authorization"), theirs["x-team"]) == (None, "news")
    assert ours["accept-encoding"] == "gzip, deflate"


# ---------------------------------------------------------------- hostile pages, cancellation


async def test_a_hostile_page_fails_alone(tmp_path: Path, web: Web) -> None:
    """One page that crashes or stalls the parser would take the crawl with it."""
    hostile = ["/kill", "/stall", "/raise", "/memory"]
    fine = [f"/{n}" for n in range(6)]
    web.page("/", links=hostile + fine)
    for path, words in zip(hostile, ("KILL ME", "STALL", "RAISE", "MEMORY"), strict=True):
        web.page(path, body=words)
    for path in fine:
        web.page(path)
    tuning = make_tuning(reader_factory="readers:hostile", reader_seconds=0.5)
    ran = await run_crawl(tmp_path, web.url, tuning=tuning)
    assert ran.reasons(web.url) == {
        "/kill": "it ended its reading process",
        "/stall": "reading it took more than 0.5 s of processor time",
        "/raise": "the parser failed: RecursionError: too deep",
        "/memory": "it ended its reading process",
    }
    assert {path for path, status in ran.statuses(web.url).items() if status == "failed"} == set(hostile)
    assert ran.outputs["documents"] == 7


async def test_a_reader_that_cannot_start_is_told(tmp_path: Path, web: Web) -> None:
    """A missing library would show as pages without a word about them."""
    web.page("/")
    ran = await run_crawl(tmp_path, web.url, tuning=make_tuning(reader_factory="readers:broken"))
    assert ran.reasons(web.url) == {"/": "the reading process cannot start: ImportError: no module named trafilatura"}
    assert ran.statuses(web.url) == {"/": "failed"}


async def test_cancelling_a_crawl_leaves_nothing(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C would leave processes behind, or descriptors in a server that runs job after job."""
    web.page("/", links=["/fine", "/stall", "/never", "/never2"])
    web.page("/fine")
    web.page("/stall", body="STALL")
    gate = trio.Event()
    web.add("/never", Answer(gate=gate))
    web.add("/never2", Answer(gate=gate))
    leftovers = Leftovers(monkeypatch)
    ctx = Ran(tmp_path, concurrency=8)
    tuning = make_tuning(reader_factory="readers:hostile", reader_seconds=60)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crawl, ctx, make_options([web.url]), tuning)
        await web.busy(2)
        await trio.testing.wait_all_tasks_blocked(0.2)  # two requests and one page's reader stall
        nursery.cancel_scope.cancel()
    assert ctx.statuses(web.url)["/stall"] == "cancelled"
    assert {status for path, status in ctx.statuses(web.url).items() if "never" in path} == {"cancelled"}
    gate.set()
    await trio.testing.wait_all_tasks_blocked(0.1)  # the server's side of the connections
    leftovers.check()
