"""Crawls that follow others: what has not changed is not fetched again, and what was interrupted goes on."""

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from crawling import Ran, make_options, make_tuning, run_crawl
from fakememory import FakeMemory
from web import Answer, Request, Web

from quaero_cli.crawl.crawl import crawl
from quaero_cli.errors import StepFailed
from quaero_cli.model import PageState


@pytest.fixture
def memory() -> FakeMemory:
    return FakeMemory()


def _validated(
    web: Web, target: str, answer: Answer, *, etag: str | None = '"1"', modified: str | None = None
) -> None:
    """Let a target send validators and honour them."""

    def handle(request: Request) -> Answer:
        sent = {"If-None-Match": etag, "If-Modified-Since": modified}
        if any(value and request.headers.get(name.lower()) == value for name, value in sent.items()):
            return Answer(304, content_type=None)
        told = {"ETag": etag, "Last-Modified": modified}
        headers = {name: value for name, value in told.items() if value}
        return Answer(answer.status, answer.body, {**answer.headers, **headers}, answer.content_type)

    web.add(target, handle)


def _page(*links: str, head: str = "", title: str = "x") -> Answer:
    anchors = "".join(f'<a href="{link}">x</a>' for link in links)
    return Answer(body=f"<!doctype html><title>{title}</title>{head}<body>{title} {anchors}")


async def _crawl(tmp_path: Path, memory: FakeMemory, *starts: str, **changes: Any) -> Ran:
    ctx = Ran(tmp_path, concurrency=changes.pop("concurrency", 8), memory=memory)
    tuning = changes.pop("tuning", make_tuning())
    ctx.outputs = await crawl(ctx, make_options(list(starts), **changes), tuning)
    return ctx


def _bodies(web: Web) -> list[str]:
    """What was answered with a body since."""
    return [target for target, status in web.statuses if status == 200]


