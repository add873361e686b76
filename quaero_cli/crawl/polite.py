"""Manners towards a server: so many connections at once, so much time between requests, a pause when it asks for one.

A server is a URL's authority (`host[:port]`). Whoever wants to make a request holds a place of `Manners.visit` for
as long as the request takes, and for nothing else: never two places, never one while waiting for another server.

Connections adapt to how the server bears them. What it answers is told to `heard`: when it is busy, silent, or much
slower than at its best, it is given half as many connections; each good answer earns a part of one back. After many
failures in a row, or when it asks for more time than anybody waits, it is left alone: `resting` then says why.
"""

from dataclasses import dataclass

import trio

from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.patience import is_busy

# A robots.txt may ask for a day between requests; nobody's crawl means to wait for longer than this, in seconds.
MAX_CRAWL_DELAY = 30.0
# No answer at all so often in a row, and the server is taken for gone.
GONE_AFTER = 16
# Good answers that earn one more connection.
_EARNED = 8
# How the mean latency follows the newest one; and what counts as slow: so many seconds, so many times the best mean.
_SMOOTHING = 0.2
_SLOW_SECONDS = 1.0
_SLOW_TIMES = 4.0

_SILENT = frozenset({"timeout", "reset", "refused"})


@dataclass(frozen=True, slots=True)
class ServerState:
    """How a server does, for people."""

    server: str
    connections: int  # allowed at once, at this moment
    latency: float  # seconds, mean
    pausing: float  # seconds until the next request may start
    resting: str | None  # why it is left alone


class _Server:
    """State of one server."""

    __slots__ = (
        "allowed",
        "asked",
        "began",
        "best",
        "busy",
        "delay",
        "failures",
        "free_at",
        "latency",
        "lot",
        "resting",
    )

    def __init__(self, connections: int, delay: float) -> None:
        self.allowed = float(connections)
        self.busy = 0
        self.lot = trio.lowlevel.ParkingLot()
        self.delay = delay
        self.free_at = -float("inf")  # when the next request may start
        self.began = 0.0  # when the last one was started
        self.asked = False  # whether any was
        self.latency = 0.0
        self.best = float("inf")
        self.failures = 0  # in a row
        self.resting: str | None = None


class _Visit:
    """One place at a server. A plain class: it is entered for each request."""

    __slots__ = ("_began", "_state")

    def __init__(self, state: _Server) -> None:
        self._state = state
        self._began = 0.0

    async def __aenter__(self) -> None:
        state = self._state
        await trio.lowlevel.checkpoint_if_cancelled()  # the request itself lets others run
        while state.busy >= int(state.allowed):
            await state.lot.park()
        state.busy += 1
        try:
            while True:
                now = trio.current_time()
                if now >= state.free_at:
                    break
                await trio.sleep_until(state.free_at)
        except BaseException:
            self._leave()
            raise
        state.began, state.asked = now, True
        self._began = now
        state.free_at = now + state.delay

    async def __aexit__(self, *_: object) -> None:
        state = self._state
        if state.delay and state.began == self._began:
            # The server may have heard of the request just now: between two lines of its log lies the whole delay.
            state.free_at = max(state.free_at, trio.current_time() + state.delay)
        self._leave()

    def _leave(self) -> None:
        state = self._state
        state.busy -= 1
        if state.lot:  # nobody waits, most of the time
            state.lot.unpark(count=max(0, int(state.allowed) - state.busy))


class Manners:
    """Keeps every server's rules: `per_host` connections at once, `delay` seconds between two requests.

    From the end of one to the start of the next; one that takes longer than the delay holds up no other.
    """

    def __init__(self, *, per_host: int, delay: float) -> None:
        self.per_host = per_host
        self._delay = delay
        self._servers: dict[str, _Server] = {}

    def visit(self, server: str) -> "_Visit":
        """Wait for a place at the server and for its time, then hold the place: `async with`."""
        return _Visit(self._state(server))

    def heard(self, server: str, answer: Response | FetchError) -> None:
        """Tell what came of a request, for the next ones."""
        state = self._state(server)
        if isinstance(answer, FetchError) and answer.kind in _SILENT:
            state.failures += 1
            self._give_less(state)
            if state.failures >= GONE_AFTER:
                state.resting = f"the site did not answer {state.failures} times in a row ({answer.reason})"
        elif is_busy(answer):
            self._give_less(state)
        elif isinstance(answer, Response):
            state.failures = 0
            self._note_latency(state, answer.duration)

    def slow_down(self, server: str, delay: float) -> None:
        """The server's own wish for time between requests: never less than the author's, bounded."""
        state = self._state(server)
        state.delay = max(state.delay, min(delay, MAX_CRAWL_DELAY))
        if state.asked:  # for robots.txt, just now: that counts as well
            state.free_at = max(state.free_at, trio.current_time() + state.delay)

    def delays(self, server: str) -> bool:
        """Whether the server wants time between requests."""
        return self._state(server).delay > 0

    def pause(self, server: str, seconds: float) -> None:
        """No request to the server starts before `seconds` have passed."""
        state = self._state(server)
        state.free_at = max(state.free_at, trio.current_time() + seconds)

    def rest(self, server: str, reason: str) -> None:
        """Ask the server for nothing more."""
        self._state(server).resting = reason

    def resting(self, server: str) -> str | None:
        """Why the server is asked for nothing more; None: it is asked."""
        return self._state(server).resting

    def states(self) -> list[ServerState]:
        """How every server does."""
        now = trio.current_time()
        return [
            ServerState(
                name, int(each.allowed), each.latency, max(0.0, each.free_at - now - each.delay), each.resting
            )
            for name, each in self._servers.items()
        ]

    def _note_latency(self, state: _Server, seconds: float) -> None:
        state.latency += _SMOOTHING * (seconds - state.latency) if state.latency else seconds
        state.best = min(state.best, state.latency)
        if state.latency > max(_SLOW_SECONDS, _SLOW_TIMES * state.best):
            self._give_less(state)
            state.latency = state.best  # judged anew, with the fewer connections
        else:
            state.allowed = min(float(self.per_host), state.allowed + 1 / _EARNED)

    @staticmethod
    def _give_less(state: _Server) -> None:
        state.allowed = max(1.0, state.allowed / 2)

    def _state(self, server: str) -> _Server:
        state = self._servers.get(server)
        if state is None:
            state = self._servers[server] = _Server(self.per_host, self._delay)
        return state
