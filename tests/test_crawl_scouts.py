"""Crawls without extraction, whose pages are fetched by the processes that look at them."""

import gzip
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from crawling import Leftovers, Ran, make_options, make_tuning, run_crawl
from fakememory import FakeMemory
from web import Answer, Request, Web, closed_port

from quaero_cli.crawl.addresses import Policy
from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.crawl import crawl
from quaero_cli.crawl.fetch import Fetcher, open_fetcher
from quaero_cli.crawl.polite import Manners
from quaero_cli.crawl.pool import open_pool
from quaero_cli.crawl.reading.scout import Settings
from quaero_cli.crawl.request import Identity, Limits
from quaero_cli.crawl.resolve import Lookup, Resolver, system_lookup
from quaero_cli.crawl.scouts import Scouts, open_scouts
from quaero_cli.crawl.transfer import Wanted
from quaero_cli.errors import StepFailed

PATIENT = Limits(60.0, 60.0, 60.0)
PAGE = Wanted(limit=100_000, types=frozenset({"text/html"}), page=True)


@asynccontextmanager
async def scouting(
    *, limits: Limits = PATIENT, policy: Policy | None = None, lookup: Lookup = system_lookup
) -> AsyncGenerator[tuple[Scouts, Fetcher], None]:
    """Both ways to fetch a page."""
    resolver = Resolver(policy or Policy(["127.0.0.1"]), timeout=60, lookup=lookup)
    settings = Settings(
        user_agent="probe/1",
        headers={"X-Team": "news"},
        ca_file="",
        limits=(limits.connect, limits.first_byte, limits.page),
        limit=PAGE.limit,
        types=sorted(PAGE.types),
        accept=PAGE.accept,
    )
    manners = Manners(per_host=8, delay=0.0)
    async with (
        open_pool(factory="readers:light") as pool,
        open_fetcher(resolver, Identity("probe/1", {"X-Team": "news"}), limits) as fetcher,
        open_scouts(pool, fetcher, resolver, manners, settings, 60.0) as scouts,
    ):
        yield scouts, fetcher


async def test_a_scout_answers_as_the_event_loop_does(web: Web) -> None:
    """What became of a page, and how often it is tried, would depend on who fetched it."""
    html = "<title>x</title><a href=/a>x</a><a href='/b#c'>x</a>"
    moved = {"Location": "/elsewhere", "Retry-After": "7", "ETag": '"1"', "X-Robots-Tag": "noindex", "X-Other": "x"}
    answers = {
        "/page": Answer(body=html, headers={"ETag": '"2"'}),
        "/packed": Answer(body=gzip.compress(html.encode()), headers={"Content-Encoding": "gzip"}),
        "/moved": Answer(302, "x" * 200_000, headers=moved),
        "/gone": Answer(410, "x"),
        "/busy": Answer(503, "x", headers=moved),
        "/film": Answer(body="x", content_type="video/mp4", headers={"ETag": '"3"'}),
        "/large": Answer(body="x" * 100_001),
        "/bomb": Answer(body=gzip.compress(bytes(5_000_000)), headers={"Content-Encoding": "gzip"}),
        "/damaged": Answer(body=b"x", headers={"Content-Encoding": "gzip"}),
        "/cut": Answer(cut=True),
        "/short": Answer(body="x", short=5),
        "/nonsense": Answer(raw=b"nonsense\r\n\r\n"),
    }
    for target, answer in answers.items():
        web.add(target, answer)
    async with scouting() as (scouts, fetcher):
        for url in (*(f"{web.url}{target}" for target in answers), f"http://127.0.0.1:{await closed_port()}/"):
            theirs, ours = await scouts.get(url, PAGE), await fetcher.get(url, PAGE)
            if isinstance(ours, FetchError):
                assert isinstance(theirs, FetchError)
                assert (theirs.kind, theirs.reason, theirs.status) == (ours.kind, ours.reason, ours.status), url
                chosen = {name: ours.headers[name] for name in theirs.headers}
                assert theirs.headers == chosen
                assert ("etag" in theirs.headers) == ("etag" in ours.headers)
                continue
            assert isinstance(theirs, Response)
            assert (theirs.url, theirs.status, theirs.size) == (ours.url, ours.status, ours.size)
            assert theirs.headers == {name: text for name, text in ours.headers.items() if name in theirs.headers}
            assert {"location", "retry-after", "x-robots-tag", "etag"} & ours.headers.keys() <= theirs.headers.keys()
            assert theirs.body == b""
            assert theirs.look is not None
            if ours.body:
                assert theirs.digest == hashlib.sha256(ours.body).hexdigest()
                assert theirs.look.view is not None
                assert theirs.look.view["links"] == [f"{web.url}/a", f"{web.url}/b"]
    sent = [request.headers for request in web.requests]
    assert all(headers == sent[0] for headers in sent)


