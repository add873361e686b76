"""One HTTP request, answered or not: `Fetcher.get`, on the event loop.

No redirects, retries or politeness here (see `visit`). What is promised, beside what `request` promises: only
addresses that the resolver approved (behind a proxy, which connects by itself, the addresses that we find are judged
all the same); headers looked at before the body is read; never more than `limit` bytes of body.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import trio

from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.curl import CurlError, CurlLoop
from quaero_cli.crawl.request import Identity, Limits, Requests
from quaero_cli.crawl.resolve import Resolver
from quaero_cli.crawl.silence import Silence
from quaero_cli.crawl.transfer import Transfer, Wanted


class Fetcher:
    """Makes requests; from `open_fetcher`. Any number at once."""

    def __init__(self, loop: CurlLoop, silence: Silence, resolver: Resolver, requests: Requests) -> None:
        self._loop = loop
        self._silence = silence
        self._resolver = resolver
        self._requests = requests

    async def get(
        self, url: str, wanted: Wanted, *, fresh: bool = False, conditions: Mapping[str, str] | None = None
    ) -> Response | FetchError:
        """GET a normalised URL. `fresh`: over a new connection; `conditions`: headers that may be answered by 304.

        libcurl asks once more by itself when a kept connection turns out to be closed before any answer.
        """
        site = self._requests.site(url)
        addresses = await self._resolver.addresses(site.host)
        if isinstance(addresses, FetchError):
            if not self._requests.identity.proxy or addresses.kind not in ("resolve", "timeout"):
                return addresses
            addresses = []  # the proxy may know the name
        transfer = Transfer(wanted)
        line = self._requests.line(url, site, addresses, wanted.accept, transfer, fresh=fresh, conditions=conditions)
        started = self._silence.begin(line.handle, transfer)
        try:
            await self._loop.perform(line.handle)
            return transfer.response(url, trio.current_time() - started)
        except CurlError as error:
            cut = transfer.problem or transfer.cut(url, trio.current_time() - started)
            return cut or self._requests.explain(line, transfer, error.code, error.text)
        finally:
            self._silence.end(line.handle)
            self._requests.give_back(line)


@asynccontextmanager
async def open_fetcher(resolver: Resolver, identity: Identity, limits: Limits) -> AsyncGenerator[Fetcher, None]:
    """A fetcher whose transfers run while the block does; afterwards no connection is left."""
    loop = CurlLoop()
    silence = Silence(limits.first_byte, loop.give_up)
    requests = Requests(identity, limits, resolver.approved)
    fetcher = Fetcher(loop, silence, resolver, requests)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(loop.run)
            nursery.start_soon(silence.run)
            yield fetcher
            nursery.cancel_scope.cancel()
    finally:
        requests.close()
        loop.close()
