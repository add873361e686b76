"""Damage that SQLite would not notice by itself, or would repair by writing: looked for before a store is opened.

A file that lost its end opens well, and fails in the middle of a job at the first page that is not there. An empty
one is taken for a new database, and what it once held is forgotten without a word. (A new store has its name only
when it is whole, so quaero leaves no empty file behind.) Costs one read of a hundred bytes.
"""

import struct
from pathlib import Path

from quaero_cli.errors import StoreError

_HEADER = (
    100  # bytes, as in SQLite's file format: page size at 16, change counter at 24, pages at 28, its version at 92
)
_HINT = "move the file aside and start anew, or restore a backup; it was not changed"


def refuse_damaged(path: Path) -> None:
    """Raise StoreError for a database file that is empty, or shorter than it says. The file must be there."""
    size = path.stat().st_size
    if size == 0:
        raise StoreError(f"{path}: is empty", hint=_HINT)
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size > 0:
        return  # the newest pages, and the number of them, are in there
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(b"SQLite format 3\0"):
        return  # SQLite says so
    (page_size,) = struct.unpack_from(">H", header, 16)
    change, pages = struct.unpack_from(">II", header, 24)
    (valid_for,) = struct.unpack_from(">I", header, 92)
    expected = pages * (65_536 if page_size == 1 else page_size)
    if change == valid_for and size < expected:
        raise StoreError(f"{path}: is damaged: it has {size} bytes, and should have {expected}", hint=_HINT)


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one that takes its name; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def replaced(path: Path) -> StoreError:
    """Return the error for a database whose file is another one by now: its numbers and keys mean other jobs."""
    return StoreError(
        f"{path}: was replaced while it was in use",
        hint="what was stored before is in the file that was there; stop all jobs before restoring a backup",
    )
