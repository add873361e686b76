"""One HTTP request, answered or not: `Fetcher.get`. The only user of `curl`.

No redirects, retries or politeness here (see `visit`). What is promised: only http and https; only addresses that
the resolver approved, checked again when the socket is opened (a proxy that the author named makes the connection
itself: there the addresses that we find are judged all the same); no proxy from the environment; headers looked at
before the body is read; never more than `limit` bytes of body; an end within the timeouts.
"""

import errno
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pycurl
import trio

from quaero_cli.crawl.addresses import literal
from quaero_cli.crawl.answers import FetchError, Kind, Response
from quaero_cli.crawl.curl import CurlError, CurlLoop
from quaero_cli.crawl.resolve import Resolver
from quaero_cli.crawl.silence import Silence
from quaero_cli.crawl.tls import explained
from quaero_cli.crawl.transfer import Transfer, Wanted
from quaero_cli.crawl.urls import hostname, origin, port

# Bytes libcurl reads at once: few callbacks for an ordinary page, little memory for many connections.
_READ_BYTES = 128 * 1024
# Sites that are remembered: a crawl may meet any number of them.
_MAX_SITES = 10_000
# Headers that say who asks: sent to the start URLs' servers only, never along a redirect to a stranger.
_PRIVATE_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})

_TLS_CODES = frozenset({35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98})
_RESET_CODES = frozenset({16, 18, 52, 55, 56, 92})
_ERRNO_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETUNREACH: "network unreachable",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """How the crawler presents itself. Private ones of `headers` go to `trusted_origins` only."""

    user_agent: str
    headers: Mapping[str, str] = field(default_factory=dict)
    trusted_origins: frozenset[str] = frozenset()
    proxy: str = ""  # everything is asked for through it; "": directly
    ca_file: str = ""  # of the authorities that vouch for sites; "": the system's


class Fetcher:
    """Makes requests; from `open_fetcher`. Any number at once."""

    def __init__(
        self,
        loop: CurlLoop,
        silence: Silence,
        resolver: Resolver,
        identity: Identity,
        *,
        timeout_connect: float,
        timeout_page: float,
    ) -> None:
        self._loop = loop
        self._silence = silence
        self._resolver = resolver
        self._identity = identity
        self._timeout_connect = timeout_connect
        self._timeout_page = timeout_page
        self._idle: list[_Line] = []
        self._sites: dict[str, _Site] = {}

    async def get(
        self, url: str, wanted: Wanted, *, fresh: bool = False, conditions: Mapping[str, str] | None = None
    ) -> Response | FetchError:
        """GET a normalised URL. `fresh`: over a new connection; `conditions`: headers that may be answered by 304.

        libcurl asks once more by itself when a kept connection turns out to be closed before any answer.
        """
        site = self._site(origin(url))
        addresses = await self._resolver.addresses(site.host)
        if isinstance(addresses, FetchError):
            if not self._identity.proxy or addresses.kind not in ("resolve", "timeout"):
                return addresses
            addresses = []  # the proxy may know the name
        line = self._idle.pop() if self._idle else self._new_line()
        transfer = Transfer(wanted)
        try:
            line.prepare(url, site, addresses, self._headers(site, wanted.accept, conditions), fresh=fresh)
            line.lead_to(transfer)
            started = self._silence.begin(line.handle, transfer)
            await self._loop.perform(line.handle)
            return transfer.response(url, trio.current_time() - started)
        except CurlError as error:
            duration = trio.current_time() - started
            return transfer.problem or transfer.cut(url, duration) or self._explain(line.handle, transfer, error)
        finally:
            self._silence.end(line.handle)
            line.lead_nowhere()
            self._idle.append(line)

    def close(self) -> None:
        """Close the handles. No request may be running."""
        while self._idle:
            self._idle.pop().handle.close()

    def _new_line(self) -> "_Line":
        handle = pycurl.Curl()
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.BUFFERSIZE, _READ_BYTES),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.PROXY, self._identity.proxy),
            (pycurl.NOPROXY, "" if self._identity.proxy else "*"),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.PATH_AS_IS, 1),  # the URL is normal already; what was judged is what is sent
            (pycurl.USERAGENT, self._identity.user_agent),
            (pycurl.CONNECTTIMEOUT_MS, max(1, round(self._timeout_connect * 1000))),
            (pycurl.TIMEOUT_MS, max(1, round(self._timeout_page * 1000))),
        ):
            handle.setopt(option, value)
        if self._identity.ca_file:
            handle.setopt(pycurl.CAINFO, self._identity.ca_file)
        return _Line(handle, None if self._identity.proxy else self._resolver.approved)

    def _site(self, name: str) -> "_Site":
        site = self._sites.get(name)
        if site is None:
            if len(self._sites) >= _MAX_SITES:
                self._sites.clear()
            site = self._sites[name] = _Site(name)
        return site

    def _headers(self, site: "_Site", accept: str, conditions: Mapping[str, str] | None) -> list[str]:
        """Header lines of a request; the very same list for the same kind of request to a site."""
        known = site.headers.get(accept)
        if known is None:
            trusted = site.name in self._identity.trusted_origins
            headers = {"accept": accept, "accept-encoding": "gzip, deflate"}
            for name, value in self._identity.headers.items():
                if trusted or name.lower() not in _PRIVATE_HEADERS:
                    headers[name.lower()] = value
            known = site.headers[accept] = _lines(headers)
        return [*known, *_lines(conditions)] if conditions else known

    def _explain(self, handle: pycurl.Curl, transfer: Transfer, error: CurlError) -> FetchError:
        code = error.code
        if code == pycurl.E_COULDNT_RESOLVE_PROXY:
            return FetchError("refused", "the proxy's name does not resolve")
        if code == pycurl.E_COULDNT_CONNECT:
            number = handle.getinfo(pycurl.OS_ERRNO)
            return FetchError("refused", _ERRNO_WORDS.get(number, f"cannot connect: {error.text}"))
        if code == pycurl.E_OPERATION_TIMEDOUT:
            if handle.getinfo(pycurl.CONNECT_TIME) == 0:
                seconds = min(self._timeout_connect, self._silence.seconds, self._timeout_page)
                return FetchError("timeout", f"no connection within {seconds:g} s")
            if not transfer.begun and self._silence.seconds < self._timeout_page:
                return FetchError("timeout", f"no answer began within {self._silence.seconds:g} s")
            return FetchError("timeout", f"no complete answer within {self._timeout_page:g} s")
        kind: Kind = "tls" if code in _TLS_CODES else "reset" if code in _RESET_CODES else "protocol"
        words = explained(error.text) if kind == "tls" else error.text
        return FetchError(kind, _plain(words) or f"libcurl error {code}")


