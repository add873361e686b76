"""The outbox's bound: when views are away for long, entries wait on the worker's disk, and not without end.

Past the bound no further job is taken, and the running ones wait where they can wait (a child's pipe is not read, so
the child blocks), until there is room. Nothing is dropped.
"""

from collections.abc import Callable
from pathlib import Path

import trio

from quaero_cli.store.outbox import outbox_load

# Seconds between looks; a look reads two numbers, which are kept as rows come and go.
LOOK_INTERVAL = 1.0
# The part of the bound at which it is said that it will be reached.
WARN_AT = 0.5


class Bound:
    """Watches one outbox. `run` is its task."""

    def __init__(
        self, path: Path, most: int, say: Callable[[str], None], *, missing: Callable[[], list[str]] = list
    ) -> None:
        """`missing`: returns the archives that are away, on whose word it would be emptied."""
        self._path = path
        self._most = most
        self._say = say
        self._missing = missing
        self._warned = False
        self._room = trio.Event()
        self._room.set()
        self.bytes = 0
        self.entries = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be begun."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Wait until there is room."""
        await self._room.wait()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.bytes, self.entries = await trio.to_thread.run_sync(outbox_load, self._path)
            if self.bytes >= self._most and self._room.is_set():
                self._room = trio.Event()
                self._say(f"The outbox is full ({self._what()}): jobs wait for room in it")
            elif self.bytes < self._most and not self._room.is_set():
                self._room.set()
                self._say("The outbox has room again")
            if self.bytes >= self._most * WARN_AT and not self._warned:
                self._warned = True
                if self._room.is_set():
                    self._say(f"The outbox fills ({self._what()}): at {self._most} bytes jobs will wait")
            elif self.bytes < self._most * WARN_AT / 2:
                self._warned = False
            await trio.sleep(LOOK_INTERVAL)

    def _what(self) -> str:
        missing = self._missing()
        if not missing:
            return f"{self.bytes} bytes that no view has"
        away = f"the archive {missing[0]} is" if len(missing) == 1 else f"the archives {' and '.join(missing)} are"
        return f"{self.bytes} bytes, {away} away"
