"""How a request is put to libcurl, and what its errors mean: the same for whoever drives it. No event loop here.

What is promised: only http and https; only addresses that were approved, checked again when the socket is opened
(a proxy that the author named makes the connection itself); no proxy from the environment; an end within the limits.
"""

import errno
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pycurl

from quaero_cli.crawl.addresses import literal
from quaero_cli.crawl.answers import FetchError, Kind
from quaero_cli.crawl.tls import explained
from quaero_cli.crawl.transfer import Transfer
from quaero_cli.crawl.urls import hostname, origin, port

# Bytes libcurl reads at once: few callbacks for an ordinary page, little memory for many connections.
_READ_BYTES = 128 * 1024
# Sites that are remembered: a crawl may meet any number of them.
_MAX_SITES = 10_000
# Headers that say who asks: sent to the start URLs' servers only, never along a redirect to a stranger.
_PRIVATE_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})

_TLS_CODES = frozenset({35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98})
_TOO_LARGE = 100  # CURLE_TOO_LARGE, for which pycurl has no name
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

    @property
    def secret(self) -> bool:
        """Whether it holds what may be a secret."""
        return bool(self.proxy) or any(name.lower() in _PRIVATE_HEADERS for name in self.headers)


class Limits(NamedTuple):
    """Seconds from a request's start: to a connection, to the answer's first byte, to its last."""

    connect: float
    first_byte: float
    page: float


class Requests:
    """Makes and keeps what requests are made with. Each `Line` is for one request at a time."""

    def __init__(self, identity: Identity, limits: Limits, approved: Callable[[str, str], bool]) -> None:
        """`approved` tells whether an address was judged fit for a host; it is asked when a socket is opened."""
        self.identity = identity
        self.limits = limits
        self._approved = None if identity.proxy else approved
        self._idle: list[Line] = []
        self._sites: dict[str, Site] = {}

    def line(
        self,
        url: str,
        site: "Site",
        addresses: list[str],
        accept: str,
        transfer: Transfer,
        *,
        fresh: bool = False,
        conditions: Mapping[str, str] | None = None,
    ) -> "Line":
        """A line that is ready to GET a URL of a site from one of these addresses, for the transfer."""
        line = self._idle.pop() if self._idle else self._new_line()
        line.prepare(url, site, addresses, self._headers(site, accept, conditions), fresh=fresh)
        line.lead_to(transfer)
        return line

    def give_back(self, line: "Line") -> None:
        """The request of a line has ended."""
        line.lead_nowhere()
        self._idle.append(line)

    def close(self) -> None:
        """Close the handles. No request may be running."""
        while self._idle:
            self._idle.pop().handle.close()

    def explain(self, line: "Line", transfer: Transfer, code: int, text: str) -> FetchError:
        """What an error of libcurl's means for a request."""
        handle, limits = line.handle, self.limits
        if code == pycurl.E_COULDNT_RESOLVE_PROXY:
            return FetchError("refused", "the proxy's name does not resolve")
        if code == pycurl.E_COULDNT_CONNECT:
            number = handle.getinfo(pycurl.OS_ERRNO)
            return FetchError("refused", _ERRNO_WORDS.get(number, f"cannot connect: {text}"))
        if code == pycurl.E_OPERATION_TIMEDOUT:
            if handle.getinfo(pycurl.CONNECT_TIME) == 0:
                return FetchError("timeout", f"no connection within {min(limits):g} s")
            if not transfer.begun and limits.first_byte < limits.page:
                return FetchError("timeout", f"no answer began within {limits.first_byte:g} s")
            return FetchError("timeout", f"no complete answer within {limits.page:g} s")
        if code == _TOO_LARGE:
            return FetchError("protocol", "its headers are too large")
        kind: Kind = "tls" if code in _TLS_CODES else "reset" if code in _RESET_CODES else "protocol"
        words = explained(text) if kind == "tls" else text
        return FetchError(kind, _plain(words) or f"libcurl error {code}")

    def _new_line(self) -> "Line":
        handle, identity = pycurl.Curl(), self.identity
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.BUFFERSIZE, _READ_BYTES),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.PROXY, identity.proxy),
            (pycurl.NOPROXY, "" if identity.proxy else "*"),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.PATH_AS_IS, 1),  # the URL is normal already; what was judged is what is sent
            (pycurl.USERAGENT, identity.user_agent),
            (pycurl.CONNECTTIMEOUT_MS, max(1, round(self.limits.connect * 1000))),
            (pycurl.TIMEOUT_MS, max(1, round(self.limits.page * 1000))),
        ):
            handle.setopt(option, value)
        if identity.ca_file:
            handle.setopt(pycurl.CAINFO, identity.ca_file)
        return Line(handle, self._approved)

    def site(self, url: str) -> "Site":
        """The site of a normalised URL."""
        name = origin(url)
        site = self._sites.get(name)
        if site is None:
            if len(self._sites) >= _MAX_SITES:
                self._sites.clear()
            site = self._sites[name] = Site(name)
        return site

    def _headers(self, site: "Site", accept: str, conditions: Mapping[str, str] | None) -> list[str]:
        """Header lines of a request; the very same list for the same kind of request to a site."""
        known = site.headers.get(accept)
        if known is None:
            trusted = site.name in self.identity.trusted_origins
            headers = {"accept": accept, "accept-encoding": "gzip, deflate"}
            for name, value in self.identity.headers.items():
                if trusted or name.lower() not in _PRIVATE_HEADERS:
                    headers[name.lower()] = value
            known = site.headers[accept] = _lines(headers)
        return [*known, *_lines(conditions)] if conditions else known


class Site:
    """What is the same for all requests to an origin."""

    __slots__ = ("headers", "host", "name", "port")

    def __init__(self, name: str) -> None:
        self.name = name
        self.host, self.port = hostname(name + "/"), port(name + "/")
        self.headers: dict[str, list[str]] = {}  # lines, by what is accepted


class Line:
    """A handle of libcurl's for one request at a time. It is told only what differs from its last request."""

    def __init__(self, handle: pycurl.Curl, approved: Callable[[str, str], bool] | None) -> None:
        """`approved` judges the addresses that are connected to; None: a proxy makes the connections."""
        self.handle = handle
        self._approved = approved
        self._site: Site | None = None
        self._addresses: list[str] | None = None
        self._headers: list[str] | None = None
        self._fresh = False
        handle.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)

    def prepare(self, url: str, site: Site, addresses: list[str], headers: list[str], *, fresh: bool) -> None:
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
            # As bytes: of text libcurl's binding takes ASCII alone, and what a site sent (an ETag) may be anything.
            setopt(pycurl.HTTPHEADER, [line.encode() for line in headers])
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
