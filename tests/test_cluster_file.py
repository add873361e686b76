"""The engine in a file: what is its own; what it shares with the others is the contract's."""

import os
import shutil
import subprocess
import sys
from contextlib import closing
from random import Random

import pysqlite3 as sqlite
import pytest
import trio
from engines import PATIENCE
from machines import machines

from quaero_cli.cluster.file import open_file
from quaero_cli.cluster.ports import EngineBroken, EngineFull
from quaero_cli.errors import StoreError
from quaero_cli.model.taking import Needs, Offer
from quaero_cli.store import enginefile, enginemaking
from quaero_cli.store.enginefile import EngineFile, Holder
from quaero_cli.store.enginemaking import wal_of
from quaero_cli.store.outbox import Shipment
from quaero_cli.store.schema import prepare


def _say(file, *numbers):
    for number in numbers:
        file.publish(Shipment("o1", number, number, b"[]"))


def test_a_file_from_the_past_is_noticed(tmp_path):
    """After a restored backup a view would wait for ever for what comes under numbers that it thinks it has read."""
    path, past = tmp_path / "engine.db", tmp_path / "past.db"
    with closing(EngineFile(path, 30.0)) as file:
        _say(file, 1, 2)
    shutil.copy(path, past)
    with closing(EngineFile(path, 30.0)) as file:
        _say(file, 3)
        place = file.read(None).place
        assert not file.read(place).reset
    path.unlink()
    past.rename(path)
    with closing(EngineFile(path, 30.0)) as file:
        assert file.read(place).reset
        _say(file, 4)  # under the number that was the third's
        found = file.read(place)
        assert (found.reset, [each.first for each in found.shipments]) == (True, [1, 2, 4])
    path.unlink()
    with closing(EngineFile(path, 30.0)) as file:
        assert file.read(place).reset, "it is another file"


def test_what_is_too_old_is_forgotten_and_that_is_told(tmp_path, monkeypatch):
    """The file would grow for ever, or a new view would wait for entries that are gone."""
    monkeypatch.setattr(enginefile, "_SWEEP_EVERY", 3)
    monkeypatch.setattr(enginefile, "LOG_AGE", -1.0)
    with closing(EngineFile(tmp_path / "engine.db", 30.0)) as file:
        place = file.read(None).place
        _say(file, 1, 2)
        assert [each.first for each in file.read(place).shipments] == [1, 2]
        _say(file, 3, 4)
        found = file.read(None)
        assert ([each.first for each in found.shipments], found.cut, found.behind) == ([4], True, 0)


OTHERS = {
    "another program's": "PRAGMA user_version=1",
    "another program's with a number": "PRAGMA application_id=77",
    "a newer engine's": f"PRAGMA application_id={enginemaking.APPLICATION_ID}; PRAGMA user_version=2",
    "with a table more": enginemaking.TABLES,
}


