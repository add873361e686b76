"""Deleting jobs and retention, on a real store: what goes, what stays, and that writers are let in between."""

from contextlib import closing

import pytest
from stores import Scribe, ended, line, new_home, start_job, write_once

from quaero_cli.cli.amounts import parse_age, parse_size
from quaero_cli.errors import NotFoundError, StateError, UsageError
from quaero_cli.model import LogQuery, Status, WorkerChanged
from quaero_cli.store.deletion import Clearing, discard
from quaero_cli.store.engine import connect
from quaero_cli.store.maintenance import backup, check, info
from quaero_cli.store.reader import open_reader
from quaero_cli.store.retention import Bounds, Ended, choose, within
from quaero_cli.store.search import Search


def finished(home, job: str, entries: int = 3, **kwargs) -> None:
    attempt = start_job(home, job, **kwargs)
    lines = [line(job, f"line {number}") for number in range(entries)]
    workers = [WorkerChanged(job, "work", 1, Status.RUNNING, 1), WorkerChanged(job, "work", 1, Status.COMPLETED, 2)]
    write_once(home, [*lines, *workers, *ended(job, attempt)])


def rows(home, table: str) -> int:
    with closing(connect(home.database)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def clear(home) -> int:
    """Clear away what deleted jobs have left; return in how many pieces."""
    pieces = 0
    with Clearing(home.database) as clearing:
        while clearing.clear_piece():
            pieces += 1
    return pieces


def test_a_deleted_job_disappears_at_once_and_leaves_nothing(tmp_path):
    """Its million lines take a while to clear; nobody must see half of it meanwhile."""
    home = new_home(tmp_path)
    finished(home, "aaaa", 250)
    finished(home, "bbbb")
    files = home.home / "artifacts" / "aaaa" / "work"
    files.mkdir(parents=True)
    (files / "file").write_text("x")
    assert discard(home.database, "aaaa") == 250
    with open_reader(home.database) as reader:
        assert [job["id"] for job in reader.list_jobs()] == ["bbbb"]
        assert {entry["job_id"] for entry in reader.search(Search("line"), 100)["logs"]} == {"bbbb"}
        with pytest.raises(NotFoundError):
            reader.page(LogQuery(("aaaa",)), limit=5)
    assert not files.parent.exists()
    assert check(home.database) == []
    clear(home)
    assert [rows(home, table) for table in ("job", "step", "worker", "log", "log_count", "trash")] == [
        1,
        1,
        1,
        3,
        1,
        0,
    ]
    assert check(home.database) == []


def test_a_clearing_that_was_cut_short_goes_on(tmp_path, monkeypatch):
    """kill -9 in the middle of `rm` must leave no rubbish for ever, and nothing that looks like damage."""
    home = new_home(tmp_path)
    finished(home, "aaaa", 2000)
    discard(home.database, "aaaa")
    monkeypatch.setattr("quaero_cli.store.deletion.PIECE_SECONDS", 0.0)  # the smallest pieces there are
    with Clearing(home.database) as clearing:
        clearing.clear_piece()
    assert info(home.database)["unfinished_deletions"] == 1
    assert check(home.database) == []
    clear(home)
    assert rows(home, "log") == 0


def test_writers_are_let_in_between_two_pieces(tmp_path, monkeypatch):
    """A running job must not stand still while an old one is deleted."""
    monkeypatch.setattr("quaero_cli.store.deletion.PIECE_SECONDS", 0.0)  # the smallest pieces there are
    home = new_home(tmp_path)
    finished(home, "aaaa", 1000)
    discard(home.database, "aaaa")
    pieces = 0
    with Clearing(home.database) as clearing, closing(connect(home.database)) as writer:
        writer.execute("PRAGMA busy_timeout=0")  # waits for nobody
        while clearing.clear_piece():
            pieces += 1
            before = rows(home, "log")
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("COMMIT")
            assert before >= 1000 - pieces * 100
    assert pieces > 10


def test_keys_and_ids_are_not_used_again(tmp_path):
    """A reader that knew the deleted job would take the new one's lines for its own, or miss them."""
    home = new_home(tmp_path)
    finished(home, "aaaa")
    with closing(connect(home.database)) as connection:
        key = connection.execute("SELECT key FROM job").fetchone()[0]
    discard(home.database, "aaaa")
    clear(home)
    finished(home, "bbbb")
    with closing(connect(home.database)) as connection:
        assert connection.execute("SELECT key FROM job").fetchone()[0] > key
        assert connection.execute("SELECT min(id) FROM log").fetchone()[0] == 4


def test_an_open_job_is_not_deleted(tmp_path):
    """Its runner would write into nothing."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    with pytest.raises(StateError, match="job aaaa is still running") as caught:
        discard(home.database, "aaaa")
    assert "quaero cancel aaaa" in (caught.value.hint or "")
    with pytest.raises(NotFoundError):
        discard(home.database, "zzzz")


def test_room_is_given_back_to_the_disk(tmp_path):
    """A store that never shrinks fills the disk, whatever is deleted."""
    home = new_home(tmp_path)
    finished(home, "aaaa", 5000)
    before = info(home.database)
    discard(home.database, "aaaa")
    clear(home)
    assert info(home.database)["free_bytes"] > 0
    with Clearing(home.database) as clearing:
        while clearing.give_back_piece():
            pass
    with closing(connect(home.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    after = info(home.database)
    assert after["free_bytes"] == 0
    assert after["bytes"] < before["bytes"] + before["wal_bytes"]


DAY = 86_400_000_000
NOW = 100 * DAY


def job(name: str, days: int, definition: str = "d", size: int = 10) -> tuple[Ended, str]:
    return Ended(name, definition, "completed", NOW - days * DAY, 1, size), definition


def taken(jobs, **bounds) -> tuple[list[str], list[str]]:
    found = choose(jobs, Bounds(**bounds), NOW)
    return [each.id for each in found.always], [each.id for each in found.while_too_large]


def test_what_retention_takes():
    """What goes must be what the three options say, alone and together, and never an open job."""
    jobs = [job("a", 1), (None, "d"), job("b", 10), job("c", 40), job("d", 50, "other"), job("e", 60)]
    month = 30 * 86_400.0
    assert taken(jobs, older_than=month) == (["e", "d", "c"], [])
    assert taken(jobs, keep=3) == (["e", "c"], [])  # the open one is among the newest three
    assert taken(jobs, older_than=month, keep=4) == (["e"], [])
    assert taken(jobs, max_size=0) == ([], ["e", "d", "c", "b", "a"])
    assert taken(jobs, keep=2, max_size=0) == ([], ["e", "c", "b"])
    assert taken(jobs, older_than=month, max_size=0) == (["e", "d", "c"], ["b", "a"])
    rest = choose(jobs, Bounds(max_size=0), NOW).while_too_large
    assert [each.id for each in within(rest, 55, 30)] == ["e", "d", "c"]


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("2GB", 2 * 10**9), ("1.5GiB", 3 * 2**29), ("500mb", 5 * 10**8), ("10k", 10_000), ("7", 7), ("1 KiB", 1024)],
)
def test_sizes(text, bytes_):
    """`2GB` must not be two bytes."""
    assert parse_size(text, "--max-size") == bytes_


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "2XB", "1e3", "ib", "5ib", "2GB2"])
def test_a_size_that_is_none_is_told(text):
    """A mistyped size would delete everything."""
    with pytest.raises(UsageError, match="--max-size: "):
        parse_size(text, "--max-size")


def test_ages():
    """`30d` must not be 30 seconds, and a number without a unit is nobody's guess."""
    assert [parse_age(text, "x") for text in ("30d", "12h", "2w", "1d12h")] == [2592000, 43200, 1209600, 129600]
    for text in ("30", "", "d", "3x", "-1d", "1 d"):
        with pytest.raises(UsageError, match="--older-than: "):
            parse_age(text, "--older-than")


DAMAGE = {
    "UPDATE job SET entries = entries + 1": "entries are counted",
    "DELETE FROM log WHERE job_line = 2": "numbered|counted",
    "UPDATE log_count SET count = count + 1": "counts by level are wrong",
    "UPDATE log SET line_number = 7 WHERE line_number = 2": "have holes",
    "UPDATE meta SET value = 1 WHERE key = 'next_id'": "given again",
    "UPDATE step SET workers_completed = 9": "miscounted",
}


@pytest.mark.parametrize("statement", DAMAGE)
def test_check_finds_what_does_not_add_up(tmp_path, statement):
    """The promise is exact numbers; a check that only looks at pages would not notice a missing line."""
    home = new_home(tmp_path)
    finished(home, "aaaa")
    assert check(home.database) == []
    with closing(connect(home.database)) as connection:
        connection.execute(statement)
    with pytest.raises(AssertionError, match=DAMAGE[statement]):
        assert not check(home.database), "; ".join(check(home.database))


def test_a_backup_is_whole_while_a_job_writes(tmp_path):
    """A copy that is taken with `cp` beside a running job is torn; this one is a store as it was at one moment."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    with closing(Scribe(home)) as scribe:
        for number in range(20):
            scribe.write([line("aaaa", f"{number}-{part}") for part in range(50)])
            target = tmp_path / f"copy{number}.db"
            backup(home.database, target)
            assert check(target) == []
            assert info(target)["entries"] == (number + 1) * 50 + 1  # and that it was interrupted
    assert {file.name for file in tmp_path.iterdir() if file.name.startswith(".")} == set()
    with pytest.raises(UsageError, match="is there already"):
        backup(home.database, target)
