"""Who may ask for what: decisions about a request's head, before any route sees it. Pure.

Closed by default: a path is open only if `is_open` says so, and what nobody thought of needs the token. The order of
the checks is that of their costs for an attacker: which server was meant (Host), from which page (Origin,
Sec-Fetch-Site), with which right (token), to do what (read-only).

* **Host**, exactly one and from a fixed list: a web page whose name was re-bound to 127.0.0.1 still sends its own.
* **Origin and Sec-Fetch-Site**, on every request, streams too: other pages may send requests, but not these headers
  as they like. There are no CORS headers at all, and no cookies.
* **The token**, even on loopback: any user of the machine can connect to it.
"""

import hmac
import ipaddress
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

Headers = Iterable[tuple[bytes, bytes]]  # names in lower case

_OPEN_PATHS = frozenset({"/", "/api/health"})
_OPEN_PREFIXES = ("/static/", "/favicon")
_SAFE_METHODS = frozenset({"GET", "HEAD"})

# The kind of a refusal that comes after all other checks of who asks.
NO_TOKEN = "token"

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)
# On every answer, those of errors included.
RESPONSE_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not served. `kind` is for counting."""

    status: int
    kind: str
    error: str
    hint: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is let in. `token` None: everybody who can connect (loopback only, see `serve`)."""

    hosts: frozenset[str]  # as in a Host header, in lower case, with the port where there is one
    token: str | None = field(repr=False)
    read_only: bool = False
    any_address: bool = False  # also answer to the very address a connection came in on

    def decide(self, method: str, path: str, headers: Headers, local: str | None = None) -> Refusal | None:
        """Return why a request is refused, or None when it may go on. `local`: our address of this connection."""
        found = list(headers)
        host = self._host(found, local)
        if host is None:
            return Refusal(421, "host", "this server does not answer to that host", _hosts_hint(self.hosts))
        if _is_cross_site(found, host):
            return Refusal(403, "cross-site", "the request comes from another site", "open the viewer itself")
        if not is_open(path) and not self._has_token(found):
            return Refusal(
                401, NO_TOKEN, "a token is needed", "send `Authorization: Bearer TOKEN`; see: quaero token"
            )
        if self.read_only and method not in _SAFE_METHODS:
            return Refusal(403, "read-only", "the server is read-only", "start it without --read-only")
        return None

    def _host(self, headers: Headers, local: str | None) -> str | None:
        values = _all(headers, b"host")
        if len(values) != 1:
            return None
        host = values[0].decode("latin-1").lower()
        if host in self.hosts:
            return host
        # An address cannot be re-bound: a page that has it as its origin was served by us.
        name, _, port = host.rpartition(":")
        mine = self.any_address and local is not None and name == _bracketed(local)
        return host if mine and f"localhost:{port}" in self.hosts else None

    def _has_token(self, headers: Headers) -> bool:
        if self.token is None:
            return True
        values = _all(headers, b"authorization")
        if len(values) != 1:
            return False
        scheme, _, given = values[0].partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), self.token.encode())


def is_open(path: str) -> bool:
    """Return whether a path is served without the token. `path` is decoded, as the router sees it."""
    return path in _OPEN_PATHS or path.startswith(_OPEN_PREFIXES)


def _is_cross_site(headers: Headers, host: str) -> bool:
    sites = _all(headers, b"sec-fetch-site")
    if any(site not in (b"same-origin", b"none") for site in sites):
        return True
    # https: a proxy in front of us may speak TLS.
    allowed = (f"http://{host}", f"https://{host}")
    return any(origin.decode("latin-1").lower() not in allowed for origin in _all(headers, b"origin"))


def _all(headers: Headers, name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]


def _hosts_hint(hosts: Collection[str]) -> str:
    return "use one of: " + ", ".join(sorted(hosts))


def allowed_hosts(port: int, names: Iterable[str]) -> frozenset[str]:
    """Return the Host headers that mean this server: loopback's names and `names`, with the port.

    Without the port, too, where it is HTTP's own.
    """
    hosts = {"localhost", "127.0.0.1", "[::1]", *(_bracketed(name.lower()) for name in names)}
    with_port = {f"{host}:{port}" for host in hosts}
    return frozenset(with_port | hosts) if port == 80 else frozenset(with_port)


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def is_loopback(address: str) -> bool:
    """Return whether an IP address is this machine's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
