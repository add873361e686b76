"""How a store is made, and how an older file becomes a newer one. Everything here runs rarely; nothing is hot."""

import fcntl
import os
import re
import secrets
from contextlib import closing
from pathlib import Path

from quaero_cli.errors import StoreError
from quaero_cli.store.damage import refuse_damaged
from quaero_cli.store.engine import APPLICATION_ID, DAMAGED, Connection, connect, translated
from quaero_cli.store.tables import TABLES

SCHEMA_VERSION = 1

# The service log is kept like a job's, under a key in `log` that no job has.
SERVICE = 0


def prepare(path: Path) -> None:
    """Make the data directory and the database if they are missing, and migrate an older file.

    Cheap when there is nothing to do. Two processes that start at once migrate once. Raises StoreError when the
    directory cannot be written, the file is no quaero database, or a newer quaero made it.
    """
    with translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in ("locks", "wake"):
            (path.parent / folder).mkdir(mode=0o700, exist_ok=True)
    if path.exists():
        with translated(path):
            refuse_damaged(path)
        with closing(connect(path)) as connection, translated(path):
            if _is_current(connection, path):
                return
    _migrate(path)


def _is_current(connection: Connection, path: Path) -> bool:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application not in (0, APPLICATION_ID) or (
        application == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    ):
        raise StoreError(
            f"{path}: another program's database", hint="choose another data directory with --home or QUAERO_HOME"
        )
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path}: made by a newer quaero (schema {version}, this one knows {SCHEMA_VERSION})",
            hint="upgrade quaero, or choose another data directory with --home",
        )
    return bool(version == SCHEMA_VERSION)


def missing_tables(connection: Connection) -> list[str]:
    """Return the tables that a store has and this one has not."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    return [name for name in re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", TABLES) if name not in there]


def require_usable(path: Path) -> None:
    """Raise StoreError for a store that cannot be used as it is; one that would be migrated can. Writes nothing."""
    with translated(path):
        refuse_damaged(path)
    with closing(connect(path, readonly=True)) as connection, translated(path):
        if _is_current(connection, path) and (missing := missing_tables(connection)):
            raise StoreError(f"{path}: is damaged: it has no table {missing[0]}", hint=DAMAGED)


def _migrate(path: Path) -> None:
    lock = os.open(path.parent / "locks" / "migrate", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            _bring_up_to_date(path)
        else:
            _make(path)
    finally:
        os.close(lock)


def _make(path: Path) -> None:
    """Make a new database, which has its name when it is whole: whoever is killed here leaves nothing behind."""
    part = path.with_name(path.name + ".new")
    with translated(path):
        for rest in ("", "-wal", "-shm"):
            path.with_name(part.name + rest).unlink(missing_ok=True)
    _bring_up_to_date(part)
    with translated(path):
        part.rename(path)


def _bring_up_to_date(path: Path) -> None:
    with closing(connect(path)) as connection, translated(path):
        # Before anything is written, or never: free pages can then be given back without a rebuild of the file.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        if not _is_current(connection, path):
            # Ours before it has a table: whoever looks after we were killed must not think that the tables are
            # another program's.
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            _apply_migrations(connection)
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def new_epoch() -> str:
    """Return a tag for a new store: cursors begin with it, so that those of another store are told from its own."""
    return secrets.token_hex(4)


def _apply_migrations(connection: Connection) -> None:
    # Imported here: sqlite-utils costs more than all the rest of a quick command.
    from sqlite_utils import Database, Migrations

    migrations = Migrations("quaero")

    @migrations()
    def m001_first_tables(database: Database) -> None:
        for statement in re.split(r";\n+(?=CREATE|INSERT)", TABLES):
            database.execute(statement)
        rows: dict[str, str | int] = {"epoch": new_epoch(), "next_id": 1, "service_entries": 0}
        database.table("meta").insert_all({"key": key, "value": value} for key, value in rows.items())

    migrations.apply(Database(connection))
