"""One request over real sockets: whole, refused, late, broken, cancelled."""

import gzip
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pycurl
import pytest
import trio
import trio.testing
from web import Answer, Web, closed_port

from quaero_cli.crawl.addresses import Policy
from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.fetch import Fetcher, open_fetcher
from quaero_cli.crawl.request import Identity, Limits
from quaero_cli.crawl.resolve import Resolver, system_lookup
from quaero_cli.crawl.silence import Silence
from quaero_cli.crawl.transfer import Transfer, Wanted

ANY = Wanted(limit=1 << 20)


@asynccontextmanager
async def fetching(
    *, timeout: float = 5.0, first_byte: float = 5.0, policy: Policy | None = None, lookup: object = system_lookup
) -> AsyncGenerator[Fetcher, None]:
    resolver = Resolver(policy or Policy(["127.0.0.1", "localhost"]), timeout=5, lookup=lookup)  # type: ignore[arg-type]
    async with open_fetcher(resolver, Identity("probe/1"), Limits(timeout, first_byte, timeout)) as fetcher:
        yield fetcher


async def test_an_answer(web: Web) -> None:
    """Headers or bodies would come out wrong."""
    body = os.urandom(300_000)
    headers = {"X-Twice": "a", "x-twice ": "b", "Content-Encoding": "gzip"}
    web.add("/", Answer(body=gzip.compress(body), headers=headers))
    async with fetching() as fetcher:
        answer = await fetcher.get(f"{web.url}/", ANY)
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, answer.content_type) == (200, body, "text/html")
    assert answer.headers["x-twice"] == "a, b"
    assert answer.duration > 0
    assert web.requests[0].headers["user-agent"] == "probe/1"


async def test_connections_are_kept(web: Web, nursery: trio.Nursery) -> None:
    """Every page would cost a new connection."""
    web.page("/")
    accepted = 0
    inner = web.serve

    async def serve(stream: trio.SocketStream) -> None:
        nonlocal accepted
        accepted += 1
        await inner(stream)

    web.serve = serve  # type: ignore[method-assign]
    async with fetching() as fetcher:
        for _ in range(20):
            assert isinstance(await fetcher.get(f"{web.url}/", ANY), Response)
    assert accepted == 1


@pytest.mark.parametrize("status", [204, 302, 404, 500])
async def test_bodies_of_other_statuses_are_not_kept(web: Web, status: int) -> None:
    """Error pages would be downloaded whole, or lose the connection."""
    web.add("/", Answer(status, "x" * (0 if status == 204 else 200_000)))
    async with fetching() as fetcher:
        answer = await fetcher.get(f"{web.url}/", ANY)
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (status, b"")


async def test_interim_answers_and_trailers(web: Web) -> None:
    """A server that sends 103 first, or trailers last, could not be crawled."""
    raw = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
    )
    web.add("/", Answer(raw=raw))
    async with fetching() as fetcher:
        answer = await fetcher.get(f"{web.url}/", ANY)
    assert isinstance(answer, Response)
    assert (answer.body, answer.headers.get("link"), answer.content_type) == (b"abc", None, "text/html")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_cut_at_the_limit(web: Web, announced: bool) -> None:
    """A long robots.txt would be refused instead of read as far as needed."""
    headers = {} if announced else {"Content-Length": "", "Connection": "close"}
    raw = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 500_000
    web.add("/", Answer(body="x" * 500_000, headers=headers) if announced else Answer(raw=raw))
    async with fetching() as fetcher:
        answer = await fetcher.get(f"{web.url}/", Wanted(limit=1000, truncate=True))
    assert isinstance(answer, Response)
    assert answer.body == b"x" * 1000


