"""URLs as the crawl knows them: absolute, http or https, WHATWG-normal, no fragment, tracking or session. Pure.

Everything else in the crawler compares and keys by the strings made here, so two spellings of one page are one
page. After `normalise` a URL has the shape `scheme://host[:port]/path[?query]` and can be taken apart by slicing:
`authority`, `hostname` and `origin` rely on it.
"""

import functools
import re
import string

import ada_url

# Longer ones are traps (calendars, session chains) far more often than pages; 2,000 is what browsers bore for long.
MAX_URL_CHARS = 2_000

# A page's address is asked for its parts a dozen times while the page is under way.
_REMEMBERED = 1024

# Parameters that tell the site where the visitor came from and never change the page.
_TRACKING_PREFIX = "utm_"
_TRACKING = frozenset({"fbclid", "gclid", "dclid", "msclkid", "yclid", "igshid", "mc_cid", "mc_eid"})
# Parameters that number the visit: with them a site has as many addresses for a page as it has visitors.
_SESSIONS = frozenset({"phpsessid", "jsessionid", "aspsessionid", "cfid", "cftoken"})
_PATH_SESSION = re.compile(r";jsessionid=[^/?;]*", re.IGNORECASE)

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(f"{ord(char):02X}" for char in string.ascii_letters + string.digits + "-_~")


def normalise(href: str, base: str | None = None) -> str | None:
    """The URL that `href` means on a page at `base`; None if it is no page's address.

    Not addresses: anything but http and https, unparsable or overlong ones, and those with a user name or password
    (which would be sent to, or mistaken for, the host).
    """
    try:
        url: str = ada_url.normalize_url(href) if base is None else ada_url.join_url(base, href)
    except ValueError:
        return None
    if not url.startswith(("http://", "https://")):
        return None
    url = url.partition("#")[0]
    if "%" in url:
        url = _ESCAPE.sub(_plain_escape, url)
    if ";" in url:
        url = _PATH_SESSION.sub("", url)
    if "?" in url:
        url = _without_tracking(url)
    if len(url) > MAX_URL_CHARS or "@" in authority(url):
        return None
    return url


def _without_tracking(url: str) -> str:
    path, _, query = url.partition("?")
    kept = [pair for pair in query.split("&") if not _is_tracking(pair.partition("=")[0].lower())]
    query = "&".join(kept)
    return f"{path}?{query}" if query else path


def _is_tracking(name: str) -> bool:
    return name.startswith(_TRACKING_PREFIX) or name in _TRACKING or name in _SESSIONS


def _plain_escape(found: re.Match[str]) -> str:
    """One spelling for each escape (RFC 3986, 6.2.2): capitals, and none where none is needed."""
    code = found.group(1).upper()
    return chr(int(code, 16)) if code in _UNRESERVED else f"%{code}"


@functools.lru_cache(_REMEMBERED)
def origin(url: str) -> str:
    """`scheme://host[:port]` of a normalised URL: what has one robots.txt."""
    return "/".join(url.split("/", 3)[:3])


@functools.lru_cache(_REMEMBERED)
def authority(url: str) -> str:
    """`host[:port]` of a normalised URL (the port only where it is not the scheme's own): what is one server."""
    return url.split("/", 3)[2]


def hostname(url: str) -> str:
    """The host of a normalised URL, without port; an IPv6 literal keeps its brackets."""
    return split_port(authority(url))[0]


def port(url: str) -> int:
    """The port a normalised URL is fetched from."""
    given = split_port(authority(url))[1]
    return int(given) if given else 443 if url.startswith("https://") else 80


def split_port(host_and_port: str) -> tuple[str, str]:
    """`("host", "8080")`, `("[::1]", "")`: the port is empty when there is none."""
    host, colon, number = host_and_port.rpartition(":")
    if not colon or host_and_port.endswith("]"):
        return host_and_port, ""
    return host, number


def is_site_root(url: str) -> bool:
    """Whether a normalised URL is its site's first page."""
    return url.count("/") == 3 and url.endswith("/")
