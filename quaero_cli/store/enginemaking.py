"""How the file of an engine is made and opened, and how it is told from any other file, which is left as it is.

Nothing is written, and no journal is looked through, before the file was seen to be an engine's: by its number
(`application_id`), or, from before there was one, by having an engine's tables and nothing else. All that makes it
one is a single transaction; whoever is killed before that leaves a file without tables, which is made the next time.
Processes of one machine take turns at opening by a lock of the folder of their wake-up sockets.
"""

import fcntl
import functools
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pysqlite3 as sqlite

from quaero_cli.errors import StoreError
from quaero_cli.store.damage import identity
from quaero_cli.store.engine import APPLICATION_ID as STORE_ID
from quaero_cli.store.engine import Connection, SqliteError, connect, require_safe_engine, snapshot, transaction

APPLICATION_ID = 0x71656E67  # "qeng"
VERSION = 1
# Those of version 1 are for ever: a file from before there were numbers is known by their very text.
TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shipment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    body BLOB NOT NULL, tag TEXT NOT NULL, time REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, queue TEXT NOT NULL, labels TEXT NOT NULL,
    part INTEGER NOT NULL, body BLOB NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, held_until REAL NOT NULL DEFAULT 0,
    node TEXT NOT NULL DEFAULT '', cancel INTEGER NOT NULL DEFAULT 0, status TEXT, result TEXT, time REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS job_open ON job(part DESC, number) WHERE status IS NULL;
CREATE TABLE IF NOT EXISTS word (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, body TEXT NOT NULL,
    time REAL NOT NULL);
"""
_OTHER_FILE = "give --engine a file of its own, which is made when it is missing; this one was not changed"
_NO_FILE = "give --engine another file, or move this one aside: a new one is made"
_OTHER_PATH = "give --engine the path of a file in a folder that can be written"
_DAMAGED = "move the file aside: a new one is made, and workers and views send and read again what they have"


def wake_of(path: Path) -> Path:
    """Return the folder of the sockets by which the processes of an engine wake each other."""
    return path.with_name(path.name + ".wake")


def wal_of(path: Path) -> Path:
    """Return where SQLite keeps what is not in the file yet."""
    return path.with_name(path.name + "-wal")


def open_engine(path: Path) -> Connection:
    """Open the file, which is made if it is missing. Raises StoreError; what is no engine is left as it is then."""
    require_safe_engine()
    with told(path):
        _look(path)
        wake_of(path).mkdir(mode=0o700, parents=True, exist_ok=True)
        with _turn(path):
            if not _look(path):
                forget_remains(path)
            connection = connect(path)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                _make(connection, path)
            except BaseException:
                connection.close()
                raise
            return connection


def forget_remains(path: Path) -> None:
    """Remove what SQLite kept beside a file that had this name: it would be taken for the new one's."""
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)


def forget_former(path: Path, wal: tuple[int, int] | None) -> None:
    """Remove what lies beside a file that has taken another one's name, if it is still the other one's.

    `wal`: the identity of the other one's log, which is still open here (else it might be a new file's by now).
    """
    with told(path), suppress(FileNotFoundError), _turn(path):
        if wal is not None and identity(wal_of(path)) == wal:
            forget_remains(path)


def _look(path: Path) -> bool:
    """Return whether there is a file. Raises StoreError for one that is no engine; writes nothing."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no ordinary file"
        raise StoreError(f"{path}: is {what}", hint="sqlite:///FOLDER/engine.db names a file")
    # Read-only: otherwise another program's log would be brought into its file when this is closed.
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA trusted_schema=OFF")
        with snapshot(connection):  # another process may make it just now
            _is_current(connection, path)
    return True


def _is_current(connection: Connection, path: Path) -> bool:
    """Return whether it is an engine of this version; False: there is nothing in it, or it is from before numbers."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application == STORE_ID:
        raise StoreError(f"{path}: is a data directory's database, not an engine", hint=_OTHER_FILE)
    found = _schema_of(connection)
    if application == 0 and version == 0 and (not found or found == _own_schema()):
        return False
    if application != APPLICATION_ID:
        raise StoreError(f"{path}: is another program's database", hint=_OTHER_FILE)
    if version > VERSION:
        raise StoreError(
            f"{path}: made by a newer quaero (engine's file {version}, this one knows {VERSION})",
            hint="upgrade quaero, or give --engine another file",
        )
    lacking = {name for name, _ in _own_schema() - found}
    if lacking:
        raise StoreError(f"{path}: is damaged: its {min(lacking)} is missing or changed", hint=_DAMAGED)
    return True


def _schema_of(connection: Connection) -> frozenset[tuple[str, str]]:
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'")
    return frozenset(rows.fetchall())


@functools.cache  # half a millisecond, and asked for twice whenever a file is opened
def _own_schema() -> frozenset[tuple[str, str]]:
    with closing(sqlite.connect(":memory:")) as connection:
        connection.executescript(TABLES)
        return _schema_of(connection)


def _make(connection: Connection, path: Path) -> None:
    """Make it an engine, unless it is one."""
    with snapshot(connection):
        if _is_current(connection, path):
            return
    with transaction(connection):
        if _is_current(connection, path):
            return
        for statement in filter(str.strip, TABLES.split(";\n")):
            connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('log', ?)", (secrets.token_hex(6),))
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={VERSION}")


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    folder = os.open(wake_of(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn errors into StoreError with an engine's ways out."""
    try:
        yield
    except SqliteError as error:
        raise StoreError(f"{path}: {error}", hint=_hint(str(error), path)) from error
    except StoreError as error:
        if error.__cause__ is None:
            raise
        raise StoreError(error.message, hint=_hint(str(error.__cause__), path)) from error.__cause__
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}", hint=_OTHER_PATH) from error


def _hint(reason: str, path: Path) -> str | None:
    if "not a database" in reason:
        return _NO_FILE
    if "malformed" in reason or "no such" in reason:
        return _DAMAGED
    if "full" in reason or "disk I/O" in reason:
        return f"free space on the disk that holds {path.parent}"
    if "unable to open" in reason or "readonly" in reason:
        return _OTHER_PATH
    if "locked" in reason:
        return f"another process holds it; see which with: fuser {path}"
    return None
