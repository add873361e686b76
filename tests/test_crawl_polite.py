"""Manners towards a server, in virtual time."""

import trio
from trio.testing import MockClock

from quaero_cli.crawl.polite import MAX_CRAWL_DELAY, Manners


async def _visits(manners: Manners, servers: list[str], seconds: float = 0.0) -> list[tuple[str, float]]:
    times: list[tuple[str, float]] = []

    async def one(server: str) -> None:
        async with manners.visit(server):
            times.append((server, round(trio.current_time(), 3)))
            await trio.sleep(seconds)

    async with trio.open_nursery() as nursery:
        for server in servers:
            nursery.start_soon(one, server)
    return times


async def test_requests_to_a_server_are_spaced(autojump_clock: MockClock) -> None:
    """The delay would hold between two workers only, or between different servers."""
    times = await _visits(Manners(per_host=8, delay=2.0), ["a", "a", "a", "b"])
    assert sorted(times) == [("a", 0.0), ("a", 2.0), ("a", 4.0), ("b", 0.0)]


async def test_places_are_bounded(autojump_clock: MockClock) -> None:
    """More connections than allowed would be open to one server."""
    times = await _visits(Manners(per_host=2, delay=0), ["a"] * 5, seconds=1)
    assert [time for _, time in times] == [0, 0, 1, 1, 2]


async def test_a_servers_wish_is_bounded(autojump_clock: MockClock) -> None:
    """A robots.txt that asks for a day between requests would hang the crawl; one that asks for less than the author
    wants would win."""
    manners = Manners(per_host=1, delay=1.0)
    manners.slow_down("a", 0.1)
    manners.slow_down("b", 86_400)
    times = await _visits(manners, ["a", "a", "b", "b"])
    assert sorted(times) == [("a", 0.0), ("a", 1.0), ("b", 0.0), ("b", MAX_CRAWL_DELAY)]


async def test_a_pause_holds_everybody(autojump_clock: MockClock) -> None:
    """A server that asks for a rest would be asked on by those who waited already."""
    manners = Manners(per_host=8, delay=1.0)

    async def pause() -> None:
        await trio.sleep(0.5)
        manners.pause("a", 10)
        manners.pause("a", 1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pause)
        times = await _visits(manners, ["a", "a", "a"])
    assert [time for _, time in times] == [0.0, 10.5, 11.5]


async def test_a_place_is_given_back(autojump_clock: MockClock) -> None:
    """A cancelled request would keep its place for ever."""
    manners = Manners(per_host=1, delay=0)
    with trio.move_on_after(1):
        async with manners.visit("a"):
            await trio.sleep_forever()
    with trio.fail_after(1):
        async with manners.visit("a"):
            pass
