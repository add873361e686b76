"""Which URLs belong to a crawl: domains, patterns, depth. Pure; robots.txt and addresses are judged elsewhere."""

from collections import Counter
from collections.abc import Sequence

import re2

from quaero_cli.crawl.urls import authority, normalise, split_port
from quaero_cli.errors import StepFailed

OUTSIDE = "outside allowed domains"
TOO_DEEP = "too deep"
EXCLUDED = "excluded by pattern"
NOT_INCLUDED = "matches no include pattern"
TRAP = "repeats itself"

# A relative link that is wrong by a level leads deeper each time: /news/a/news/a/news/a. Honest paths have fewer
# parts, and none so often.
_MANY_PARTS = 10
_SAME_PARTS = 4


# Servers that are remembered as judged: a page may link to any number of them.
_MAX_SERVERS = 10_000


class Scope:
    """The author's fence around a crawl.

    `domains`: a domain covers its subdomains and every port; `domain:port` only that port. Empty: exactly the
    servers of the start URLs (with their ports) and, for names, their subdomains.
    `include` and `exclude` are regular expressions searched for in the URL; exclude wins; start URLs need no
    include. They are RE2's, which takes linear time for any pattern and any URL, and so has neither lookarounds nor
    backreferences. Raises StepFailed for a domain or a pattern that cannot be read.
    """

    def __init__(
        self,
        start_urls: Sequence[str],
        *,
        domains: Sequence[str] = (),
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        max_depth: int,
    ) -> None:
        if domains:
            self._domains = tuple(dict.fromkeys(_domain(name) for name in domains))
        else:
            self._domains = tuple(dict.fromkeys(_server(url) for url in start_urls))
        self._include = compile_patterns("include_patterns", include)
        self._exclude = compile_patterns("exclude_patterns", exclude)
        self.max_depth = max_depth
        self._covered: dict[str, bool] = {}

    def covers(self, url: str) -> bool:
        """Whether the URL's server is one of the crawl's."""
        server = authority(url)
        known = self._covered.get(server)
        if known is None:
            if len(self._covered) >= _MAX_SERVERS:
                self._covered.clear()
            host, port = split_port(server)
            known = self._covered[server] = any(_within(host, port, domain) for domain in self._domains)
        return known

    def refuses(self, url: str, *, start: bool = False) -> str | None:
        """Why a URL is not followed, depth apart; None: it is."""
        if not self.covers(url):
            return OUTSIDE
        if any(pattern.search(url) for pattern in self._exclude):
            return EXCLUDED
        if url.count("/") > _MANY_PARTS and _repeats(url):
            return TRAP
        if not start and self._include and not any(pattern.search(url) for pattern in self._include):
            return NOT_INCLUDED
        return None


def _repeats(url: str) -> bool:
    parts = Counter(url.partition("?")[0].split("/")[3:])
    return any(count >= _SAME_PARTS for part, count in parts.items() if part)


# A domain as it is compared: name, port ("" for the schemes' own), whether it covers any port.
_Domain = tuple[str, str, bool]


def _server(url: str) -> _Domain:
    host, port = split_port(authority(url))
    return host, port, False


def _domain(text: str) -> _Domain:
    url = normalise(f"http://{_bracketed(text.strip().removeprefix('*.').removeprefix('.'))}/")
    if url is None or url.count("/") != 3:
        raise StepFailed(
            f"allowed_domains: {text!r} is not a domain", hint='write a host like "example.org", without a path'
        )
    host, port = split_port(authority(url))
    return host, port, not port


def _bracketed(host: str) -> str:
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def _within(host: str, port: str, domain: _Domain) -> bool:
    name, wanted_port, any_port = domain
    if not any_port and port != wanted_port:
        return False
    if host == name:
        return True
    return host.endswith("." + name) and not _is_literal(name)


def _is_literal(host: str) -> bool:
    """Whether a normalised host is an IP address: after WHATWG parsing, a last label of digits is one."""
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


def compile_patterns(option: str, sources: Sequence[str]) -> tuple["re2.Pattern", ...]:
    """Return regular expressions, or raise StepFailed with the option's name and the first that is none."""
    quiet = re2.Options()
    quiet.log_errors = False  # they are told here
    patterns = []
    for source in sources:
        try:
            patterns.append(re2.compile(source, quiet))
        except re2.error as error:
            reason = error.args[0] if error.args else error
            told = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
            raise StepFailed(
                f"{option}: {source!r} is not a regular expression: {told}", hint=_hint_about(source)
            ) from None
    return tuple(patterns)


def _hint_about(source: str) -> str | None:
    if any(group in source for group in ("(?=", "(?!", "(?<=", "(?<!")):
        return "lookarounds cannot be used; exclude_patterns wins over include_patterns"
    return None