async def test_a_scout_has_the_same_time_limits(web: Web) -> None:
    """A silent site would hold a worker for ever."""
    gate = trio.Event()
    web.add("/silent", Answer(gate=gate))
    async with scouting(limits=Limits(60.0, 0.3, 60.0)) as (scouts, _):
        silent = await scouts.get(f"{web.url}/silent", PAGE)
    async with scouting(limits=Limits(60.0, 60.0, 0.3)) as (scouts, _):
        slow = await scouts.get(f"{web.url}/silent", PAGE)
    gate.set()
    assert isinstance(silent, FetchError)
    assert isinstance(slow, FetchError)
    assert silent.kind == slow.kind == "timeout"
    # On a busy machine even the connection may be late.
    assert silent.reason in ("no answer began within 0.3 s", "no connection within 0.3 s")
    assert slow.reason in ("no complete answer within 0.3 s", "no connection within 0.3 s")


async def test_a_scout_connects_to_what_was_judged(web: Web) -> None:
    """Between the check and the connection a name could change its address."""
    web.page("/")

    async def lookup(host: str) -> list[str]:
        return {"one.test": ["127.0.0.1"], "localhost": ["10.255.255.1"]}[host]

    async with scouting(policy=Policy(["one.test"]), lookup=lookup) as (scouts, _):
        found = await scouts.get(f"http://one.test:{web.port}/", PAGE)
        error = await scouts.get(f"http://localhost:{web.port}/", PAGE)
    assert isinstance(found, Response)
    assert found.look is not None
    assert error == FetchError("address", "localhost: 10.255.255.1 is a private address")
    assert [request.headers["host"] for request in web.requests] == [f"one.test:{web.port}"]


