"""Who runs a job: the process that holds the `flock` on the job's lock file.

The kernel drops the lock when its holder dies, however it dies; so whoever looks and finds an open job with a free
lock knows at once that its runner is gone, without heartbeats, clocks or process IDs that are used again. The files
are opened close-on-exec: children do not hold the lock.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from quaero_cli.store.engine import translated


def locked_jobs(folder: Path) -> list[str]:
    """Return the jobs that have a lock file: those that run, and those whose runner could not remove it."""
    return [
        file.stem for file in folder.glob("*.lock") if "-" not in file.stem
    ]  # those have names of parts of a cluster


class JobLock:
    """The lock of one job; a context manager that lets go and removes the file when the job has ended."""

    def __init__(self, folder: Path, job_id: str) -> None:
        self._path = folder / f"{job_id}.lock"
        self._fd: int | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free. Raises StoreError when the folder cannot be written."""
        with translated(self._path):
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        if not self._is_current(fd):
            # Its last holder removed the file between our open and our flock.
            os.close(fd)
            return self.acquire()
        self._fd = fd
        return True

    def _is_current(self, fd: int) -> bool:
        try:
            on_disk = os.stat(self._path)
        except FileNotFoundError:
            return False
        mine = os.fstat(fd)
        return (on_disk.st_dev, on_disk.st_ino) == (mine.st_dev, mine.st_ino)

    def release(self) -> None:
        """Let go and remove the file. Harmless when the lock is not held."""
        if self._fd is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
