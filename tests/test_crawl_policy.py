"""Whole crawls over real HTTP on loopback: where a crawl may go, what it may tell, and what it leaves."""

from pathlib import Path

import pytest
import trio
import trio.testing
from crawling import Leftovers, Ran, make_options, make_tuning, run_crawl
from web import Answer, Web, start_web

from quaero_cli.crawl.crawl import crawl
from quaero_cli.errors import StepFailed


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
