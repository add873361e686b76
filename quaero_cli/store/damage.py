"""Damage that SQLite would not notice by itself, or would repair by writing: looked for before a store is opened.

A file that lost its end opens well, and fails in the middle of a job at the first page that is not there. An empty
one is taken for a new database, and what it once held is forgotten without a word. (A new store has its name only
when it is whole, so quaero leaves no empty file behind.) Costs two reads of a hundred bytes.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

from quaero_cli.errors import StoreError

_HEADER = (
    100  # bytes, as in SQLite's file format: page size at 16, change counter at 24, pages at 28, its version at 92
)
_HINT = "move the file aside and start anew, or restore a backup; it was not changed"


def refuse_damaged(path: Path) -> None:
    """Raise StoreError for a database file that is empty, or shorter than it says. The file must be there.

    To be called before this process has a connection to it: closing any descriptor of a file drops all POSIX locks
    that the process has on it, SQLite's among them.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER)
        size = os.fstat(file.fileno()).st_size
        # What was read belongs together when nobody has brought a write-ahead log into the file meanwhile.
        settled = not _has_log(path) and _read_again(file) == header
    if size == 0:
        raise StoreError(f"{path}: is empty", hint=_HINT)
    if not settled or len(header) < _HEADER or not header.startswith(b"SQLite format 3\0"):
        return  # the newest pages are elsewhere; or SQLite says what it is
    (page_size,) = struct.unpack_from(">H", header, 16)
    change, pages = struct.unpack_from(">II", header, 24)
    (valid_for,) = struct.unpack_from(">I", header, 92)
    expected = pages * (65_536 if page_size == 1 else page_size)
    if change == valid_for and size < expected:
        raise StoreError(f"{path}: is damaged: it has {size} bytes, and should have {expected}", hint=_HINT)


def _read_again(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(_HEADER)


def _has_log(path: Path) -> bool:
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except OSError:
        return False


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
