"""The step type `demo_site`: a made-up news site on a loopback port, for trying out crawls and for tests.

The site itself is `quaero_cli/demosite/`; it is imported when a step starts, so that listing step types is quick.
"""

import errno
import hashlib
from typing import TYPE_CHECKING, Annotated

from quaero_cli.jobdef.model import Between
from quaero_cli.steps.contract import StepContext, StepFailed

if TYPE_CHECKING:
    from quaero_cli.demosite.server import Door

SERVICE = "ready"

_MOST_PORTS = 65_535
# Below those that systems hand out by themselves (Linux: from 32768), above most that services have.
_FIRST_PORT, _PORTS = 20_000, 12_000
_ATTEMPTS = 8


async def demo_site(
    ctx: StepContext,
    *,
    articles: Annotated[int, Between(1, 10_000)] = 200,
    seed: int = 1,
    port: Annotated[int, Between(0, _MOST_PORTS)] = 0,
) -> None:
    """Serve a made-up news site over HTTP on 127.0.0.1 until the step is stopped.

    Use it with `service = true`; its output `url` is the site's address, `articles` the number of articles. The
    site is the same for the same options: sections, tags, feeds, redirects, dead links, copies, slow pages, and
    corners that robots.txt forbids. Each request is logged at level debug.

    articles: how many articles the site has, 1 to 10000
    seed: another number makes another newspaper
    port: the port to listen on; 0 picks a free one, where it can the same one each time
    """
    from quaero_cli.demosite.server import listen, serve_at
    from quaero_cli.demosite.site import MOST_ARTICLES, Site
    from quaero_cli.demosite.traffic import Served

    if not 1 <= articles <= MOST_ARTICLES:
        raise StepFailed(f"articles = {articles} is out of range", hint=f"use 1 to {MOST_ARTICLES}")
    if not 0 <= port <= _MOST_PORTS:
        raise StepFailed(f"port = {port} is out of range", hint="use 1 to 65535, or 0 for a free one")

    async def observe(request: Served) -> None:
        ctx.log.debug(
            f"{request.method} {request.target} {request.status}",
            method=request.method,
            path=request.target,
            status=request.status,
            bytes=request.size,
            duration_ms=round(request.duration * 1000, 1),
        )
        await ctx.room()

    site = Site(articles, seed)
    try:
        door = await (listen(port) if port else _listen_again(ctx, articles, seed))
    except OSError as error:
        raise _cannot_listen(port, error) from error
    ctx.log.info(f"Demo site at {door.url}", url=door.url, articles=articles, seed=seed)
    ctx.ready({"url": door.url, "articles": articles})
    await serve_at(door, site, observe=observe)


async def _listen_again(ctx: StepContext, articles: int, seed: int) -> "Door":
    """Listen on a port that follows from where quaero keeps its data: the same site has the same address each time.

    Articles are known by their addresses, so a second crawl meets those of the first. If the port is taken, others
    are tried, then any.
    """
    from quaero_cli.demosite.server import listen

    name = f"{ctx.state_directory.parent}\0{ctx.step_name}\0{articles}\0{seed}".encode(errors="surrogateescape")
    first = int.from_bytes(hashlib.blake2b(name, digest_size=4).digest())
    for attempt in range(_ATTEMPTS):
        try:
            return await listen(_FIRST_PORT + (first + attempt) % _PORTS)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return await listen(0)


def _cannot_listen(port: int, error: OSError) -> StepFailed:
    reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
    return StepFailed(f"port {port} {reason}", hint="leave `port` out, and a free one is picked")