async def test_an_unchanged_site_sends_no_body_twice(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """A crawl on a schedule would fetch and read the whole site again each time."""
    feed = '<link rel="alternate" type="application/rss+xml" href="/rss">'
    _validated(web, "/robots.txt", Answer(body="User-agent: *\nDisallow: /no", content_type="text/plain"))
    sitemap = Answer(body=f"<urlset><url><loc>{web.url}/hidden</loc></url></urlset>", content_type="application/xml")
    _validated(web, "/sitemap.xml", sitemap)
    items = f"<rss><channel><item><link>{web.url}/fresh</link></item></channel></rss>"
    _validated(web, "/rss", Answer(body=items, content_type="application/rss+xml"))
    _validated(web, "/", _page("/a", "/no", "/old", head=feed, title="start"))
    _validated(web, "/a", _page("/b", title="a"), etag=None, modified="Thu, 15 Jan 2026 01:00:00 GMT")
    for path in ("/b", "/hidden", "/fresh"):
        _validated(web, path, _page(title=path))
    web.add("/old", Answer(302, headers={"Location": "/b"}))
    first = await _crawl(tmp_path, memory, web.url, sitemaps=True)
    kept = {document.url for document in first.documents}
    assert len(kept) == 5
    web.hits.clear()
    web.statuses.clear()
    second = await _crawl(tmp_path, memory, web.url, sitemaps=True)
    assert _bodies(web) == []
    assert {target for target, status in web.statuses if status == 304} == {
        "/robots.txt", "/sitemap.xml", "/rss", "/", "/a", "/b", "/hidden", "/fresh",
    }  # fmt: skip
    assert second.documents == []
    assert set(memory.unchanged) == kept  # seen again, all of them
    assert second.reasons(web.url)["/a"] == "unchanged"
    assert second.summary()["skipped_by_reason"]["unchanged"] == 5


async def test_what_changed_is_read_again(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """News would never be seen after the first crawl."""
    _validated(web, "/", _page("/a"))
    _validated(web, "/a", _page(title="old"))
    await _crawl(tmp_path, memory, web.url)
    _validated(web, "/", _page("/a", "/new"), etag='"2"')
    _validated(web, "/new", _page(title="new"))
    ran = await _crawl(tmp_path, memory, web.url)
    assert {document.url.removeprefix(web.url) for document in ran.documents} == {"/", "/new"}


async def test_the_same_bytes_are_not_read_again(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """A site without validators would cost a full extraction each time."""
    web.page("/", links=["/a"])
    web.page("/a")
    await _crawl(tmp_path, memory, web.url)
    ran = await _crawl(tmp_path, memory, web.url, tuning=make_tuning(reader_factory="readers:broken"))
    assert set(ran.reasons().values()) == {"unchanged"}
    assert ran.outputs["pages"] == 2


async def test_always_fetches_as_new(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """Whoever changed what is extracted could not have it extracted again."""
    _validated(web, "/", _page())
    await _crawl(tmp_path, memory, web.url)
    ran = await _crawl(tmp_path, memory, web.url, recrawl="always")
    assert len(ran.documents) == 1
    assert "if-none-match" not in web.requests[-1].headers


async def test_never_leaves_known_articles_alone(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """A site that only ever adds pages would be asked for all of them each time."""
    web.page("/", links=["/a"])
    web.page("/a", links=["/b"])
    web.page("/b")
    await _crawl(tmp_path, memory, web.url, max_depth=1)
    web.hits.clear()
    ran = await _crawl(tmp_path, memory, web.url, recrawl="never", max_pages=1)
    assert web.pages_hit() == 1
    assert web.hits["/b"] == 1  # found by the links that are remembered
    assert ran.outputs["pages"] == 1


@pytest.mark.parametrize("change", ["deleted", "html", "obey_robots"])
async def test_a_memo_must_lead_to_the_same_end(tmp_path: Path, web: Web, memory: FakeMemory, change: str) -> None:
    """A deleted article would never come back, or an option have no effect on pages that are known."""
    _validated(web, "/", _page(head='<meta name="robots" content="noindex">' if change == "obey_robots" else ""))
    await _crawl(tmp_path, memory, web.url)
    if change == "deleted":
        memory.kept.clear()
    ran = await _crawl(tmp_path, memory, web.url, keep_html=change == "html", obey_robots=change != "obey_robots")
    assert len(ran.documents) == 1


async def test_an_etag_and_a_header_outside_of_ascii(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """A site's odd ETag, or a header of the author's, would fail its page with a traceback."""
    _validated(web, "/", _page(), etag='"caf\u00e9"')
    for _ in range(2):
        await _crawl(tmp_path, memory, web.url, headers={"X-Who": "Zo\u00eb"})
        assert web.requests[-1].headers["x-who"].encode("latin-1").decode() == "Zo\u00eb"
    assert web.hits["/"] == 2


async def test_a_304_that_nobody_asked_for(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """A broken server would end the crawl with a traceback."""
    web.page("/", links=["/odd"])
    web.add("/odd", Answer(304, content_type=None))
    ran = await _crawl(tmp_path, memory, web.url)
    assert "304 to a request without a condition" in ran.reasons(web.url)["/odd"]


# ---------------------------------------------------------------- resuming


async def test_an_interrupted_crawl_goes_on(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """A crawl whose process died would begin anew, and fetch again what it had stored."""
    gate = trio.Event()
    fast = [f"/fast{n}" for n in range(6)]
    web.page("/", links=[*fast, "/slow", "/flaky"])
    for path in fast:
        web.page(path, links=[f"{path}/below"])
        web.page(f"{path}/below", links=["/deepest"])
    web.page("/deepest")
    web.add("/slow", Answer(body="slow", gate=gate))
    web.add("/flaky", Answer(503))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_crawl, tmp_path, memory, web.url)
        while web.hits["/deepest"] < 1:
            await web.next()
        await trio.testing.wait_all_tasks_blocked(0.1)
        nursery.cancel_scope.cancel()
    done = {url.removeprefix(web.url) for url, page in memory.own.items() if page.state is PageState.DONE}
    assert "/" in done
    assert "/slow" not in done
    before = web.hits.copy()
    gate.set()
    web.page("/flaky")
    memory.begin_again()
    ran = await _crawl(tmp_path, memory, web.url)
    again = {path for path in web.hits if web.hits[path] > before[path]} - {"/robots.txt"}
    assert {"/slow", "/flaky"} <= again
    assert not again & done  # what was on its way, but not stored yet, may be asked for again
    assert ran.outputs["pages"] == 16
    assert ran.lines_of("Crawl resumed")[0].fields["pages_done"] == len(done)
    assert memory.own == {}  # it has ended: nothing is left to resume


async def test_a_budget_holds_over_both_parts(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """A crawl that was resumed would ask for more pages than its owner allowed."""
    links = [f"/{n}" for n in range(20)]
    web.page("/", links=links)
    for link in links:
        web.page(link)
    web.add("/3", Answer(503))
    await _crawl(tmp_path, memory, web.url, max_pages=5, concurrency=1)
    memory.begin_again()
    web.page("/3")
    before = web.hits.copy()
    ran = await _crawl(tmp_path, memory, web.url, max_pages=5, concurrency=1)
    assert {path for path in web.hits if web.hits[path] > before[path]} == {"/robots.txt", "/3"}
    assert ran.outputs["pages"] == 5


async def test_a_shorter_way_found_after_resuming_counts(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """Which pages belong to a crawl would depend on where it was interrupted."""
    gate = trio.Event()
    web.page("/", links=["/short", "/l1"])
    web.page("/l1", links=["/l2"])
    web.page("/l2", links=["/goal"])
    web.page("/goal", links=["/beyond"])
    web.page("/beyond")
    web.add("/short", Answer(body='<a href="/goal">x</a>', gate=gate))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: _crawl(tmp_path, memory, web.url, max_depth=3))
        while memory.own.get(f"{web.url}/goal") is None or memory.own[f"{web.url}/goal"].state is PageState.WAITING:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert not web.hits["/beyond"]
    gate.set()
    memory.begin_again()
    await _crawl(tmp_path, memory, web.url, max_depth=3)
    assert web.hits["/beyond"] == 1
    assert web.hits["/goal"] == 1


async def test_a_start_that_still_fails_is_told(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """A resumed crawl without any page would be called a success."""
    web.add("/", Answer(503))
    for _ in range(2):
        with pytest.raises(StepFailed, match="503"):
            await _crawl(tmp_path, memory, web.url)
        memory.begin_again()


async def test_what_does_not_fit_into_memory_waits_in_the_store(tmp_path: Path, web: Web, memory: FakeMemory) -> None:
    """A crawl of a large site would lose pages, ask for some twice, or fill the memory."""
    links = [f"/{n}" for n in range(120)]
    web.page("/", links=links)
    for link in links:
        web.page(link, links=[f"{link}/x", *links[:5]])
        web.page(f"{link}/x")
    ran = await _crawl(tmp_path, memory, web.url, max_pages=500, tuning=make_tuning(max_waiting=16))
    assert ran.outputs["pages"] == 241
    assert set(web.hits.values()) == {1}


async def test_the_store_is_no_second_crawl(tmp_path: Path, web: Web) -> None:
    """Two crawls in one process would know each other's pages."""
    web.page("/")
    for _ in range(2):
        await run_crawl(tmp_path, web.url)
    assert web.hits["/"] == 2
