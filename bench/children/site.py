"""The demo site in a process of its own: `site ARTICLES`. Says its address, and serves until its stdin is closed."""

import sys

import trio

from quaero_cli.demosite.server import serve
from quaero_cli.demosite.site import Site


async def main(articles: int) -> None:
    """Serve; the pages that are slow on purpose answer at once."""
    async with trio.open_nursery() as nursery:
        print(await nursery.start(serve, Site(articles, slow=0)), flush=True)
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
