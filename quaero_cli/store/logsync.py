"""Waiting for the disk after a commit instead of within it.

A commit with `synchronous=FULL` is one with NORMAL (see `connect`, `lazy`) and then one `fdatasync` of the
write-ahead log. Done apart, what was committed can go its way to others while the disk writes.
"""

import os
from contextlib import closing
from pathlib import Path

from quaero_cli.store.engine import OperationalError, translated

# macOS has no other.
_sync = getattr(os, "fdatasync", os.fsync)


class LogSync:
    """The write-ahead log of a database that has a connection open, which keeps it in its place.

    SQLite holds no locks on that file, so nothing is lost when this closes it. The caller does that.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(f"{path}-wal", os.O_RDWR | os.O_CLOEXEC)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def wait(self) -> None:
        """Return when all that was committed is on the disk. Raises what a commit does that waits for it."""
        try:
            _sync(self._file)
        except OSError as error:
            raise OperationalError(f"disk I/O error: {error.strerror}") from error


def make_durable(path: Path) -> None:
    """Wait until the disk has what was committed. Raises StoreError."""
    with translated(path), closing(LogSync(path)) as log:
        log.wait()
