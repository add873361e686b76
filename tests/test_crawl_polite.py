"""Manners towards a server, in virtual time."""

import trio
from trio.testing import MockClock

from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.polite import GONE_AFTER, MAX_CRAWL_DELAY, Manners


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


async def test_a_slow_answer_counts_from_its_end(autojump_clock: MockClock) -> None:
    """Two lines of the site's log would lie closer together than it wants: the first was on its way longer."""
    times = await _visits(Manners(per_host=8, delay=2.0), ["a", "a", "a"], seconds=1.5)
    assert times == [("a", 0.0), ("a", 3.5), ("a", 7.0)]
    times = await _visits(Manners(per_host=8, delay=2.0), ["a", "a", "a"], seconds=5.0)  # it holds up no other
    assert [time - times[0][1] for _, time in times] == [0.0, 2.0, 4.0]


async def test_a_wish_holds_from_the_request_that_told_it(autojump_clock: MockClock) -> None:
    """The first page would be asked for right after the robots.txt that asks for a minute between requests."""
    manners = Manners(per_host=8, delay=0.5)
    async with manners.visit("a"):
        await trio.sleep(0.1)
    manners.slow_down("a", 5.0)
    assert await _visits(manners, ["a", "a"]) == [("a", 5.1), ("a", 10.1)]


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


def _answer(status: int = 200, seconds: float = 0.1) -> Response:
    return Response("http://a/", status, {}, b"", seconds)


async def _at_once(manners: Manners, server: str = "a") -> int:
    """How many requests are let in at the same time."""
    times = await _visits(manners, [server] * 20, seconds=1)
    return sum(time == times[0][1] for _, time in times)


async def test_a_busy_server_is_given_fewer_connections(autojump_clock: MockClock) -> None:
    """A server that says it is overloaded would be asked as hard as before; one that recovered, for ever softly."""
    manners = Manners(per_host=8, delay=0)
    for expected in (8, 4, 2, 1, 1):
        assert await _at_once(manners) == expected
        manners.heard("a", _answer(429))
    for _ in range(16):
        manners.heard("a", _answer())
    assert await _at_once(manners) == 3
    for _ in range(200):
        manners.heard("a", _answer())
    assert await _at_once(manners) == 8
    assert await _at_once(manners, "b") == 8


async def test_a_server_that_grows_slow_is_given_fewer(autojump_clock: MockClock) -> None:
    """A small site would go down under a crawl that sees it gasping."""
    manners = Manners(per_host=8, delay=0)
    for _ in range(20):
        manners.heard("a", _answer(seconds=0.1))
    for _ in range(6):
        manners.heard("a", _answer(seconds=5))
    assert await _at_once(manners) < 8
    steady = Manners(per_host=8, delay=0)
    for _ in range(50):
        steady.heard("a", _answer(seconds=5))  # far away, and always was
    assert await _at_once(steady) == 8


async def test_a_silent_server_is_left_alone(autojump_clock: MockClock) -> None:
    """A dead host would hold the workers for a time limit a page."""
    manners = Manners(per_host=8, delay=0)
    silence = FetchError("timeout", "no complete answer within 30 s")
    for _ in range(GONE_AFTER - 1):
        manners.heard("a", silence)
    assert manners.resting("a") is None
    manners.heard("a", _answer())
    for _ in range(GONE_AFTER):
        assert manners.resting("a") is None
        manners.heard("a", silence)
    assert "16 times in a row (no complete answer within 30 s)" in (manners.resting("a") or "")
    assert manners.resting("b") is None
