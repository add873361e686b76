"""robots.txt as RFC 9309 reads it."""

import pytest
import trio
import trio.testing

from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.robots import Robots, Rules, parse

TEXT = b"""\xef\xbb\xbfUser-agent: quaero
Disallow: /no
Allow: /no/but
Crawl-delay: 2
User-agent: *
Disallow: /
Request-rate: 1/5s
Sitemap: https://h/one.xml
sitemap: /relative.xml
"""


def _answer(status: int, body: bytes = b"") -> Response:
    return Response("http://h/robots.txt", status, {}, body, 0.0)


def test_rules() -> None:
    """Another robot's rules would be taken for ours."""
    rules = parse("quaero/1.0", _answer(200, TEXT))
    assert not rules.allows("http://h/no/x")
    assert rules.allows("http://h/no/but/this")
    assert rules.allows("http://h/")
    assert rules.delay == 2
    assert rules.sitemaps == ["https://h/one.xml"]
    others = parse("Mozilla/5.0 (compatible; other)", _answer(200, TEXT))
    assert not others.allows("http://h/")
    assert others.delay == 5


@pytest.mark.parametrize("name", ["quaero", "Quaero/2.0", "quaero bot", " QUAERO # us", "quaero*"])
def test_robots_are_named_by_their_first_word(name: str) -> None:
    """A site that forbids this robot with a version behind its name would be crawled."""
    body = f"User-agent: *\nAllow: /\n\nUser-Agent:{name}\nDisallow: /\n".encode()
    assert not parse("quaero/1.0", _answer(200, body)).allows("http://h/")


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (403, True), (410, True), (204, True), (304, True),
                                                 (429, False), (500, False), (503, False)])  # fmt: skip
def test_statuses(status: int, allowed: bool) -> None:
    """A site without robots.txt would not be crawled; a broken one would."""
    assert parse("quaero", _answer(status)).allows("http://h/") is allowed


def test_redirected_away_allows() -> None:
    """A site that redirects everything elsewhere would be called broken instead of moved."""
    assert parse("quaero", FetchError("redirect", "redirects outside")).allows("http://h/")


def test_no_answer_forbids() -> None:
    """A site that cannot be asked for its rules would be crawled."""
    rules = parse("quaero", FetchError("timeout", "no answer"))
    assert not rules.allows("http://h/")
    assert rules.problem == FetchError("timeout", "no answer (robots.txt)", asked=False)


@pytest.mark.parametrize("body", [b"", b"\0\xff\xfe" * 9, b"<html>no</html>", b"Disallow: /", b"a:b\r\r:::\n" * 9])
def test_rubbish_allows(body: bytes) -> None:
    """A page of HTML in the place of robots.txt would end the crawl with a traceback."""
    assert parse("quaero", _answer(200, body)).allows("http://h/x")


def test_hostile_patterns_cost_little() -> None:
    """A robots.txt could stop the whole program with one pattern."""
    body = b"User-agent: *\nDisallow: /" + b"*a" * 30 + b"b\n"
    assert parse("quaero", _answer(200, body)).allows("http://h/" + "a" * 1500)


async def test_each_origin_is_asked_once() -> None:
    """Every page would ask for robots.txt again, or those that wait would go on without the rules."""
    asked, told = [], []
    gate = trio.Event()

    async def fetch(url: str) -> Response:
        asked.append(url)
        await gate.wait()
        return _answer(200, TEXT)

    def on_rules(origin: str, _rules: Rules) -> None:
        told.append(origin)

    robots = Robots(fetch, user_agent="quaero/1", obey=True, on_rules=on_rules)
    found = []

    async def ask() -> None:
        found.append(await robots.rules("http://h"))

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        assert robots.known("http://h") is None
        gate.set()
    assert (asked, told) == (["http://h/robots.txt"], ["http://h"])
    assert len(set(map(id, found))) == 1


async def test_a_cancelled_question_is_asked_again() -> None:
    """Whoever waits for another's question would wait for ever."""
    asked = []

    async def fetch(url: str) -> Response:
        asked.append(url)
        if len(asked) == 1:
            await trio.sleep_forever()
        return _answer(404)

    robots = Robots(fetch, user_agent="quaero", obey=True)
    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope()

        async def first() -> None:
            with scope:
                await robots.rules("http://h")

        nursery.start_soon(first)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(robots.rules, "http://h")
        await trio.testing.wait_all_tasks_blocked()
        scope.cancel()
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("body", "agent", "allowed"),
    [
        (b"\xef\xbb\xbfUser-agent: *\nDisallow: /", "quaero/1", False),
        (b"\xef\xbbUser-agent: *\nDisallow: /", "quaero/1", False),
        ("\ufeffUser-agent: *\nDisallow: /".encode("utf-16-le"), "quaero/1", False),
        (b"User-agent: *\nDisallow: /\n\nUser-agent: quaero\nAllow: /", "quaero/1 (+mailto:a@b.c)", True),
        (b"User-agent: *\nDisallow: /\n\nUser-agent: my bot\nAllow: /", "my bot/1", False),
    ],
)  # fmt: skip
def test_odd_files_and_names(body: bytes, agent: str, allowed: bool) -> None:
    """Rules behind an odd mark would be missed, or a robot take another one's for its own."""
    assert parse(agent, Response("http://h/robots.txt", 200, {}, body, 0.0)).allows("http://h/x") is allowed