class _Site:
    """What is the same for all requests to an origin."""

    __slots__ = ("headers", "host", "name", "port")

    def __init__(self, name: str) -> None:
        self.name = name
        self.host, self.port = hostname(name + "/"), port(name + "/")
        self.headers: dict[str, list[str]] = {}  # lines, by what is accepted


class _Line:
    """A handle of libcurl's for one request at a time. It is told only what differs from its last request."""

    def __init__(self, handle: pycurl.Curl, approved: Callable[[str, str], bool] | None) -> None:
        """`approved` judges the addresses that are connected to; None: a proxy makes the connections."""
        self.handle = handle
        self._approved = approved
        self._site: _Site | None = None
        self._addresses: list[str] | None = None
        self._headers: list[str] | None = None
        self._fresh = False
        handle.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)

    def prepare(self, url: str, site: _Site, addresses: list[str], headers: list[str], *, fresh: bool) -> None:
        """Make it ready for a request to one of these addresses."""
        setopt = self.handle.setopt
        setopt(pycurl.URL, url)
        if site is not self._site or addresses is not self._addresses:
            self._site, self._addresses = site, addresses
            pinned = self._approved is not None and not literal(site.host)
            entry = f"{site.host}:{site.port}:{','.join(map(_bracketed, addresses))}"
            setopt(pycurl.RESOLVE, [entry] if pinned else [])
        if headers is not self._headers:
            self._headers = headers
            setopt(pycurl.HTTPHEADER, headers)
        if fresh is not self._fresh:
            self._fresh = fresh
            setopt(pycurl.FRESH_CONNECT, int(fresh))

    def lead_to(self, transfer: Transfer) -> None:
        """Hand what comes in to a transfer."""
        self.handle.setopt(pycurl.HEADERFUNCTION, transfer.on_header)
        self.handle.setopt(pycurl.WRITEFUNCTION, transfer.on_body)

    def lead_nowhere(self) -> None:
        """Let go of the transfer, and with it of the body, while the handle idles."""
        self.handle.unsetopt(pycurl.HEADERFUNCTION)
        self.handle.unsetopt(pycurl.WRITEFUNCTION)

    def _open_socket(self, _purpose: int, address: tuple[int, int, int, tuple[str, int]]) -> socket.socket | int:
        family, kind, protocol, place = address
        assert self._site is not None
        if self._approved is not None and not self._approved(self._site.host, place[0].partition("%")[0]):
            return int(pycurl.SOCKET_BAD)
        return _LentSocket(family, kind, protocol)


class _LentSocket(socket.socket):
    """A socket for libcurl, which takes a duplicate of its descriptor; this one then closes without a warning."""

    def __del__(self) -> None:
        self.close()


def _lines(headers: Mapping[str, str]) -> list[str]:
    return [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _plain(text: str) -> str:
    """libcurl's words as one of our reasons."""
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:200]


@asynccontextmanager
async def open_fetcher(
    resolver: Resolver, identity: Identity, *, timeout_connect: float, timeout_first_byte: float, timeout_page: float
) -> AsyncGenerator[Fetcher, None]:
    """A fetcher whose transfers run while the block does; afterwards no connection is left.

    Limits in seconds, each from a request's start: to a connection, to the answer's first byte, to its last.
    """
    loop = CurlLoop()
    silence = Silence(timeout_first_byte, loop.give_up)
    fetcher = Fetcher(loop, silence, resolver, identity, timeout_connect=timeout_connect, timeout_page=timeout_page)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(loop.run)
            nursery.start_soon(silence.run)
            yield fetcher
            nursery.cancel_scope.cancel()
    finally:
        fetcher.close()
        loop.close()
