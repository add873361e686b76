"""Manners towards a server: so many connections at once, so much time between requests, a pause when it asks for one.

A server is a URL's authority (`host[:port]`). Whoever wants to make a request holds a place of `Manners.visit` for
as long as the request takes, and for nothing else: never two places, never one while waiting for another server.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

# A robots.txt may ask for a day between requests; nobody's crawl means to wait for longer than this, in seconds.
MAX_CRAWL_DELAY = 30.0


class _Server:
    """State of one server."""

    __slots__ = ("delay", "free_at", "places")

    def __init__(self, connections: int, delay: float) -> None:
        self.places = trio.Semaphore(connections)
        self.delay = delay
        self.free_at = -float("inf")  # when the next request may start


class Manners:
    """Keeps every server's rules: `per_host` connections at once, `delay` seconds between two requests' starts."""

    def __init__(self, *, per_host: int, delay: float) -> None:
        self._per_host = per_host
        self._delay = delay
        self._servers: dict[str, _Server] = {}

    @asynccontextmanager
    async def visit(self, server: str) -> AsyncGenerator[None, None]:
        """Wait for a place at the server and for its time, then hold the place."""
        state = self._state(server)
        async with state.places:
            while True:
                now = trio.current_time()
                if now >= state.free_at:
                    state.free_at = now + state.delay
                    break
                await trio.sleep_until(state.free_at)
            yield

    def slow_down(self, server: str, delay: float) -> None:
        """The server's own wish for time between requests: never less than the author's, bounded."""
        state = self._state(server)
        state.delay = max(state.delay, min(delay, MAX_CRAWL_DELAY))

    def pause(self, server: str, seconds: float) -> None:
        """No request to the server starts before `seconds` have passed."""
        state = self._state(server)
        state.free_at = max(state.free_at, trio.current_time() + seconds)

    def _state(self, server: str) -> _Server:
        state = self._servers.get(server)
        if state is None:
            state = self._servers[server] = _Server(self._per_host, self._delay)
        return state
