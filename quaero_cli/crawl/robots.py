"""What a site's robots.txt allows (RFC 9309), fetched once for each origin.

4xx, or redirected away: there are no rules. 5xx or no answer: nothing may be fetched. protego's matching (since 0.7)
is linear in the URL and the size of the file is bounded, so both happen in this process, the parsing of a large one
in a thread.
"""

import codecs
import functools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio
from protego import Protego

from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.transfer import Wanted
from quaero_cli.crawl.urls import normalise

# RFC 9309 asks for at least 500 KiB; what is beyond is not read.
MAX_ROBOTS_BYTES = 500 * 1024

# One as large as is allowed takes a third of a second to parse; from here on a thread does it.
_LARGE_BYTES = 16 * 1024

# A robot is named by its first word; protego would look for "quaero/1.0" and "quaero bot" as they stand.
_AGENT_LINE = re.compile(r"^([ \t]*user-?agent[ \t]*:[ \t]*[\w-]+)[^\r\n]*", re.IGNORECASE | re.MULTILINE | re.ASCII)

_NAME = re.compile(r"[\w-]+", re.ASCII)
_NOBODY = "\0"  # the name of a robot that no file can name

# Errors that are not about the file.
_WHOLE_SITE = frozenset({"resolve", "address", "refused", "tls"})

WANTED = Wanted(limit=MAX_ROBOTS_BYTES, truncate=True, accept="text/plain, */*;q=0.5", memo="robots")


@dataclass(frozen=True)
class Rules:
    """One origin's rules for one user agent. `problem`: why nothing may be fetched, for people."""

    user_agent: str
    parsed: Protego | None = None
    problem: FetchError | None = None

    @functools.cached_property
    def _token(self) -> str:
        """The robot's name as robots.txt knows it: what stands before the version.

        A name with anything but letters, digits, `-` and `_` cannot stand there (RFC 9309): then only the rules for
        all robots hold.
        """
        name = self.user_agent.partition("/")[0].strip()
        return name if _NAME.fullmatch(name) else _NOBODY

    def allows(self, url: str) -> bool:
        """Whether the URL may be fetched."""
        if self.problem is not None:
            return False
        return self.parsed is None or bool(self.parsed.can_fetch(url, self._token))

    @functools.cached_property
    def delay(self) -> float:
        """Seconds wanted between requests; 0 where nothing is said."""
        if self.parsed is None:
            return 0.0
        delay = float(self.parsed.crawl_delay(self._token) or 0)
        rate = self.parsed.request_rate(self._token)
        return max(delay, rate.seconds / rate.requests if rate is not None and rate.requests else 0.0)

    @functools.cached_property
    def sitemaps(self) -> list[str]:
        """Sitemaps named, normalised, in order."""
        named = self.parsed.sitemaps if self.parsed is not None else ()
        return [url for url in (normalise(text) for text in named) if url is not None]


def parse(user_agent: str, answer: Response | FetchError) -> Rules:
    """The rules that an answer for /robots.txt means."""
    if isinstance(answer, FetchError) and answer.kind == "redirect":
        return Rules(user_agent)  # it is not where it belongs: RFC 9309 calls that unavailable
    if isinstance(answer, FetchError):
        where = "" if answer.kind in _WHOLE_SITE else " (robots.txt)"
        return Rules(user_agent, problem=FetchError(answer.kind, answer.reason + where, asked=False))
    if answer.status >= 500 or answer.status == 429:
        reason = f"the site answered {answer.status} (robots.txt)"
        return Rules(user_agent, problem=FetchError("status", reason, answer.status, asked=False))
    if answer.status != 200:
        return Rules(user_agent)
    return Rules(user_agent, Protego.parse(_AGENT_LINE.sub(r"\1", _decoded(answer.body))))


def _decoded(body: bytes) -> str:
    """The file's text: UTF-8, unless it begins as UTF-16 does. A byte order mark, also a damaged one, is no rule."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    return body.decode("utf-8", "replace").lstrip("\ufeff\ufffd")


class Robots:
    """Rules by origin. `fetch` gets a robots.txt, redirects followed; with `obey` off it is never called.

    `on_rules` is told of every origin's rules once, before anybody can act on them.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Response | FetchError]],
        *,
        user_agent: str,
        obey: bool,
        on_rules: Callable[[str, Rules], None] = lambda _origin, _rules: None,
    ) -> None:
        self._fetch = fetch
        self._on_rules = on_rules
        self._user_agent = user_agent
        self._obey = obey
        self._rules: dict[str, Rules] = {}
        self._asking: dict[str, trio.Event] = {}

    @property
    def sites(self) -> int:
        """Origins whose rules were fetched, or are being fetched."""
        return len(self._rules) + len(self._asking)

    def known(self, origin: str) -> Rules | None:
        """The origin's rules, if they were fetched."""
        return self._rules.get(origin)

    async def rules(self, origin: str) -> Rules:
        """The origin's rules, fetched when first asked for; whoever else asks meanwhile waits for the same answer."""
        while origin not in self._rules:
            asking = self._asking.get(origin)
            if asking is not None:
                await asking.wait()
                continue
            asking = self._asking[origin] = trio.Event()
            try:
                rules = await self._ask(origin)
                self._on_rules(origin, rules)
                self._rules[origin] = rules
            finally:
                del self._asking[origin]
                asking.set()
        return self._rules[origin]

    async def _ask(self, origin: str) -> Rules:
        answer = await self._fetch(f"{origin}/robots.txt") if self._obey else None
        if answer is None:
            return Rules(self._user_agent)
        if isinstance(answer, Response) and len(answer.body) > _LARGE_BYTES:
            return await trio.to_thread.run_sync(parse, self._user_agent, answer)
        return parse(self._user_agent, answer)
