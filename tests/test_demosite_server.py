"""demosite/server.py and answer.py: what a client on a real socket gets."""

import gzip
import re

import pytest
import trio
from democlient import Client
from trio.testing import wait_all_tasks_blocked

from quaero_cli.demosite.server import serve
from quaero_cli.demosite.site import Site
from quaero_cli.demosite.traffic import Traffic

ARTICLES = 30


@pytest.fixture(scope="module")
def content():
    return Site(ARTICLES, slow=0)


@pytest.fixture
def site(content):
    content.traffic = Traffic()
    return content


@pytest.fixture
async def url(site, nursery):
    return await nursery.start(lambda task_status: serve(site, task_status=task_status))


def port_of(url):
    return int(url.rstrip("/").rsplit(":", 1)[1])


@pytest.fixture
async def connect():
    """Opens clients, and closes them after the test."""
    clients = []

    async def open_client(url):
        clients.append(Client(await trio.open_tcp_stream("127.0.0.1", port_of(url))))
        return clients[-1]

    yield open_client
    for client in clients:
        await trio.aclose_forcefully(client.stream)


def path_with(site, **quirks):
    """Return the first article with this peculiarity."""
    return next(
        path
        for path, facts in site.oracle().articles.items()
        if all(getattr(facts.quirks, name) == value for name, value in quirks.items())
    )


async def test_one_connection_many_requests(site, url, connect):
    """Every request would cost a connection, and crawls would be slow."""
    client = await connect(url)
    for path in list(site.oracle().articles)[:12]:
        answer = await client.get(path)
        assert (answer.status, answer.reason) == (200, "OK")
        assert answer.body == site.reply(path, url.rstrip("/")).body
    assert sum(site.traffic.hits.values()) == 12


async def test_pipelined_requests_are_answered_in_order(url, connect):
    """A client that sends ahead would get answers mixed up, or only the first one."""
    client = await connect(url)
    one = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    await client.send(one % b"/robots.txt" + one % b"/latest" + last)
    received = await client.rest()
    statuses = re.findall(rb"HTTP/1.1 (\d+) ", received)
    assert statuses == [b"200", b"302", b"404"]


async def test_head_has_the_headers_without_the_body(site, url, connect):
    """A link checker would download everything, or read the next answer out of step."""
    client = await connect(url)
    head, get = await client.get("/", "HEAD"), await client.get("/")
    assert head.body == b""
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.body))
    assert head.headers["etag"] == get.headers["etag"]


