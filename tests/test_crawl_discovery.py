"""Judging found URLs: that long lists do not hold up the rest of the program."""

import trio
from fakes import FakeLog, Line

from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.discovery import Discovery
from quaero_cli.crawl.frontier import Frontier
from quaero_cli.crawl.robots import Robots
from quaero_cli.crawl.scope import Scope
from quaero_cli.crawl.tally import Tally


async def test_many_links_leave_time_for_others() -> None:
    """The viewer and every other job of the process would stand still while a long list is judged."""

    async def fetch(url: str) -> Response | FetchError:
        await trio.lowlevel.checkpoint()
        rules = "".join(f"Disallow: /section{n}/*x*y\n" for n in range(500))
        return Response(url, 200, {}, f"User-agent: *\n{rules}".encode(), 0.0)

    lines: list[Line] = []
    robots = Robots(fetch, user_agent="quaero", obey=True)
    await robots.rules("http://h")
    frontier = Frontier(max_pages=9, per_server=9)
    scope = Scope(["http://h/"], max_depth=3)
    discovery = Discovery(frontier, scope, robots, Tally(), FakeLog(lines), lambda: None, max_sites=1)
    turns = 0

    async def watch() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        offer = await discovery.begin([f"http://h/{n}" for n in range(20_000)], 1, "http://h/")
        nursery.cancel_scope.cancel()
    assert offer.followed == 20_000  # a third of a second on any machine
    assert turns >= 5
