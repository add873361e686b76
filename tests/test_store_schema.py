"""Making and migrating the database."""

import subprocess
import sys
from contextlib import closing

import pytest
from golden_files import check_golden
from stores import new_home

from quaero_cli.errors import StoreError
from quaero_cli.store import schema
from quaero_cli.store.engine import connect
from quaero_cli.store.reader import open_reader
from quaero_cli.store.schema import SCHEMA_VERSION, prepare
from quaero_cli.store.writer import Writer


def test_a_prepared_store_is_left_alone(tmp_path):
    """A cursor that a client holds must stay valid over restarts."""
    settings = new_home(tmp_path)
    with open_reader(settings.database) as reader:
        epoch = reader.epoch
    prepare(settings.database)
    with open_reader(settings.database) as reader:
        assert reader.epoch == epoch


def test_the_safe_pragmas_hold_on_every_connection(tmp_path):
    """Without FULL a power cut takes lines that were shown; without WAL readers block the writer."""
    settings = new_home(tmp_path)
    with closing(connect(settings.database)) as connection:
        values = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "user_version")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "user_version": SCHEMA_VERSION}


def test_the_tables_of_a_version_stay_as_they_were_released(tmp_path):
    """A store that is out there would be read by code that expects others: a change needs a version of its own."""
    with closing(connect(new_home(tmp_path).database)) as connection:
        found = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '%sqlite%'"
            " AND NOT (type = 'table' AND name GLOB 'document_text_*') ORDER BY rowid"  # SQLite's own
        ).fetchall()
    check_golden(f"schema_{SCHEMA_VERSION}.sql", "".join(f"{sql};\n" for (sql,) in found))


def test_two_processes_that_start_at_once_migrate_once(tmp_path):
    """`run` and `serve` started together in a new home must both work."""
    program = (
        "import sys, pathlib; from quaero_cli.store.schema import prepare\n"
        "sys.stdin.readline(); prepare(pathlib.Path(sys.argv[1]))\n"
    )
    path = tmp_path / "home" / "quaero.db"
    children = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for child in children:
        child.communicate("go\n")
    assert [child.returncode for child in children] == [0, 0, 0, 0]
    with closing(connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM meta").fetchone() == (3,)


def test_a_process_that_is_killed_while_it_migrates_harms_nobody(tmp_path, monkeypatch):
    """The next command, or one that starts at the same moment, would refuse the file as another program's."""

    def killed(connection):
        connection.execute("CREATE TABLE first_of_many (a)")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(schema, "_apply_migrations", killed)
        with pytest.raises(KeyboardInterrupt):
            new_home(tmp_path)
    with open_reader(new_home(tmp_path).database) as reader:
        assert reader.list_jobs(limit=1) == []


def test_another_programs_database_is_not_touched(tmp_path):
    """A wrong --home must not add tables to somebody's data."""
    path = tmp_path / "quaero.db"
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="another program's database"):
        prepare(path)
    with closing(connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]


def test_a_newer_database_is_refused(tmp_path):
    """An older quaero must not write to tables it does not know."""
    settings = new_home(tmp_path)
    with closing(connect(settings.database)) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    with pytest.raises(StoreError, match="made by a newer quaero"):
        prepare(settings.database)


def test_a_file_that_is_no_database_is_one_error(tmp_path):
    """Damage is told in one line, and the file stays as it was."""
    path = tmp_path / "quaero.db"
    path.write_bytes(b"this is not a database, " * 100)
    with pytest.raises(StoreError, match="not a database"):
        prepare(path)
    assert path.read_bytes().startswith(b"this is not")


def test_anyone_can_read_levels_and_times_in_the_view(tmp_path):
    """The file is meant to be opened with Datasette or sqlite-utils."""
    from stores import line, start_job

    settings = new_home(tmp_path)
    start_job(settings, "aaaa")
    with closing(Writer(settings.database)) as writer:
        writer.apply(1, [line("aaaa", "hello", worker=3)])
    with closing(connect(settings.database)) as connection:
        row = connection.execute(
            "SELECT job_id, step_name, worker, timestamp, level, message FROM log_view"
        ).fetchone()
    assert row == ("aaaa", "work", 3, "2026-01-15T10:30:45.123Z", "info", "hello")
