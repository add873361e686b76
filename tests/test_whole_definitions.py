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
