"""The engine in a file: what is its own; what it shares with the others is the contract's."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from machines import machines
from places import place

from quaero_cli.errors import StoreError
from quaero_cli.store import enginefile
from quaero_cli.store.enginefile import EngineFile
from quaero_cli.store.outbox import Shipment


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


def test_what_is_no_engine_is_told(tmp_path):
    """Somebody would look for a fault elsewhere."""
    (tmp_path / "engine.db").write_text("This is a letter, and a long one at that. " * 100)
    with pytest.raises(StoreError, match="not a database"):
        EngineFile(tmp_path / "engine.db", 30.0)


MEETS = """
    [step.meet]
    type = "shell"
    for_each = ["a", "b"]
    spread = true
    command = "cd {folder}; touch {{item}}; until [ -e a ] && [ -e b ]; do sleep 0.02; done; echo met"
"""


def test_a_cluster_without_a_server(tmp_path):
    """Nobody could try a cluster, or have several workers on one machine, without a server."""
    with machines(tmp_path, file=True) as found:
        found.start_view()
        for name in ("w1", "w2"):
            found.start_worker(name)
        lines = found.view.lines("run", found.view.define("meets", MEETS.format(folder=tmp_path)), "--on", "cluster")
        assert lines[-1]["status"] == "completed"
        assert [line.get("message") for line in lines].count("met") == 2
        assert "sqlite:///FILE" in found.shell("w3").run("worker", "--engine", "sqlite://engine.db", code=2).stderr


LEAVES = """
    [step.leave]
    type = "shell"
    command = "echo found >$QUAERO_ARTIFACTS/found.txt"
"""


def test_files_of_steps_are_found_on_the_worker(tmp_path):
    """A file would be looked for in vain on the machine from which the job was started."""
    with place("workers", tmp_path) as shell, shell.serving() as server:
        lines = shell.lines("run", shell.define("leaves", LEAVES))
        job = lines[-1]["job_id"]
        (said,) = (line for line in lines if "Files that steps left" in line.get("message", ""))
        fields = said["fields"]
        assert (fields["worker"], fields["files"], fields["bytes"]) == ("w1", 1, 6)
        assert (Path(fields["folder"]) / "leave" / "found.txt").read_text() == "found\n"
        assert f"are on w1, in artifacts/{job}" in shell.run("show", job).stdout.replace("\n", " ")
        status, answer = server.request("GET", f"/api/jobs/{job}/artifacts/leave/found.txt")
        assert status == 404
        assert f"the worker w1 ran the job and keeps its files, in artifacts/{job}" in answer["hint"]
        assert "Files that steps left" not in shell.run("run", "hello").stdout
