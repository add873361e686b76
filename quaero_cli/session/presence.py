"""What a worker machine says of itself to the views: when something has changed, and now and then."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import trio

from quaero_cli import __version__
from quaero_cli.cluster.ports import Engine, EngineAway

# Seconds between words of this machine to the views; shorter ones at first, for views that are started with it.
PRESENCE_INTERVAL = 10.0
_FIRST_INTERVAL = 1.0
# Seconds between two words at least: items may come and go by the hundred a second.
PRESENCE_PAUSE = 0.2


class News:
    """Something has changed that decides what may be claimed, or that the views are to know."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def tell(self) -> None:
        """It has."""
        self._event.set()
        self._event = trio.Event()

    def waiter(self) -> trio.Event:
        """Return what is set by the next change; to be taken before looking."""
        return self._event


class Presence:
    """Tells the views of the machine `node`. `run` is its task."""

    def __init__(self, engine: Engine, node: str, facts: Callable[[], dict[str, Any]], news: News) -> None:
        self._engine = engine
        self._node = node
        self._facts = facts
        self._news = news

    async def run(self) -> None:
        """Tell until cancelled."""
        interval = _FIRST_INTERVAL
        while True:
            news = self._news.waiter()
            await self.tell(left=False)
            with trio.move_on_after(interval) as silence:
                await news.wait()
            if silence.cancelled_caught:
                interval = min(2 * interval, PRESENCE_INTERVAL)
            await trio.sleep(PRESENCE_PAUSE)

    async def tell(self, *, left: bool) -> None:
        """Tell once, if the engine is there."""
        about = {"version": __version__, "host": socket.gethostname(), "left": left}
        with suppress(EngineAway):
            await self._engine.tell(self._node, {**about, **self._facts()})
