"""A store that cannot be written for a while, in a process that outlives that: told once, and once when it is over.

Several tasks may meet it, each at its own time, and each tries again until it can go on. The first one that meets it
is whom people hear, the last one to go on says that it is over.
"""

from collections.abc import Awaitable, Callable

import trio

from quaero_cli.errors import StoreError
from quaero_cli.store.engine import is_passing

# Seconds between looks whether the store can be written again.
RETRY_AFTER = 1.0


class Trouble:
    """What the process knows of it. `tell` is given words for stderr."""

    def __init__(self, tell: Callable[[str], None], over: Callable[[int], None]) -> None:
        """`over` is called with the number of lines that were lost when it is."""
        self._tell = tell
        self._over = over
        self._met: set[str] = set()
        self._lost = 0

    @property
    def lasts(self) -> bool:
        """Whether something cannot be stored now."""
        return bool(self._met)

    def begins(self, who: str, error: StoreError) -> None:
        """Somebody could not write."""
        if not self._met:
            hint = f"hint: {error.hint}\n" if error.hint else ""
            self._tell(f"warning: the store cannot be written: {error}\n{hint}")
        self._met.add(who)

    def ends(self, who: str, lost: int = 0) -> None:
        """Somebody can write again, and has lost so many lines."""
        self._lost += lost
        self._met.discard(who)
        if not self._met:
            lost, self._lost = self._lost, 0
            self._tell("the store can be written again\n")
            self._over(lost)

    async def outlived(self, who: str, task: Callable[[], Awaitable[None]]) -> None:
        """Run a task that goes on for ever, and that may be begun anew whenever the store has failed it.

        Raises what the task raises, but for a StoreError that may be over in a while.
        """
        while True:
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(task)
                    if who in self._met:
                        await trio.sleep(2 * RETRY_AFTER)  # it has not met it again at once
                        self.ends(who)
                return
            except* StoreError as group:
                error = _first(group)
                if not is_passing(error.__cause__):
                    raise error from error.__cause__
                self.begins(who, error)
            await trio.sleep(RETRY_AFTER)


def _first(group: BaseExceptionGroup[StoreError]) -> StoreError:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, StoreError)
    return found
