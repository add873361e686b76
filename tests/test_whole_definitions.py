"""Definitions as people write them, run by real processes: what a key promises is what is stored and shown."""

import pytest
from shells import Shell


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


def messages(shell, *words):
    return [entry["message"] for entry in shell.lines("tail", "last", "-n", "all", *words) if entry["event"] == "log"]


def test_attempts_are_stored_and_shown(shell):
    """A step that did well at the third attempt looks as if nothing had happened."""
    path = shell.define("flaky", """
        [step.a]
        type = "shell"
        retries = { limit = 3, delay = "10ms", backoff = 1.0 }
        command = '''
        echo "this is $QUAERO_ATTEMPT"
        test "$QUAERO_ATTEMPT" = 3
        '''
    """)  # fmt: skip
    shell.run("run", path)
    (step,) = shell.json("show", "last")["steps"]
    assert (step["status"], step["attempt"], step["counts"]["warn"]) == ("completed", 3, 2)
    assert messages(shell) == [
        "Status changed: running (job: flaky)",
        "Status changed: running (step: a, type: shell)",
        "this is 1", "Attempt 1 of 4 failed: exit code 1; next in 0.0 s", "Attempt 2 of 4",
        "this is 2", "Attempt 2 of 4 failed: exit code 1; next in 0.0 s", "Attempt 3 of 4",
        "this is 3",
        "Status changed: completed (step: a, type: shell)",
        "Status changed: completed (job: flaky)",
    ]  # fmt: skip


def test_a_fan_out_over_files_and_lines(shell, tmp_path):
    """What an item holds would be read by the shell, or the lines of all workers would be one heap."""
    (tmp_path / "b $(touch hacked).csv").write_text("1\n2\n")
    (tmp_path / "a.csv").write_text("1\n")
    (tmp_path / "people.ndjson").write_text('{"name": "Ann\'s", "n": 1}\n{"name": "Bo; exit 3", "n": 2}\n')
    (tmp_path / "greet.py").write_text(
        "import logging\n\ndef greet(name, ctx):\n    logging.info('hi ' + name)\n    return dict(length=len(name))\n"
    )
    path = shell.define("fan", """
        [step.count]
        type = "shell"
        for_each = { glob = "*.csv" }
        command = '''
        echo "file is '{item}' for $QUAERO_WORKER"
        echo "lines=$(wc -l <{item})" >>"$QUAERO_OUTPUT"
        '''
        [step.greet]
        type = "python"
        for_each = { file = "people.ndjson" }
        call = "greet.py:greet"
        args = { name = "{item.name}" }
        [step.sum]
        type = "shell"
        depends = ["count", "greet"]
        for_each = "{steps.count.outputs.items}"
        command = ["echo", "{item.lines} lines"]
    """)  # fmt: skip
    shell.run("run", path)
    found = shell.json("show", "last")
    workers = {worker["name"]: worker for worker in found["workers"]}
    assert [(worker["label"], worker["item"]) for worker in workers.values()][:3] == [
        ("a.csv", "a.csv"),
        ("b $(touch hacked).csv", "b $(touch hacked).csv"),
        ('{"name": "Ann\'s", "n": 1}', {"name": "Ann's", "n": 1}),
    ]
    assert found["outputs"] == {
        "count": {"items": [{"lines": "1"}, {"lines": "2"}]}, "greet": {"items": [{"length": 5}, {"length": 10}]},
        "sum": {"items": [{}, {}]},
    }  # fmt: skip
    assert not (tmp_path / "hacked").exists()
    lines = [entry for entry in shell.lines("tail", "last", "-n", "all") if entry["event"] == "log"]
    said = {(entry["worker"], entry["message"]) for entry in lines if entry["originator"] == "worker"}
    assert {
        ("count-2", "file is 'b $(touch hacked).csv' for count-2"), ("greet-1", "hi Ann's"),
        ("greet-2", "hi Bo; exit 3"), ("sum-2", "2 lines"),
    } <= said  # fmt: skip
