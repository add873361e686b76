"""A disk that is full for one process: as there, writing beyond a size fails."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Bytes that a file may have then.
SMALL = 1 << 20
# A job that says more than that.
LINES = 60_000
LINE = "line {} of a long and winding text that fills the disk sooner or later"
LOUD = f"""
[step.loud]
type = "shell"
command = "seq -f '{LINE.format("%.0f")}' {LINES}"
"""
# The same, until it is ended: how it ends does not hang on whether it had said all before the disk was full.
STAYING = LOUD.replace(f' {LINES}"', f' {LINES}; exec sleep 600"')


@contextmanager
def full_disk(pid: int, size: int) -> Iterator[None]:
    """Let no file of a process grow beyond so many bytes, for the length of the block."""
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it has ended
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
