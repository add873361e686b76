"""Which IP addresses a crawl may connect to. Pure; the standard library's `is_global` is not trusted here.

A page can name any address: the machine's own services, the router, a cloud's metadata server. So every address
that a name resolves to is judged, and what is not an ordinary public unicast address is refused, whatever notation
hides it. `ipaddress.is_global` differs between Python versions and calls NAT64-wrapped loopback, multicast and two
clouds' metadata addresses global (measured on 3.11 to 3.13), so the table is our own.
"""

import functools
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from quaero_cli.crawl.urls import hostname, normalise
from quaero_cli.errors import StepFailed

Address = IPv4Address | IPv6Address

# Hosts whose notation is remembered: it is looked at for each request.
_HOSTS = 1024

_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier NAT"),  # holds 100.100.100.200, a metadata server
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local"),  # holds 169.254.169.254, the usual metadata server
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),  # holds 192.0.0.192, a metadata server
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "this host"),
        ("::1/128", "loopback"),
        ("fc00::/7", "private"),  # holds fd00:ec2::254, a metadata server
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
    )
)

_V6_PUBLIC = IPv6Network("2000::/3")  # all of global unicast that was ever handed out
_NAT64 = IPv6Network("64:ff9b::/96")  # how IPv6-only networks reach IPv4: judged by the address inside


def not_public(address: Address) -> str | None:
    """What kind of forbidden address it is ("loopback", "private", ...); None for a public one."""
    if isinstance(address, IPv4Address):
        return next((what for network, what in _V4 if address in network), None)
    if address.ipv4_mapped is not None:
        return not_public(address.ipv4_mapped)
    if address in _NAT64:
        return not_public(IPv4Address(int(address) & 0xFFFFFFFF))
    named = next((what for network, what in _V6 if address in network), None)
    return named or (None if address in _V6_PUBLIC else "reserved")


class Policy:
    """Which hosts and networks may be private: the author's `allow_private`.

    An entry with a slash is a network: any name may lead into it. Any other is one host, exactly as it is written in
    a URL: naming `127.0.0.1` does not let `evil.example` point there. Raises StepFailed for an unreadable entry.
    """

    def __init__(self, allow_private: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in allow_private:
            if "/" in entry:
                self._networks.append(_network(entry))
            else:
                self._hosts.add(_host(entry))

    def refuses(self, host: str, address: str) -> str | None:
        """Why `address`, to which `host` resolved, may not be connected to; None: it may."""
        if host in self._hosts:
            return None
        parsed = ip_address(address.partition("%")[0])
        plain = getattr(parsed, "ipv4_mapped", None) or parsed
        if any(plain in network for network in self._networks if network.version == plain.version):
            return None
        kind = not_public(parsed)
        return None if kind is None else f"{address} is a {kind} address"


def local_hosts(urls: Iterable[str]) -> list[str]:
    """The hosts of these normalised URLs that are written as this machine: `localhost`, a loopback address."""
    hosts = dict.fromkeys(hostname(url) for url in urls)
    return [host for host in hosts if host == "localhost" or _is_loopback(literal(host))]


def _is_loopback(address: str | None) -> bool:
    return address is not None and not_public(ip_address(address)) == "loopback"


@functools.lru_cache(_HOSTS)
def literal(host: str) -> str | None:
    """The address that a normalised host *is* (`127.0.0.1`, `[::1]`), None for a name."""
    text = host[1:-1] if host.startswith("[") else host
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry.strip(), strict=False)
    except ValueError as error:
        raise StepFailed(f"allow_private: {entry!r} is not a network: {error}") from error


def _host(entry: str) -> str:
    text = entry.strip()
    url = normalise(f"http://[{text}]/" if text.count(":") > 1 and not text.startswith("[") else f"http://{text}/")
    if url is None or url.count("/") != 3:
        raise StepFailed(
            f"allow_private: {entry!r} is not a host", hint='write a host ("localhost") or a network ("10.0.0.0/8")'
        )
    return hostname(url)
