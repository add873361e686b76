"""What the author of a job asks of a crawl: checked, normalised, frozen.

Everything that can be wrong with an option is found here, before the first request, as a StepFailed that names the
option.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from quaero_cli.crawl.addresses import Policy
from quaero_cli.crawl.scope import Scope
from quaero_cli.crawl.urls import normalise
from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.durations import parse_duration
from quaero_cli.jobdef.oneline import holds_control, is_header_name, is_header_value
from quaero_cli.jobdef.place import Place

# Headers that belong to the connection or to the promise of what can be read; setting them breaks the request.
_OWN_HEADERS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "te", "upgrade", "user-agent"}
)


# What is done about pages that an earlier crawl had: ask whether they changed; fetch them as if they were new; leave
# articles alone.
Recrawl = Literal["conditional", "always", "never"]

# What extracts the text of an article: trafilatura as it is, or without comparing its result with two other methods'.
Engine = Literal["trafilatura", "trafilatura-fast"]

_TAKE_OUT = "take it out; of a file's text, its last line break"
_HEADER_NAME = "letters, digits and -, like X-Request-Id"
_CONTACT = 'write "https://example.org/bot" or "me@example.org"'
_AGE = re.compile(r"([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+", re.ASCII)
_PROXIES = ("http://", "https://", "socks4://", "socks4a://", "socks5://", "socks5h://")


@dataclass(frozen=True, slots=True)
class Options:
    """A crawl as it was asked for. Times are seconds. See the `crawler` step type for what each means."""

    start_urls: tuple[str, ...]
    scope: Scope
    policy: Policy
    max_pages: int = 100
    follow_links: bool = True
    extract: bool = True
    per_host: int = 8
    delay: float = 0.0
    obey_robots: bool = True
    sitemaps: bool = True
    feeds: bool = True
    user_agent: str = "quaero"
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    proxy: str = ""
    ca_file: str = ""  # "": the system's authorities
    since: float | None = None  # seconds since 1970: older articles are not kept
    recrawl: Recrawl = "conditional"
    keep_html: bool = False
    engine: Engine = "trafilatura"
    timeout_connect: float = 10.0
    timeout_first_byte: float = 20.0
    timeout_page: float = 30.0
    max_bytes: int = 10 * 1024 * 1024

    def __post_init__(self) -> None:
        for name, value, least in (
            ("max_pages", self.max_pages, 1),
            ("max_depth", self.scope.max_depth, 0),
            ("per_host", self.per_host, 1),
            ("delay", self.delay, 0),
            ("max_bytes", self.max_bytes, 1),
        ):
            if value < least:
                raise StepFailed(f"{name}: {value} is less than {least}")
        for name in ("timeout_connect", "timeout_first_byte", "timeout_page"):
            seconds = getattr(self, name)
            if seconds <= 0:
                raise StepFailed(f"{name}: {seconds:g} s is no time at all")
        if self.keep_html and not self.extract:
            raise StepFailed("keep_html: pages are kept beside their articles", hint="take extract = false out")
        check_headers(self.headers)
        check_user_agent(self.user_agent)
        check_cookies(self.cookies)
        check_proxy(self.proxy)

    @property
    def all_headers(self) -> Mapping[str, str]:
        """The headers, with the cookies as one of them."""
        if not self.cookies:
            return self.headers
        return {**self.headers, "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}


def start_urls(texts: Sequence[str]) -> tuple[str, ...]:
    """The start URLs, normalised, each once. A bare host gets `https://`. Raises StepFailed."""
    found: dict[str, None] = {}
    for text in texts:
        stripped = text.strip()
        url = normalise(stripped if "://" in stripped else f"https://{stripped}")
        if not stripped or url is None:
            raise StepFailed(
                f"start_urls: {text!r} is not the address of a page",
                hint='write it like "https://example.org/news/"; only http and https, no user name',
            )
        found[url] = None
    if not found:
        raise StepFailed(
            "start_urls is empty: there is no page to start from",
            hint="give at least one, for example -p start_urls=https://example.org/",
        )
    return tuple(found)


def parse_since(text: str, now: float) -> float | None:
    """The option `since` in seconds since 1970: an age (`7d`), a date, a time; "" is no limit. Raises StepFailed."""
    text = text.strip()
    if not text:
        return None
    if _AGE.fullmatch(text):
        return now - parse_duration(text, Place("since", StepFailed))
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise StepFailed(
            f"since: {text!r} is neither an age nor a date", hint='write "7d", "36h" or "2026-01-15"'
        ) from None


def user_agent(name: str, contact: str) -> str:
    """How the crawler introduces itself: its name, and where its user can be reached. Raises StepFailed."""
    check_user_agent(name)
    contact = contact.strip()
    if holds_control(contact) or not contact.isascii():
        raise StepFailed(f"contact: {contact[:60]!r} is not plain text in one line", hint=_CONTACT)
    if not contact:
        return name
    if contact.startswith(("http://", "https://")):
        return f"{name} (+{contact})"
    if "@" in contact and not any(char in contact for char in " ()"):
        return f"{name} (+mailto:{contact.removeprefix('mailto:')})"
    raise StepFailed(f"contact: {contact!r} is neither a page nor a mail address", hint=_CONTACT)


def basic(login: str) -> str:
    """The Authorization header of USER:PASSWORD; "" for none. Raises StepFailed, without the password."""
    if not login:
        return ""
    user, colon, _ = login.partition(":")
    if not user or not colon or holds_control(login):
        raise StepFailed("login: not a user and a password", hint='write "USER:PASSWORD", and take it from a secret')
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def with_login(headers: Mapping[str, str], login: str) -> Mapping[str, str]:
    """The headers with the login as one of them. Raises StepFailed where there is one already."""
    if not login:
        return headers
    if any(name.strip().lower() == "authorization" for name in headers):
        raise StepFailed("login: headers have an Authorization already")
    return {**headers, "authorization": basic(login)}


def ca_file(directory: Path, path: Path | None) -> str:
    """The file of authorities, absolute; a relative path begins at `directory`. Raises StepFailed."""
    if path is None:
        return ""
    found = directory / path
    if not found.is_file():
        raise StepFailed(f"ca_file: {found}: no such file")
    return str(found)


def check_cookies(cookies: Mapping[str, str]) -> None:
    """Raise StepFailed, without a value, for cookies that cannot be sent."""
    for name, value in cookies.items():
        if not name or any(char in '=;, "' for char in name) or ";" in value or holds_control(name + value):
            raise StepFailed(f"cookies: {name!r} is not a cookie that can be sent")  # its value may be a secret


def check_proxy(proxy: str) -> None:
    """Raise StepFailed for what is no proxy's address."""
    # A proxy's address may hold a password: it is never shown.
    if proxy and (not proxy.startswith(_PROXIES) or any(char.isspace() for char in proxy) or holds_control(proxy)):
        raise StepFailed(
            "proxy: not the address of a proxy", hint="write one like http://host:3128 or socks5h://host:1080"
        )


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise StepFailed, without a value, for headers that cannot be sent, or that are the crawler's own."""
    for name, value in headers.items():
        if name.strip().lower() in _OWN_HEADERS:
            raise StepFailed(f"headers: {name!r} is set by the crawler itself")
        if not is_header_name(name):
            raise StepFailed(f"headers: {name!r} is not a header that can be sent", hint=_HEADER_NAME)
        if not is_header_value(value):
            raise StepFailed(f"headers: {name!r} holds a line break or another control character", hint=_TAKE_OUT)


def check_user_agent(name: str) -> None:
    """Raise StepFailed for a name that says nothing, or that a request's head cannot hold."""
    if not name.strip():
        raise StepFailed("user_agent: is empty", hint="a site's owner wants to know who asks")
    if holds_control(name) or not name.isascii():
        raise StepFailed(
            f"user_agent: {name[:60]!r} is not plain text in one line", hint='write ASCII, like "mybot/1.0"'
        )
