"""Looks at the store that followers share: what one of them read, the others at the same place need not read again.

A thousand browsers that watch one job ask the same question after each commit. So there is one reader for all looks
on the event loop, and an answer is kept until the next wake-up, under (query, places, room). An old answer is never
wrong, only early: whatever was committed after it brings a wake-up of its own.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path

from quaero_cli.model import LogQuery
from quaero_cli.store.entries import Places
from quaero_cli.store.reader import Look, Reader, open_reader
from quaero_cli.store.scope import Scope


class SharedLooks:
    """The looks of one process's followers. For the thread of the event loop only."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._reader: Reader | None = None
        self.users = 0  # followers that are open now
        self.lookers = 0  # those that look by themselves: a crowd counts as one
        self._kept: dict[Hashable, Look] = {}

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """Give the shared reader; it is open while somebody uses it. Raises StoreError."""
        if self._reader is None:
            self._reader = open_reader(self._database)
        self.users += 1
        self.lookers += 1
        try:
            yield self._reader
        finally:
            self.users -= 1
            self.lookers -= 1
            if self.users == 0:
                self._reader.close()
                self._reader = None
                self._kept.clear()

    def forget(self) -> None:
        """Something was committed: read again."""
        self._kept.clear()

    def look_after(
        self, reader: Reader, query: LogQuery, scope: Scope, places: Places, room: int, *, has_more: bool
    ) -> Look:
        """Return what has come since `places`. The answer is shared: whoever gets it changes nothing in it."""
        key = (query, tuple(places.items()), room, has_more)
        look = self._kept.get(key)
        if look is None:
            look = reader.look_after(scope, query.jobs, places, room, has_more=has_more)
            if look.complete:  # a page of somebody who is far behind helps nobody else
                self._kept[key] = look
        return look
