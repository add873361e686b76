"""The step type `crawler`: fetches pages, follows their links, keeps the articles as documents.

Its parts are `quaero_cli/crawl/`; they are imported when a step starts, so that listing step types is quick.
"""

import time
from pathlib import Path
from typing import Annotated, Literal

from quaero_cli import __version__
from quaero_cli.jobdef.model import Between, Checked, Duration, Size
from quaero_cli.steps.contract import StepContext

DEFAULT_CONCURRENCY = 32

_TEN_SECONDS = Duration(10.0)
_TWENTY_SECONDS = Duration(20.0)
_HALF_A_MINUTE = Duration(30.0)
_NO_TIME = Duration(0.0)
_TEN_MIB = Size(10 << 20)


def _check_patterns(option: str, sources: list[str]) -> None:
    from quaero_cli.crawl.scope import compile_patterns

    compile_patterns(option, sources)


def _check_start_urls(option: str, urls: str | list[str]) -> None:
    from quaero_cli.crawl.options import start_urls

    if _list(urls):  # none yet: there may be a default
        start_urls(_list(urls))


def _check_since(option: str, text: str) -> None:
    from quaero_cli.crawl.options import parse_since

    parse_since(text, 0.0)


def _check_domains(option: str, domains: list[str]) -> None:
    from quaero_cli.crawl.scope import Scope

    Scope((), domains=domains, max_depth=0)


def _check_private(option: str, entries: list[str]) -> None:
    from quaero_cli.crawl.addresses import Policy

    Policy(entries)


def _check_headers(option: str, headers: dict[str, str]) -> None:
    from quaero_cli.crawl.options import check_headers

    check_headers(headers)


def _check_cookies(option: str, cookies: dict[str, str]) -> None:
    from quaero_cli.crawl.options import check_cookies

    check_cookies(cookies)


def _check_login(option: str, login: str) -> None:
    from quaero_cli.crawl.options import basic

    basic(login)


def _check_proxy(option: str, proxy: str) -> None:
    from quaero_cli.crawl.options import check_proxy

    check_proxy(proxy)


def _check_contact(option: str, contact: str) -> None:
    from quaero_cli.crawl.options import user_agent

    user_agent("quaero", contact)


def _check_user_agent(option: str, name: str) -> None:
    from quaero_cli.crawl.options import check_user_agent

    check_user_agent(name)


_Patterns = Annotated[list[str], Checked(_check_patterns)]


