"""The newest rows of an outbox, handed by the thread that stored them to whoever ships them, who need not read them.

They are in the outbox first, committed. These are copies, and any of them may be missing: then they are read there.
"""

import threading
from collections.abc import Callable, Sequence

from quaero_cli.store.outbox import Shipment

# Bytes that are kept at most. Where more waits than this, reading it is not what it waits for.
_MOST_BYTES = 2 * 1024 * 1024


class FreshRows:
    """Copies of rows. `tell` is called with what each `put` took, in its thread; whoever takes them sets it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: list[Shipment] = []
        self._bytes = 0
        self._last: int | None = None  # the newest row of the outbox; None: nobody knows
        self.tell: Callable[[Sequence[Shipment]], None] = lambda rows: None

    def put(self, rows: Sequence[Shipment] | None) -> None:
        """Take what was just committed, in its order; None: perhaps something was, and it is not known what."""
        with self._lock:
            size = sum(len(row.body) for row in rows or ())
            if rows is None or self._bytes + size > _MOST_BYTES:
                self._rows, self._bytes = [], 0
            else:
                self._rows += rows
                self._bytes += size
            if rows is None:
                self._last = None
            elif rows:
                self._last = rows[-1].id
        self.tell(rows or ())

    def after(self, place: int) -> list[Shipment] | None:
        """Return all rows after a place, and keep them no longer; None: look into the outbox."""
        with self._lock:
            found = [row for row in self._rows if row.id > place]
            self._rows, self._bytes = [], 0
            if self._last is None or (place < self._last and not _is_whole(found, place)):
                return None
            return found


def _is_whole(rows: Sequence[Shipment], place: int) -> bool:
    """Whether these are all rows after a place, up to the last of them: ids are given without holes."""
    return bool(rows) and rows[-1].id - place == len(rows)
