"""How a running crawl does, in a few words, told once a second: what waits, how fast it goes, which servers limp."""

import trio

from quaero_cli.crawl.frontier import Frontier
from quaero_cli.crawl.polite import Manners, ServerState
from quaero_cli.crawl.ports import Surroundings
from quaero_cli.crawl.tally import Tally

# Seconds between two looks, and over which the rate is taken.
_EVERY = 1.0
# Servers told of by name; the summary has the others' numbers.
_MOST_NAMED = 3
_MIB = 1 << 20


class Progress:
    """Reports for as long as `run` does; `text` is what it says at this moment."""

    def __init__(self, around: Surroundings, frontier: Frontier, manners: Manners, tally: Tally) -> None:
        self._around = around
        self._frontier = frontier
        self._manners = manners
        self._tally = tally
        self._began = trio.current_time()
        self._then = (self._began, 0)

    async def run(self) -> None:
        """Report until cancelled, whenever there is something new to say."""
        said = ""
        while True:
            await trio.sleep(_EVERY)
            now, fetched = trio.current_time(), self._tally.fetched
            rate = (fetched - self._then[1]) / (now - self._then[0])
            self._then = (now, fetched)
            if (text := self._text(rate)) != said:
                said = text
                self._around.report(text=text)

    def finish(self) -> None:
        """Say how it was as a whole."""
        seconds = trio.current_time() - self._began
        self._around.report(text=self._text(self._tally.fetched / seconds if seconds > 0 else 0.0))

    def _text(self, rate: float) -> str:
        parts = [f"{self._frontier.waiting} queued", f"{rate:.1f} pages/s", f"{self._tally.bytes / _MIB:.1f} MiB"]
        states = self._manners.states()
        limping = [words for state in states if (words := _limp(state, self._manners.per_host))]
        if len(states) > 1:
            parts.append(f"{len(states)} hosts")
        return ", ".join([*parts, *limping[:_MOST_NAMED], *(["…"] if len(limping) > _MOST_NAMED else [])])


def _limp(state: ServerState, per_host: int) -> str | None:
    """What is the matter with a server; None: nothing."""
    if state.resting is not None:
        return f"{state.server} left alone"
    if state.pausing >= 1:
        return f"{state.server} pauses for {state.pausing:.0f} s"
    if state.connections < per_host:
        return f"{state.server} slow ({state.connections} of {per_host} connections)"
    return None
