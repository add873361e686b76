"""The crawler's fetcher alone: `plain_fetch AT_ONCE`, on stdin JSON, a list of URLs. Tells seconds and pages."""

import json
import sys
import time
from collections.abc import Iterator

import trio

from quaero_cli.crawl.addresses import Policy
from quaero_cli.crawl.answers import Response
from quaero_cli.crawl.fetch import Fetcher, open_fetcher
from quaero_cli.crawl.request import Identity, Limits
from quaero_cli.crawl.resolve import Resolver, system_lookup
from quaero_cli.crawl.transfer import Wanted

_PATIENCE = 60.0  # seconds
_LIMIT = 10 << 20


async def main(at_once: int, urls: list[str]) -> None:
    """Fetch them all."""
    wanted, pages, waiting = Wanted(limit=_LIMIT), 0, iter(urls)

    async def work(fetcher: Fetcher, waiting: Iterator[str]) -> None:
        nonlocal pages
        for url in waiting:
            answer = await fetcher.get(url, wanted)
            pages += isinstance(answer, Response) and answer.status == 200

    resolver = Resolver(Policy(["127.0.0.1"]), timeout=_PATIENCE, lookup=system_lookup)
    async with open_fetcher(resolver, Identity("quaero"), Limits(_PATIENCE, _PATIENCE, _PATIENCE)) as fetcher:
        began = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(at_once):
                nursery.start_soon(work, fetcher, waiting)
        seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "pages": pages}))


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), json.load(sys.stdin))
