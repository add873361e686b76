"""A limit for how long a site may be silent before its answer begins; libcurl knows none.

Every request waits equally long, so requests stand in the order of their deadlines: one task looks at the first of
them, and a request costs an entry in a dict.
"""

from collections.abc import Callable

import pycurl
import trio

from quaero_cli.crawl.transfer import Transfer


class Silence:
    """Watches requests; `run` must be running in a nursery of the owner. `seconds` from a request's start."""

    def __init__(self, seconds: float, give_up: Callable[[pycurl.Curl], None]) -> None:
        self.seconds = seconds
        self._give_up = give_up
        self._waiting: dict[pycurl.Curl, tuple[float, Transfer]] = {}
        self._idle = trio.Event()

    def begin(self, handle: pycurl.Curl, transfer: Transfer) -> float:
        """A request is about to be made; returns what time it is."""
        now = trio.current_time()
        self._waiting[handle] = (now + self.seconds, transfer)
        self._idle.set()
        return now

    def end(self, handle: pycurl.Curl) -> None:
        """The request has ended, however it did."""
        self._waiting.pop(handle, None)

    async def run(self) -> None:
        """Give up requests whose time is over, until cancelled."""
        while True:
            if not self._waiting:
                self._idle = trio.Event()
                await self._idle.wait()
            deadline, _ = next(iter(self._waiting.values()), (0.0, None))
            await trio.sleep_until(deadline)
            now = trio.current_time()
            for handle, (deadline, transfer) in list(self._waiting.items()):
                if deadline > now:
                    break
                del self._waiting[handle]
                if not transfer.begun:
                    self._give_up(handle)