async def test_a_crawl_without_extraction(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links would not be followed, dead ones not be told, or pages be kept that nobody wants."""
    leftovers = Leftovers(monkeypatch)
    web.page("/", links=["/a", "/dead", "/twin"])
    web.page("/a", links=["/", "/b"])
    web.page("/b", head="<meta name=robots content=nofollow>", links=["/never"])
    web.add("/twin", web.routes["/b"])
    web.add("/sitemap.xml", Answer(body=f"<urlset><url><loc>{web.url}/c</loc></url></urlset>"))
    web.add("/c", Answer(301, headers={"Location": "/d"}))
    web.page("/d")
    ran = await run_crawl(tmp_path, web.url, extract=False, sitemaps=True, tuning=make_tuning(reader_factory=""))
    twin = "duplicate content"
    reasons = ran.reasons(web.url)
    assert {reasons.pop("/b"), reasons.pop("/twin")} == {"not extracted", twin}
    assert reasons == {
        "/": "not extracted", "/a": "not extracted", "/c": "not extracted", "/dead": "the site answered 404"
    }  # fmt: skip
    assert ran.outputs == {"pages": 6, "documents": 0, "skipped": 5, "failed": 1}
    assert [
        line.fields["redirected_from"] for line in ran.lines_of("Fetched") if "redirected_from" in line.fields
    ] == [f"{web.url}/c"]
    assert all(web.hits[target] == 1 for target in ("/", "/a", "/b", "/twin", "/c", "/d", "/dead"))
    leftovers.check()


async def test_a_page_that_kills_scouts_fails_alone(tmp_path: Path, web: Web) -> None:
    """All pages that its process had under way would fail with it."""
    hostile = {
        "/kill": "it ended its reading process",
        "/stall": "reading it took more than 0.5 s of processor time",
        "/raise": "the parser failed: RecursionError: too deep",
        "/memory": "it ended its reading process",
    }
    fine = [f"/{n}" for n in range(12)]
    web.page("/", links=[*fine[:6], *hostile, *fine[6:]])
    for path, words in zip(hostile, ("KILL ME", "STALL", "RAISE", "MEMORY"), strict=True):
        web.page(path, body=words)
    for path in fine:
        web.page(path)
    tuning = make_tuning(reader_factory="readers:hostile", reader_seconds=0.5)
    ran = await run_crawl(tmp_path, web.url, extract=False, tuning=tuning)
    assert ran.reasons(web.url) == {**dict.fromkeys(["/", *fine], "not extracted"), **hostile}
    assert {path for path, status in ran.statuses(web.url).items() if status == "failed"} == set(hostile)


async def test_cancelling_leaves_no_scout(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C would leave processes behind that go on fetching."""
    gate = trio.Event()
    web.page("/", links=["/never", "/never2"])
    web.add("/never", Answer(gate=gate))
    web.add("/never2", Answer(gate=gate))
    leftovers = Leftovers(monkeypatch)
    ctx = Ran(tmp_path, concurrency=8)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crawl, ctx, make_options([web.url], extract=False), make_tuning())
        await web.busy(2)
        nursery.cancel_scope.cancel()
    assert {status for path, status in ctx.statuses(web.url).items() if "never" in path} == {"cancelled"}
    gate.set()
    await trio.testing.wait_all_tasks_blocked(0.1)  # the server's side of the connections
    leftovers.check()


async def test_whoever_logs_in_is_known_to_no_scout(tmp_path: Path, web: Web) -> None:
    """A process that reads hostile pages would hold a password, or the site's own pages could not be had."""
    web.page("/", links=["/a"])
    web.page("/a")
    await run_crawl(tmp_path, web.url, extract=False, cookies={"session": "secret"})
    assert [request.headers.get("cookie") for request in web.requests] == ["session=secret"] * 3


async def test_a_delay_is_kept_without_extraction(tmp_path: Path, web: Web) -> None:
    """A scout that is busy with a page would begin the next request late, and the one after it too soon."""
    web.add("/robots.txt", Answer(body="User-agent: *\nCrawl-delay: 0.1\n"))
    web.page("/", links=["/a", "/b", "/c"])
    await run_crawl(tmp_path, web.url, extract=False)
    first, *others = [request.started for request in web.requests]
    assert len(others) == 4
    assert all(started - first >= 0.1 * place - 0.001 for place, started in enumerate(others))


async def test_what_was_only_looked_at_is_extracted_later(tmp_path: Path, web: Web) -> None:
    """A crawl without extraction would hide new articles from all later ones."""

    def page(request: Request) -> Answer:
        return Answer(304, content_type=None) if "if-none-match" in request.headers else Answer(body="x", headers=tag)

    tag = {"ETag": '"1"'}
    web.add("/", page)
    memory = FakeMemory()
    endings = []
    for extract in (False, False, True, True):
        ctx = Ran(tmp_path, concurrency=8, memory=memory)
        await crawl(ctx, make_options([web.url], extract=extract), make_tuning())
        endings.append(
            [line.message for line in ctx.lines if line.message in ("Fetched", "Extracted", "Skipped")][-1]
        )
    assert endings == ["Skipped", "Skipped", "Extracted", "Skipped"]
    assert [status for target, status in web.statuses if target == "/"] == [200, 304, 200, 304]


def test_pages_are_not_kept_without_their_articles() -> None:
    """`keep_html` would be read, and do nothing."""
    with pytest.raises(StepFailed, match="keep_html"):
        make_options(["http://127.0.0.1/"], extract=False, keep_html=True)
