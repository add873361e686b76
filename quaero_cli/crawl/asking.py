"""Who makes a crawl's requests: the event loop, or scouts, which fetch pages and look at them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from quaero_cli.crawl.fetch import Fetcher, open_fetcher
from quaero_cli.crawl.options import Options
from quaero_cli.crawl.polite import Manners
from quaero_cli.crawl.pool import Pool
from quaero_cli.crawl.reading.scout import Settings
from quaero_cli.crawl.request import Identity, Limits
from quaero_cli.crawl.resolve import Resolver
from quaero_cli.crawl.scouts import Scouts, open_scouts
from quaero_cli.crawl.tuning import Tuning
from quaero_cli.crawl.urls import origin

PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
PAGE_ACCEPT = "text/html, application/xhtml+xml, */*;q=0.1"


@asynccontextmanager
async def open_asker(
    options: Options, tuning: Tuning, pool: Pool, manners: Manners
) -> AsyncGenerator[Fetcher | Scouts, None]:
    """What makes requests: the event loop, or scouts where pages are only looked at.

    An extraction takes a hundred times as long as a transfer: beside it a scout's transfers would stand still. And
    nobody who reads hostile pages is told a secret.
    """
    resolver = Resolver(options.policy, timeout=options.timeout_connect, lookup=tuning.lookup)
    identity = Identity(
        options.user_agent,
        options.all_headers,
        frozenset(map(origin, options.start_urls)),
        options.proxy,
        options.ca_file,
    )
    limits = Limits(options.timeout_connect, options.timeout_first_byte, options.timeout_page)
    async with open_fetcher(resolver, identity, limits) as fetcher:
        if options.extract or identity.secret:
            yield fetcher
            return
        settings = Settings(
            user_agent=identity.user_agent,
            headers=identity.headers,
            ca_file=identity.ca_file,
            limits=(limits.connect, limits.first_byte, limits.page),
            limit=options.max_bytes,
            types=sorted(PAGE_TYPES),
            accept=PAGE_ACCEPT,
        )
        async with open_scouts(pool, fetcher, resolver, manners, settings, tuning.reader_seconds) as scouts:
            scouts.expect(options.start_urls[0])
            yield scouts