async def crawler(
    ctx: StepContext,
    *,
    start_urls: Annotated[str | list[str], Checked(_check_start_urls)] = "",
    default_start_url: str = "",
    allowed_domains: Annotated[list[str], Checked(_check_domains)] | None = None,
    include_patterns: _Patterns | None = None,
    exclude_patterns: _Patterns | None = None,
    max_depth: Annotated[int, Between(0)] = 2,
    max_pages: Annotated[int, Between(1)] = 100,
    follow_links: bool = True,
    extract: bool = True,
    per_host: Annotated[int, Between(1)] = 8,
    delay: Duration = _NO_TIME,
    obey_robots: bool = True,
    sitemaps: bool = True,
    feeds: bool = True,
    user_agent: Annotated[str, Checked(_check_user_agent)] = f"quaero/{__version__}",
    contact: Annotated[str, Checked(_check_contact)] = "",
    headers: Annotated[dict[str, str], Checked(_check_headers)] | None = None,
    cookies: Annotated[dict[str, str], Checked(_check_cookies)] | None = None,
    login: Annotated[str, Checked(_check_login)] = "",
    proxy: Annotated[str, Checked(_check_proxy)] = "",
    ca_file: Path | None = None,
    allow_private: Annotated[list[str], Checked(_check_private)] | None = None,
    allow_local: bool = False,
    timeout_connect: Duration = _TEN_SECONDS,
    timeout_first_byte: Duration = _TWENTY_SECONDS,
    timeout_page: Duration = _HALF_A_MINUTE,
    max_bytes: Annotated[Size, Between(1)] = _TEN_MIB,
    since: Annotated[str, Checked(_check_since)] = "",
    recrawl: Literal["conditional", "always", "never"] = "conditional",
    keep_html: bool = False,
    engine: Literal["trafilatura", "trafilatura-fast"] = "trafilatura",
) -> dict[str, int]:
    """Fetch pages breadth first, follow their links, and keep the articles among them as documents.

    Each page is a worker; its log says `Fetched`, and then `Extracted`, `Skipped` or `Failed` with the reason. A
    link that answers 404 is logged and fails nothing; a page without a definite answer (a timeout, a refused
    connection, a server's error) fails its worker. Outputs: `pages`, `documents`, `skipped`, `failed`.

    start_urls: pages to start from, at depth 0
    default_start_url: the page to start from when start_urls is empty
    allowed_domains: domains to stay within, subdomains included; empty: the hosts of the start URLs
    include_patterns: regular expressions (RE2) on the URL; follow only links that match one of them
    exclude_patterns: regular expressions (RE2) on the URL; never fetch what matches one of them
    max_depth: links to follow from a start URL to the deepest page
    max_pages: pages to ask for, over the whole step; a chain of redirects is one page
    follow_links: whether the links of pages are followed at all
    extract: whether articles are extracted and kept; otherwise pages are fetched and their links followed, no more
    per_host: connections to one host at the same time
    delay: time between two requests to one host; a host's robots.txt may ask for more
    obey_robots: whether robots.txt, noindex and nofollow are obeyed
    sitemaps: whether the sites' sitemaps are read, too
    feeds: whether the feeds that start pages name are read, too
    user_agent: how the crawler introduces itself; robots.txt is read for its name, before the version
    contact: a page or mail address of yours, sent along with the user agent: whom to ask about this crawl
    headers: further request headers; Authorization and Cookie go to the start URLs' sites only
    cookies: cookies to send, to the start URLs' sites only
    login: USER:PASSWORD for a site that asks for them (basic authentication); sent to the start URLs' sites only
    proxy: address of a proxy for all requests, such as http://host:3128 or socks5h://host:1080
    ca_file: a file (PEM) of the authorities that vouch for sites, in place of the system's
    allow_private: hosts ("localhost") or networks ("10.0.0.0/8") that may have private addresses
    allow_local: whether start URLs may be on this machine (localhost, a loopback address) without being named there
    timeout_connect: how long connecting may take
    timeout_first_byte: how long a site may be silent until its answer begins
    timeout_page: how long one request may take as a whole
    max_bytes: the largest page that is read, decompressed
    since: keep only articles published since then, an age ("7d") or a date; those without a date are kept
    recrawl: pages that an earlier crawl had: conditional asks whether they changed, always fetches them as new ones,
        never leaves its articles alone
    keep_html: whether pages are kept as they came, beside their articles
    engine: what extracts the text: trafilatura-fast takes two thirds of the time, and finds as much of most news
    """
    from quaero_cli.crawl import options as asked
    from quaero_cli.crawl.addresses import Policy, local_hosts
    from quaero_cli.crawl.crawl import crawl
    from quaero_cli.crawl.scope import Scope

    urls = asked.start_urls(_list(start_urls) or _list(default_start_url))
    options = asked.Options(
        start_urls=urls,
        scope=Scope(
            urls,
            domains=allowed_domains or (),
            include=include_patterns or (),
            exclude=exclude_patterns or (),
            max_depth=max_depth,
        ),
        policy=Policy([*(allow_private or ()), *(local_hosts(urls) if allow_local else ())]),
        max_pages=max_pages,
        follow_links=follow_links,
        extract=extract,
        per_host=per_host,
        delay=delay,
        obey_robots=obey_robots,
        sitemaps=sitemaps,
        feeds=feeds,
        user_agent=asked.user_agent(user_agent, contact),
        headers=asked.with_login(headers or {}, login),
        cookies=cookies or {},
        proxy=proxy,
        ca_file=asked.ca_file(ctx.directory, ca_file),
        since=asked.parse_since(since, time.time()),
        recrawl=recrawl,
        keep_html=keep_html,
        engine=engine,
        timeout_connect=timeout_connect,
        timeout_first_byte=timeout_first_byte,
        timeout_page=timeout_page,
        max_bytes=max_bytes,
    )
    return await crawl(ctx, options)


def _list(value: str | list[str]) -> list[str]:
    """One start URL may be written without the brackets; an empty one is none."""
    return ([value] if value else []) if isinstance(value, str) else value