@pytest.mark.parametrize("what", OTHERS)
def test_anothers_file_is_refused_and_not_touched(tmp_path, what):
    """Somebody's database would get our tables, and lose what is old in a table that has the name of one of ours."""
    path = tmp_path / "other.db"
    with closing(sqlite.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(OTHERS[what])
        connection.execute("CREATE TABLE IF NOT EXISTS word (time REAL, text TEXT)")
        connection.execute("CREATE TABLE mine (text TEXT)")
        before = {each.name: each.read_bytes() for each in tmp_path.glob("other.db*") if each.name[-4:] != "-shm"}
        assert "other.db-wal" in before
        with pytest.raises(StoreError, match=r"other\.db: ") as caught:
            EngineFile(path, 30.0)
        after = {each.name: each.read_bytes() for each in tmp_path.glob("other.db*") if each.name[-4:] != "-shm"}
    assert after == before
    assert "another file" in str(caught.value.hint) or "file of its own" in str(caught.value.hint)


def test_a_data_directorys_database_is_no_engine(tmp_path):
    """A wrong path would put the queue into the archive."""
    path = tmp_path / "quaero.db"
    prepare(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not an engine"):
        EngineFile(path, 30.0)
    assert path.read_bytes() == before


def test_a_file_without_a_number_is_taken_over(tmp_path):
    """A cluster would have to be made anew by an upgrade, and lose the jobs that wait in it."""
    path = tmp_path / "engine.db"
    with closing(sqlite.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(enginemaking.TABLES)
        connection.execute("INSERT INTO meta VALUES ('log', 'abc')")
        connection.execute("INSERT INTO shipment VALUES (1, 'o1', 1, 1, x'5b5d', 't', 0)")
        connection.commit()
    with closing(EngineFile(path, 30.0)) as file:
        found = file.read(None)
        assert ([each.first for each in found.shipments], found.place) == ([1], "abc|1|t")
    with closing(sqlite.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (enginemaking.APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (enginemaking.VERSION,)


@pytest.mark.parametrize("how", ["before a page", "before a table"])
def test_a_file_whose_maker_was_killed_is_made(tmp_path, how):
    """It would be taken for another program's, for ever."""
    path = tmp_path / "engine.db"
    path.touch()
    if how == "before a table":
        with closing(sqlite.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        assert path.stat().st_size
    with closing(EngineFile(path, 30.0)) as file:
        _say(file, 1)
        assert len(file.read(None).shipments) == 1


MAKE = """
import sys, pathlib
from quaero_cli.store.enginefile import EngineFile
sys.stdin.readline()
print(EngineFile(pathlib.Path(sys.argv[1]), 30.0).read(None).place)
"""


def test_processes_that_make_it_at_once_have_one_file(tmp_path):
    """A view and a worker that start together would not know of each other."""
    words = [sys.executable, "-c", MAKE, str(tmp_path / "engine.db")]
    children = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    assert len({child.communicate(timeout=PATIENCE)[0] for child in children}) == 1
    assert {child.returncode for child in children} == {0}


def test_what_is_no_engine_is_told(tmp_path):
    """Somebody would look for a fault elsewhere."""
    (tmp_path / "engine.db").write_text("This is a letter, and a long one at that. " * 100)
    with pytest.raises(StoreError, match="not a database") as caught:
        EngineFile(tmp_path / "engine.db", 30.0)
    assert "move this one aside" in str(caught.value.hint)
    with pytest.raises(StoreError, match="is a folder"):
        EngineFile(tmp_path, 30.0)
    with pytest.raises(StoreError, match="too long") as caught:
        EngineFile(tmp_path / ("x" * 300), 30.0)
    assert "--engine" in str(caught.value.hint)
    assert os.listdir(tmp_path) == ["engine.db"]


@pytest.mark.parametrize("how", ["deleted", "replaced", "replaced by another"])
def test_another_file_under_its_name_is_noticed(tmp_path, how):
    """Those that hold the old file and those that start later would be two clusters, and lines would be lost."""
    path, past, other = tmp_path / "engine.db", tmp_path / "past.db", tmp_path / "other.db"
    with closing(EngineFile(path, 30.0)) as file:
        _say(file, 1)
    shutil.copy(path, past)
    with closing(EngineFile(other, 30.0)) as file:
        _say(file, 1)
    with closing(EngineFile(path, 30.0)) as one, closing(EngineFile(path, 30.0)) as two:
        for number in range(2, 50):  # in the log beside the file, which is not the new one's
            _say(one, number)
        place, heard = two.read(None).place, two.newest_word()
        if how == "deleted":
            path.unlink()
        else:
            (past if how == "replaced" else other).rename(path)
        one.say([("node", "x")])
        _say(one, 50)
        found = two.read(place)
        assert (found.reset, [each.first for each in found.shipments]) == (
            True,
            [50] if how == "deleted" else [1, 50],
        )
        assert two.words_after(heard)[1] == [("node", "x")]
        with closing(EngineFile(path, 30.0)) as three:
            assert three.read(None).shipments == found.shipments
            assert not three.read(two.read(None).place).reset
    with closing(sqlite.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_job_that_the_file_forgot_goes_on(tmp_path):
    """A worker would stop its jobs, saying that another one has them."""
    path = tmp_path / "engine.db"
    with closing(EngineFile(path, 30.0)) as file:
        file.enqueue(Needs(), "j1", b"body")
        assert file.claim(Offer(), "w1") == ("j1", 1, b"body")
        path.unlink()
        holder = Holder("j1", 1, "w1")
        assert file.renew(holder) is False
        assert file.finish(holder, "completed", None)
        assert not file.enqueue(Needs(), "j1", b"body"), "it would be run again"
        assert file.look("j1") == (1, "completed", "w1", None)


def test_a_file_that_is_damaged_in_its_place_is_opened_again_when_it_is_mended(tmp_path):
    """Each process would have to be started again before one sees what is in it."""
    path = tmp_path / "engine.db"
    with closing(EngineFile(path, 30.0)) as file:
        _say(file, 1)
    whole = path.read_bytes()
    with closing(EngineFile(path, 30.0)) as file:
        _say(file, 2)
        path.write_bytes(Random(1).randbytes(40_960))
        wal_of(path).write_bytes(b"")
        with pytest.raises(StoreError, match=r"engine\.db: "):
            file.look("j1")  # of what it has not read yet
        with pytest.raises(StoreError, match=r"engine\.db: file is not a database"):
            file.look("j1")
        path.write_bytes(whole)
        _say(file, 3)
        assert [each.first for each in file.read(None).shipments] == [1, 3]


def _ruin(path):
    """Put what is no engine into its place."""
    garbage = path.with_name("garbage")
    garbage.write_bytes(Random(1).randbytes(40_960))
    garbage.rename(path)


async def test_a_damaged_engine_is_told_as_that_and_comes_back(tmp_path):
    """A view would end, and everybody's viewer with it."""
    path = tmp_path / "engine.db"
    with trio.fail_after(PATIENCE):
        async with open_file(path) as view, open_file(path) as worker:
            await worker.publish(Shipment("o1", 1, 1, b"[]"))
            place = (await view.read(None, 0)).place
            _ruin(path)
            for end in (view, worker):
                with pytest.raises(EngineBroken, match=r"engine\.db: file is not a database"):
                    await end.look("j1")
            path.unlink()
            await worker.publish(Shipment("o1", 2, 2, b"[]"))
            found = await view.read(place, PATIENCE)
            assert (found.reset, [each.first for each in found.shipments]) == (True, [2])
            await worker.tell("w1", {"slots": 1})
            assert await view.next_node() == ("w1", {"slots": 1})


async def test_an_engine_that_somebody_has_changed_is_told_as_unusable(tmp_path):
    """Somebody would wait for it to come back."""
    path = tmp_path / "engine.db"
    with trio.fail_after(PATIENCE):
        async with open_file(path) as end:
            with closing(sqlite.connect(path)) as connection:
                connection.execute("ALTER TABLE job DROP COLUMN result")
            with pytest.raises(EngineBroken, match="no such column"):
                await end.look("j1")
            with pytest.raises(EngineBroken, match="its job is missing or changed") as caught:
                await end.look("j1")
            assert "move the file aside" in str(caught.value.hint)


MEETS = """
    [step.meet]
    type = "shell"
    for_each = ["a", "b"]
    spread = true
    command = "cd {folder}; touch {{item}}; until [ -e a ] && [ -e b ]; do sleep 0.02; done; echo met"
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A view and two workers that share a file."""
    with machines(tmp_path_factory.mktemp("cluster"), file=True) as found:
        found.start_view()
        for name in ("w1", "w2"):
            found.start_worker(name)
        yield found


def test_a_cluster_without_a_server(small, tmp_path):
    """Nobody could try a cluster, or have several workers on one machine, without a server."""
    lines = small.view.lines("run", small.view.define("meets", MEETS.format(folder=tmp_path)), "--on", "cluster")
    assert lines[-1]["status"] == "completed"
    assert [line.get("message") for line in lines].count("met") == 2
    assert "sqlite:///FILE" in small.shell("w3").run("worker", "--engine", "sqlite://engine.db", code=2).stderr


async def test_a_disk_without_room_is_told_as_that(tmp_path):
    """Somebody would look for a process that had died, where there is no room on the disk."""
    with trio.fail_after(PATIENCE):
        async with open_file(tmp_path / "engine.db") as end:
            await end.publish(Shipment("o1", 1, 1, b"[]"))
            connection = end._file._connection
            ((pages,),) = connection.execute("PRAGMA page_count")
            connection.execute(f"PRAGMA max_page_count={pages}")
            with pytest.raises(EngineFull):
                await end.publish(Shipment("o1", 2, 2, bytes(100_000)))
            # The bound was the connection's, which is opened anew.
            await end.publish(Shipment("o1", 2, 2, b"[]"))
            assert [each.first for each in (await end.read(None, PATIENCE)).shipments] == [1, 2]