@pytest.mark.parametrize("path", ["/", "/robots.txt", "/style.css"])
async def test_unchanged_pages_are_not_sent_again(path, url, connect):
    """A recrawl would download and store everything again."""
    client = await connect(url)
    first = await client.get(path)
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for headers in (
        {"If_None_Match": etag},
        {"If_None_Match": f'"other", W/{etag}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": modified},
    ):
        again = await client.get(path, **headers)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
    for headers in (
        {"If_None_Match": '"other"'},
        {"If_None_Match": '"other"', "If_Modified_Since": modified},
        {"If_Modified_Since": "Mon, 01 Jan 2001 00:00:00 GMT"},
        {"If_Modified_Since": "yesterday"},
    ):
        assert (await client.get(path, **headers)).status == 200


async def test_compressed_when_accepted(site, url, connect):
    """The crawler's decompression would go untested, or a plain client would get bytes it cannot read."""
    client = await connect(url)
    path = path_with(site, gzip=True)
    plain = await client.get(path)
    assert "content-encoding" not in plain.headers
    packed = await client.get(path, Accept_Encoding="br, gzip;q=0.8")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert (packed.headers["vary"], plain.headers["vary"]) == ("Accept-Encoding", "Accept-Encoding")
    assert packed.headers["etag"] != plain.headers["etag"]
    again = await client.get(path, Accept_Encoding="gzip", If_None_Match=packed.headers["etag"])
    assert again.status == 304
    for refused in ("gzip;q=0", "gzip; q=0.0", "br", "identity"):
        assert "content-encoding" not in (await client.get(path, Accept_Encoding=refused)).headers


async def test_charset_is_in_the_header_alone(site, url, connect):
    """A crawler that only looks into the page would turn umlauts into rubbish unnoticed."""
    client = await connect(url)
    path = path_with(site, latin1=True)
    answer = await client.get(path)
    assert answer.headers["content-type"] == "text/html; charset=iso-8859-1"
    assert b"charset=" not in answer.body
    assert site.oracle().articles[path].title in answer.body.decode("iso-8859-1")


async def test_moved_and_missing_pages(site, url, connect):
    """A crawl would meet other statuses than the demo's facts tell."""
    client = await connect(url)
    for path, redirect in site.oracle().redirects.items():
        answer = await client.get(path)
        target = url.rstrip("/") + redirect.target if redirect.absolute else redirect.target
        assert (answer.status, answer.headers["location"]) == (redirect.status, target)
        assert "etag" not in answer.headers
    for path, status in site.oracle().broken.items():
        assert (await client.get(path)).status == status
    assert (await client.get("/science/?boom")).status == 500
    assert (await client.get("/")).status == 200


async def test_slow_pages_are_slow_and_hold_up_nobody(nursery, connect):
    """The demo would have no slow pages, or one of them would stop all others."""
    site = Site(ARTICLES, slow=0.1)
    url = await nursery.start(lambda task_status: serve(site, task_status=task_status))
    slow = max(site.oracle().slow, key=site.oracle().slow.get)
    waiting = await connect(url)
    async with trio.open_nursery() as inner:
        inner.start_soon(waiting.get, slow)
        client = await connect(url)
        while not site.traffic.active:
            await trio.lowlevel.checkpoint()
        assert (await client.get("/")).status == 200
        assert [served.target for served in site.traffic.recent] == ["/"]
    assert [served.target for served in site.traffic.recent] == ["/", slow]
    assert site.traffic.recent[1].duration >= 0.08
    assert site.traffic.peak == 2


async def test_traffic_counts_what_was_asked(site, url, connect):
    """A test could not prove that a crawler keeps away from private pages."""
    client = await connect(url)
    await client.get("/private/subscribers")
    await client.get("/private/subscribers")
    await client.get("/search?q=lichen")
    assert site.traffic.hits["/private/subscribers"] == 2
    assert (site.traffic.hits_below("/private/"), site.traffic.hits_below("/search")) == (2, 1)
    assert [served.status for served in site.traffic.recent] == [200, 200, 200]
    await connect(url)
    await wait_all_tasks_blocked()
    assert (site.traffic.active, site.traffic.peak) == (0, 1)
    assert (site.traffic.connections, site.traffic.peak_connections) == (2, 2)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"this is not http\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),  # no Host
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000, b"431"),
        (b"GET /" + b"a" * 40_000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", b"405"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", b"405"),
        (b"DELETE /about HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    ],
)
async def test_bad_requests_are_refused_alone(sent, status, url, connect):
    """One broken client would take the demo site down, or be left without an answer."""
    good, bad = await connect(url), await connect(url)
    assert (await good.get("/")).status == 200
    await bad.send(sent)
    received = await bad.rest()
    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nconnection: close\r\n" in received.lower()
    assert (await good.get("/about")).status == 200


async def test_clients_that_go_away_harm_nobody(site, url, connect):
    """A crawler that is killed would stop the site for all others."""
    for sent in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50):
        client = await connect(url)
        await client.send(sent)
        await trio.aclose_forcefully(client.stream)
    client = await connect(url)
    assert (await client.get("/")).status == 200


async def test_half_closed_client_still_gets_its_answer(url, connect):
    """`nc`-like clients, which close their side first, would get nothing."""
    client = await connect(url)
    await client.send(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n")
    await client.stream.send_eof()
    assert (await client.rest()).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost:"])
async def test_idle_and_stalled_clients_are_let_go(sent, site, nursery, connect):
    """Forgotten connections would pile up until no new one is accepted."""
    url = await nursery.start(lambda task_status: serve(site, idle_timeout=0.05, task_status=task_status))
    client = await connect(url)
    if sent:
        await client.send(sent)
    assert await client.rest() == b""


async def test_old_and_closing_clients(url, connect):
    """A client that announces the end of its connection would wait for it for ever."""
    for request in (b"GET /about HTTP/1.0\r\n\r\n", b"GET /about HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
        client = await connect(url)
        await client.send(request)
        assert (await client.rest()).rstrip().endswith(b"</html>")


async def test_address_with_host_is_understood(url, connect):
    """Clients that speak through a proxy would get 404 for every page."""
    client = await connect(url)
    assert (await client.get(f"{url}about")).status == 200


async def test_only_on_loopback_and_gone_when_cancelled(site, connect):
    """The demo would be visible in the network, or go on after its step has ended."""
    async with trio.open_nursery() as nursery:
        url = await nursery.start(lambda task_status: serve(site, task_status=task_status))
        client = await connect(url)
        assert (await client.get("/")).status == 200
        assert client.stream.socket.getpeername()[0] == "127.0.0.1"
        nursery.cancel_scope.cancel()
    with pytest.raises(OSError, match="connect"):
        await connect(url)


def test_made_up_addresses_do_not_eat_the_memory():
    """A scan of random addresses would make the site grow without bound."""
    traffic = Traffic()
    for number in range(60_000):
        with traffic.request(f"/{number}"):
            pass
    with traffic.request("/1"):
        assert traffic.active == 1
    assert len(traffic.hits) == 50_000
    assert traffic.hits["/1"] == 2
