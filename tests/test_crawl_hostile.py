"""A site that wants the crawl to fail: it ends all the same, soon, in little memory, and says what it met."""

import resource
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from crawling import Ran, make_options, make_tuning

from quaero_cli.crawl.crawl import crawl
from quaero_cli.model import Level

# Seconds for all of it, on a busy machine: the slowest page alone may take two time limits.
PATIENCE = 90.0
MOST_MEGABYTES = 150

XML_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (97 + n, b"&%c;" % (96 + n) * 50) for n in range(1, 9))
    + b'<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>http://h/&i;&x;</loc></url></urlset>'
)

ROBOTS = b"User-agent: *\nDisallow: /" + b"*a" * 100_000 + b"$\nCrawl-delay: x"


def _bomb() -> bytes:
    """300 MB of blanks in 300 KB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(b" " * (1 << 20)) for _ in range(300)), packer.flush()])


def _head(status: str = "200 OK", **headers: str) -> bytes:
    headers = {"Content-Type": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nConnection: close\r\n{lines}\r\n".encode()


class HostileSite:
    """Every page another attack. `asked` counts requests."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked = 0
        self._bomb = _bomb()
        redirects = {
            "/loop1": "/loop2", "/loop2": "/loop1", "/self": "/self", "/metadata": "http://169.254.169.254/latest/",
            "/inside": "http://127.0.0.2:22/", "/file": "file:///etc/passwd", "/nowhere": "",
            **{f"/chain{n}": f"/chain{n + 1}" for n in range(50)},
        }  # fmt: skip
        self._fixed = {path: _head("302 Found", Location=to) for path, to in redirects.items()} | {
            "/robots.txt": _head(Content_Type="text/plain") + ROBOTS,
            "/sitemap.xml": _head(Content_Type="application/xml") + XML_BOMB,
            "/feed": _head(Content_Type="application/rss+xml") + XML_BOMB.replace(b"urlset", b"rss"),
            "/gzip": _head(Content_Encoding="gzip") + self._bomb,
            "/brotli": _head(Content_Encoding="br") + self._bomb[:1000],
            "/twice": _head(Content_Encoding="gzip, gzip") + self._bomb[:1000],
            "/charset": _head(Content_Type="text/html; charset=utf-99") + b"<title>\xff\xfe\x00\x80</title>" * 50,
            "/utf16": _head(Content_Type="text/html; charset=utf-16") + b"\xff\xfe<\x00h\x00\xd8\xd8" * 50,
            "/many": _head() + b"".join(b'<a href="/m/%d">x</a>' % n for n in range(100_000)),
            "/deep": _head() + b"<b id=1><p>" * 5_000,
            "/nothttp": b"hello there\r\n\r\n",
            "/lies": _head(Content_Length="999999999999") + b"<p>",
            "/negative": _head(Content_Length="-5") + b"<p>",
            "/headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 400_000 + b"\r\n\r\n",
            "/binary": _head(Content_Type="application/octet-stream") + bytes(range(256)) * 100,
        }  # fmt: skip
        named = [*self._fixed, "/drip", "/endless", "/endlesshead", "/trap/0", "/news/a/", "ftp://x/", "http://[::1/"]
        inner = {"/robots.txt", *(f"/chain{n}" for n in range(1, 50))}
        links = "".join(f'<a href="{path}">x</a>' for path in named if path not in inner)
        feed = '<link rel="alternate" type="application/rss+xml" href="/feed">'
        self._fixed["/"] = _head() + f"<title>x</title>{feed}{links}".encode()

    async def handle(self, stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await self._answer(stream, (await stream.receive_some(65536)).split(b" ")[1].decode())
            except (trio.BrokenResourceError, trio.ClosedResourceError, IndexError):
                return

    async def _answer(self, stream: trio.SocketStream, path: str) -> None:
        self.asked += 1
        if path in self._fixed:
            await stream.send_all(self._fixed[path])
        elif path == "/drip":
            await stream.send_all(_head())
            while True:
                await stream.send_all(b"<")
                await trio.sleep(0.05)
        elif path.startswith("/endless"):
            await stream.send_all(b"HTTP/1.1 200 OK\r\n" if path == "/endlesshead" else _head())
            while True:
                await stream.send_all(b"X-More: and more\r\n" * 1000)
        elif path.startswith("/trap/"):
            number = int(path.rpartition("/")[2])
            await stream.send_all(
                _head() + b"".join(b'<a href="/trap/%d">x</a>' % (number * 9 + n) for n in range(9))
            )
        elif path.startswith("/news/"):
            await stream.send_all(_head() + b'<a href="news/a/">x</a>')  # a level too deep each time
        else:
            await stream.send_all(_head("404 Not Found"))


@pytest.fixture
async def site(nursery: trio.Nursery) -> HostileSite:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    site = HostileSite(listeners[0].socket.getsockname()[1])
    nursery.start_soon(trio.serve_listeners, site.handle, listeners)
    return site


@pytest.mark.parametrize("extract", [True, False])
async def test_a_hostile_site_is_survived(
    tmp_path: Path, site: HostileSite, campaign: Callable[[int, int], int], extract: bool
) -> None:
    """One site could stop a crawl, fill the memory, or make it read what is nobody's business."""
    if not extract and not campaign(0, 1):
        pytest.skip("nightly")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ctx = Ran(tmp_path, concurrency=16)
    options = make_options(
        [site.url], sitemaps=True, max_pages=150, max_depth=40, max_bytes=1 << 20, timeout_page=2.5, allowed_domains=[
            site.url.partition("://")[2], "169.254.169.254", "127.0.0.2",
        ], extract=extract,
    )  # fmt: skip
    with trio.fail_after(PATIENCE):
        ctx.outputs = await crawl(ctx, options, make_tuning(reader_factory="", reader_seconds=3.0))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < MOST_MEGABYTES
    assert ctx.outputs["pages"] == 150
    reasons = ctx.reasons(site.url)
    expected = {
        "/self": "redirect loop", "/file": "which is no page", "/nowhere": "which is no page",
        "/chain0": "more than 5 redirects", "/gzip": "too large", "/brotli": "was not asked for",
        "/twice": "was not asked for", "/drip": "within 2.5 s", "/endless": "too large", "/lies": "too large",
        "/binary": "not html", "/headers": "headers are too large",
    }  # fmt: skip
    for path, words in expected.items():
        assert words in reasons[path], (path, reasons[path])
    assert reasons["/metadata"] == reasons["/inside"] == "private address"
    assert all("Traceback" not in str(line.fields) for line in ctx.lines)
    assert "root:" not in repr(ctx.lines)  # of /etc/passwd
    assert not [line for line in ctx.lines if line.level >= Level.ERROR]
