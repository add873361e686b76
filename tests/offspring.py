"""Processes that this one has: children, and orphans that it adopted; a test must leave none behind."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from quaero_cli.engine import procfs
from quaero_cli.engine.strays import become_subreaper


def children() -> set[tuple[int, int]]:
    """PID and start of every child and adopted orphan of this process, zombies among them."""
    mine = (stat for stat in procfs.every_stat() if stat.parent == os.getpid())
    return {(stat.pid, stat.started) for stat in mine}


@contextmanager
def nothing_new() -> Iterator[set[tuple[int, int]]]:
    """Adopt what loses its parent in the block, and fail if anything of it is left at the end.

    Yields those that were there before: what earlier tests left (a browser's helpers, say) may still be ending.
    """
    become_subreaper()
    before = children()
    yield before
    assert children() - before == set()