async def test_types_are_looked_at_before_the_body(web: Web) -> None:
    """A film would be downloaded to find out that it is no page."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: Video/MP4; x=y\r\nContent-Length: 1000000000\r\n\r\n"
    web.add("/film", Answer(raw=head))
    web.add("/page", Answer(content_type="TEXT/HTML;charset=x", body="x"))
    wanted = Wanted(limit=1000, types=frozenset({"text/html"}))
    async with fetching() as fetcher:
        headers = {"content-type": "Video/MP4; x=y", "content-length": "1000000000"}
        refused = FetchError("content_type", "video/mp4", 200, headers=headers)
        assert await fetcher.get(f"{web.url}/film", wanted) == refused
        assert isinstance(await fetcher.get(f"{web.url}/page", wanted), Response)


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (Answer(gate=trio.Event()), "timeout", None),
        (Answer(cut=True), "reset", None),
        (Answer(body="x", short=5), "reset", None),
        (Answer(raw=b"nonsense\r\n\r\n"), "protocol", None),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nX: " + b"y" * 400_000 + b"\r\n\r\n"), None, None),
        (Answer(body=b"x", headers={"Content-Encoding": "gzip"}), "encoding", None),
        (Answer(body=b"x" * 2_000_000), "too_large", "larger than 1048576 bytes"),
    ],
)
async def test_broken_answers(web: Web, answer: Answer, kind: str | None, reason: str | None) -> None:
    """A broken server would hang the crawl, or show as a traceback."""
    web.add("/", answer)
    async with fetching(timeout=0.3 if answer.gate is not None else 30.0) as fetcher:
        error = await fetcher.get(f"{web.url}/", ANY)
    assert isinstance(error, FetchError)
    assert kind in (None, error.kind)
    assert reason in (None, error.reason)
    assert error.reason[0].islower() or not error.reason[0].isalpha()
    assert not error.reason.endswith(".")


async def test_silence_has_a_limit_of_its_own(web: Web) -> None:
    """A page that takes long to send could not be had without waiting as long for a server that says nothing."""
    web.add("/", Answer(gate=trio.Event()))
    async with fetching(timeout=60.0, first_byte=0.3) as fetcher:
        for _ in range(2):  # also after one that was given up
            error = await fetcher.get(f"{web.url}/", ANY)
            assert isinstance(error, FetchError)
            assert error.kind == "timeout"
            assert error.reason in ("no answer began within 0.3 s", "no connection within 0.3 s")


async def test_silence_is_counted_for_each_request(autojump_clock: trio.testing.MockClock) -> None:
    """A request would be given up although its answer had begun, or be forgotten beside one that has."""
    given_up: list[object] = []
    silence = Silence(10.0, lambda handle: given_up.append((handle, trio.current_time())))
    handles = [pycurl.Curl() for _ in range(4)]
    begun = Transfer(ANY)
    begun.on_header(b"HTTP/1.1 200 OK\r\n")
    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(silence.run)
        await trio.sleep(100)
        for handle, transfer in zip(handles, (begun, Transfer(ANY), Transfer(ANY), Transfer(ANY)), strict=True):
            silence.begin(handle, transfer)
            await trio.sleep(1)
        silence.end(handles[2])
        await trio.sleep(100)
        silence.end(handles[0])
        nursery.cancel_scope.cancel()
    assert given_up == [(handles[1], start + 111), (handles[3], start + 113)]


async def test_nobody_listens() -> None:
    """A stopped server would be reported in libcurl's words."""
    async with fetching() as fetcher:
        error = await fetcher.get(f"http://127.0.0.1:{await closed_port()}/", ANY)
    assert error == FetchError("refused", "connection refused")


async def test_no_tls_where_it_is_wanted(web: Web) -> None:
    """A wrong scheme would be retried as if the network had failed."""
    async with fetching() as fetcher:
        error = await fetcher.get(f"https://127.0.0.1:{web.port}/", ANY)
    assert isinstance(error, FetchError)
    assert error.kind == "tls"


async def test_names_are_pinned_to_what_was_judged(web: Web) -> None:
    """Between the check and the connection a name could change its address."""
    web.page("/")

    async def lookup(host: str) -> list[str]:
        return {"one.test": ["127.0.0.1"], "localhost": ["10.255.255.1"]}[host]

    policy = Policy(["one.test"])
    async with fetching(policy=policy, lookup=lookup) as fetcher:
        assert isinstance(await fetcher.get(f"http://one.test:{web.port}/", ANY), Response)
        # libcurl has its own idea of `localhost`; the judged address has the last word.
        error = await fetcher.get(f"http://localhost:{web.port}/", ANY)
    assert web.requests[0].headers["host"] == f"one.test:{web.port}"
    assert error == FetchError("address", "localhost: 10.255.255.1 is a private address")


async def test_the_second_address_is_tried(web: Web) -> None:
    """A host with a dead IPv6 address could not be reached."""
    web.page("/")

    async def lookup(_host: str) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"] if web else []

    async with fetching(policy=Policy(["two.test"]), lookup=lookup) as fetcher:
        assert isinstance(await fetcher.get(f"http://two.test:{web.port}/", ANY), Response)


async def test_proxies_of_the_environment_are_not_used(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forgotten proxy variable would send every page through a stranger, past the check of addresses."""
    web.page("/")
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{await closed_port()}")
    async with fetching() as fetcher:
        assert isinstance(await fetcher.get(f"{web.url}/", ANY), Response)


async def test_cancelled_requests_leave_nothing(web: Web) -> None:
    """Every cancelled request would leak a descriptor, until the program has none left."""
    gate = trio.Event()
    web.add("/never", Answer(gate=gate))
    web.page("/")
    before = len(os.listdir("/proc/self/fd"))
    async with fetching() as fetcher:
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(fetcher.get, f"{web.url}/never", ANY)
            await web.busy(50)
            nursery.cancel_scope.cancel()
        assert isinstance(await fetcher.get(f"{web.url}/", ANY), Response)
    gate.set()
    await trio.testing.wait_all_tasks_blocked(0.1)  # the server's ends
    assert len(os.listdir("/proc/self/fd")) == before


async def test_many_at_once(web: Web) -> None:
    """Answers would be mixed up, or the loop spin while it waits."""
    for n in range(200):
        web.add(f"/{n}", Answer(body=str(n)))
    found: dict[int, bytes] = {}

    async def one(n: int) -> None:
        answer = await fetcher.get(f"{web.url}/{n}", ANY)
        assert isinstance(answer, Response)
        found[n] = answer.body

    async with fetching() as fetcher:
        async with trio.open_nursery() as nursery:
            for n in range(200):
                nursery.start_soon(one, n)
        spent = time.process_time()
        with trio.move_on_after(0.3):
            await trio.sleep_forever()
        spent = time.process_time() - spent
    assert found == {n: str(n).encode() for n in range(200)}
    assert spent < 0.1
