"""Opening the database on an SQLite that can be trusted.

Every SQLite from 3.7.0 to 3.51.2 has the WAL-reset race: two connections in WAL mode, an overlapping checkpoint
and commit, and committed pages are lost (fixed in 3.51.3, back-ported to 3.50.7 and 3.44.6). Most Pythons link
such a version, so quaero brings its own through `pysqlite3`, looks at the version that was really linked, and
refuses the others. One process uses one SQLite library: the standard library's name is pointed at ours before
sqlite-utils is imported, since two libraries with the same file open drop each other's POSIX locks.

The writers of one process take turns by a lock: SQLite lets whoever finds the file locked sleep for milliseconds, and
ever longer, while most commits take less than one.
"""

import errno
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import pysqlite3 as sqlite

from quaero_cli.errors import StoreError

if TYPE_CHECKING:
    # pysqlite3 carries no annotations; it is the standard library's module, built with another engine.
    from sqlite3 import Connection, Cursor, OperationalError
    from sqlite3 import Error as SqliteError
else:
    Connection, Cursor = sqlite.Connection, sqlite.Cursor
    SqliteError, OperationalError = sqlite.Error, sqlite.OperationalError

__all__ = [
    "Connection",
    "Cursor",
    "OperationalError",
    "SqliteError",
    "connect",
    "require_safe_engine",
    "snapshot",
    "transaction",
    "translated",
]

sys.modules.setdefault("sqlite3", sqlite)

APPLICATION_ID = 0x71756172  # "quar": tells our files from other SQLite files
# Seconds a writer waits for another one. A batch takes milliseconds; a wait this long means a stuck process.
BUSY_TIMEOUT = 10.0


# The turn to write, of each database of which this process has a connection.
_turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
_turns_lock = threading.Lock()


class _InTurn(Connection):
    """A connection that knows the lock of its file's writers."""

    turn: threading.Lock


def _turn_of(path: Path) -> threading.Lock:
    with _turns_lock:
        return _turns.setdefault(str(path.absolute()), threading.Lock())


def is_safe(version: tuple[int, ...]) -> bool:
    """Return whether an SQLite version is free of the WAL-reset race."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def engine_version() -> tuple[int, ...]:
    """Return the version of the linked SQLite."""
    version: tuple[int, ...] = sqlite.sqlite_version_info
    return version


def require_safe_engine(version: tuple[int, ...] = sqlite.sqlite_version_info) -> None:
    """Raise StoreError when the linked SQLite may lose committed data."""
    if not is_safe(version):
        shown = ".".join(map(str, version))
        raise StoreError(
            f"the linked SQLite {shown} can lose committed data (WAL-reset race)",
            hint="install a newer pysqlite3 (SQLite 3.51.3 or later): pip install -U pysqlite3",
        )


def connect(path: Path, *, readonly: bool = False, lazy: bool = False) -> Connection:
    """Open a connection in autocommit mode; transactions are begun explicitly.

    `lazy`: its commits do not wait for the disk. A power cut may undo the newest of them, in their order; the next
    commit of any connection that waits takes them with it.

    It may be handed from one thread to another, but used by one at a time. Raises StoreError when the file
    cannot be opened or is not a quaero database.
    """
    require_safe_engine()
    with translated(path):
        if readonly:
            connection: _InTurn = sqlite.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                check_same_thread=False,
                isolation_level=None,
                factory=_InTurn,
            )
        else:
            # New files (and their -wal and -shm) are for their owner alone, whatever the umask of the shell.
            previous = os.umask(0o077)
            try:
                connection = sqlite.connect(path, check_same_thread=False, isolation_level=None, factory=_InTurn)
            finally:
                os.umask(previous)
        connection.turn = _turn_of(path)
        connection.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT * 1000)}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute(f"PRAGMA synchronous={'NORMAL' if lazy else 'FULL'}")
        if readonly:
            connection.execute("PRAGMA query_only=ON")
    return connection


def is_passing(error: BaseException | None) -> bool:
    """Return whether what went wrong may be over in a while: a full disk, a lock, a failed write; not damage."""
    # A table or a column that is not there comes as what a lock does.
    return isinstance(error, OperationalError | OSError) and not str(error).startswith("no such ")


def is_full(error: BaseException | None) -> bool:
    """Return whether what went wrong is that there is no room on the disk."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, OperationalError) and "is full" in str(error)


class UnknownValue(Exception):
    """A stored value that quaero never writes: the file is damaged, or somebody has changed it."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into StoreError with the file's name and, where there is one, a way out."""
    try:
        yield
    except UnknownValue as error:
        raise StoreError(f"{path}: is damaged: {error}", hint=DAMAGED) from error
    except SqliteError as error:
        raise StoreError(f"{path}: {error}", hint=_hint(str(error), path)) from error
    except OSError as error:
        reason = "open files" if error.errno in (errno.EMFILE, errno.ENFILE) else "unable to open"
        raise StoreError(f"{path}: {error.strerror or error}", hint=_hint(reason, path)) from error


DAMAGED = "see what else is wrong with quaero db check, and restore a backup, or move the file aside and start anew"


def _hint(reason: str, path: Path) -> str | None:
    if "open files" in reason or ("unable to open" in reason and _no_descriptor_left()):
        return "no more files can be opened: raise the limit with ulimit -n, or run fewer things at once"
    if "unable to open" in reason or "readonly" in reason:
        return f"make {path.parent} writable, or choose another data directory with --home or QUAERO_HOME"
    if "full" in reason or "disk I/O" in reason:
        return f"free space on the disk that holds {path.parent}; everything stored so far is intact"
    if "not a database" in reason or "malformed" in reason:
        return "move the file aside and start anew, or restore a backup; it was not changed"
    if "no such table" in reason or "no such column" in reason:
        return DAMAGED
    if "locked" in reason:
        return "another process holds the database; see which with: fuser " + str(path)
    return None


def _no_descriptor_left() -> bool:
    """SQLite says "unable to open" of whatever keeps it from that: whether it is our limit of open files."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run the block in one write transaction: all of it is stored, or nothing.

    BEGIN IMMEDIATE takes the write lock first; a transaction that reads and then writes would fail at once with
    SQLITE_BUSY_SNAPSHOT when another writer came between.
    """
    with _in_turn(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def _in_turn(connection: Connection) -> Iterator[None]:
    """Keep this process's other writers of the file away; one that hangs only for as long as one of others would."""
    turn = connection.turn if isinstance(connection, _InTurn) else threading.Lock()
    held = turn.acquire(timeout=BUSY_TIMEOUT)
    try:
        yield
    finally:
        if held:
            turn.release()


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """Run the block in one read transaction: every query sees the same commit. Never held over an await."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
