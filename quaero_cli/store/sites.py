"""Which documents belong to a site as people name one: its name, its host, host and port, its address. Pure."""

import re
from functools import lru_cache

_SERVER = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[^\]/]*\]|[^/?#:@\[\]]+)(?::(?P<port>[0-9]{1,5}))?(?P<rest>.*)", re.DOTALL
)
_PORTS = {"http": 80, "https": 443}

# A server as it is compared: host, port (None: any).
_Server = tuple[str, int | None]


def within_site(wanted: str, site: str | None, url: str) -> bool:
    """Return whether a document of `url`, whose page calls its site `site`, is of the site `wanted`.

    A host covers its subdomains, and all of its ports unless one is named; an address (`http://HOST/`) names one.
    `wanted` is in lower case (`casefold`).
    """
    if site is not None and site.casefold() == wanted:
        return True
    server = _server(wanted)
    found = _server(url[: url.find("/", url.find("//") + 2) + 1].casefold()) if server else None
    if server is None or found is None:
        return False
    (host, port), (its_host, its_port) = server, found
    return port in (None, its_port) and f".{its_host}".endswith(f".{host}")


@lru_cache(1024)  # a list of documents is of few servers
def _server(text: str) -> _Server | None:
    """Read a host, a host with a port, or the address of a site's first page; None for anything else."""
    found = _SERVER.fullmatch(text)
    if found is None or found["rest"] not in ("", "/"):
        return None
    return found["host"], int(found["port"]) if found["port"] else _PORTS.get(found["scheme"] or "")
