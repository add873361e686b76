"""Whole crawls over real HTTP on loopback: what robots rules and servers ask for is kept."""

from pathlib import Path

import pytest
import trio
import trio.testing
from crawling import add_tree, run_crawl
from web import Answer, Web

from quaero_cli.errors import StepFailed


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
    add_tree(web, 4, 1)
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
