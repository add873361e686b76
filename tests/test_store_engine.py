"""The SQLite that is linked, and how it is opened."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pysqlite3
import pytest

from quaero_cli.errors import StoreError
from quaero_cli.store.engine import connect, is_safe, require_safe_engine
from quaero_cli.store.schema import prepare


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False), ((3, 50, 6), False),
        ((3, 50, 7), True), ((3, 51, 0), False), ((3, 51, 2), False), ((3, 51, 3), True), ((3, 53, 4), True),
    ],
)  # fmt: skip
def test_versions_with_the_wal_reset_race_are_told_from_fixed_ones(version, safe):
    """Committed lines would be lost on an engine that is wrongly taken for a good one."""
    assert is_safe(version) is safe


def test_the_linked_engine_is_safe():
    """A lock file that is renewed must not bring back an engine that loses lines."""
    assert is_safe(pysqlite3.sqlite_version_info)


def test_an_unsafe_engine_is_refused_with_a_way_out():
    """A user on such an engine must learn it before the first line is written."""
    with pytest.raises(StoreError, match=r"SQLite 3\.40\.1 can lose") as caught:
        require_safe_engine((3, 40, 1))
    assert "pysqlite3" in (caught.value.hint or "")


def test_one_process_loads_one_sqlite():
    """Two SQLite libraries on one file drop each other's locks."""
    program = (
        "import sys\n"
        "from quaero_cli.store import schema, writer, reader, queue\n"
        "import sqlite_utils, trafilatura, quart_trio, hypercorn.trio\n"
        "assert '_sqlite3' not in sys.modules, sys.modules['_sqlite3']\n"
        "assert sys.modules['sqlite3'].__name__ == 'pysqlite3'\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)


def test_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path):
    """Other users of the machine must not read what jobs log."""
    program = (
        "import os, sys, pathlib; os.umask(0)\n"
        "from quaero_cli.store.schema import prepare\n"
        "prepare(pathlib.Path(sys.argv[1]) / 'home' / 'quaero.db')\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "home").iterdir()}
    assert set(modes.values()) <= {"0o600", "0o700"}, modes
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_a_file_that_cannot_be_opened_is_one_error_with_the_way_out(tmp_path: Path):
    """No traceback where a path is wrong."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="unable to open") as caught:
        connect(tmp_path / "file" / "quaero.db")
    assert "--home" in (caught.value.hint or "")


def test_too_many_open_files_are_told_as_that(tmp_path):
    """The hint would be to make the data directory writable, which it is."""
    path = tmp_path / "quaero.db"
    prepare(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))  # none of a number below it is left
    try:
        with pytest.raises(StoreError) as caught:
            connect(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "no more files can be opened" in caught.value.hint
    connect(path).close()
