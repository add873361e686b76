"""kill -9 at random moments, again and again, in one home: nothing that was shown is lost, nothing is twice."""

import json
import random
import signal
import threading

import pytest
from shells import PATIENCE, Shell, entries, first_job

BUSY = """
    overlap = "allow"
    [step.busy]
    type = "test_job_generator"
    worker_count = 30
    log_count = 100000
    log_delay_ms = 1
    failure_rate = 0.5
    child_count = 0
    recursion_depth = 0
"""


@pytest.mark.parametrize("seed", [20261122])
def test_kill_9_at_any_moment_loses_no_line_that_was_shown(tmp_path, campaign, seed):
    """The promise: acknowledged is stored, in order, once; and the next command says what happened."""
    chance = random.Random(seed)
    shell = Shell(tmp_path)
    path = shell.define("busy", BUSY)
    for round_ in range(campaign(6, 200)):
        runner = shell.start("run", path, "--json", "--level", "debug")
        job = first_job(runner)
        after = chance.uniform(0.01, 0.6)
        killer = threading.Timer(after, runner.send_signal, [signal.SIGKILL])
        killer.start()
        assert runner.stdout is not None
        text = runner.stdout.read()
        runner.communicate(timeout=PATIENCE)
        shown = entries([json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")])
        stored = entries(shell.lines("tail", job, "-n", "all", "--level", "debug", code=5))
        where = f"seed {seed}, round {round_}, killed after {after:.3f} s"
        assert stored[: len(shown)] == shown, where
        assert [entry["job_line"] for entry in stored] == list(range(1, len(stored) + 1)), where
        for step in {entry.get("step_id") for entry in stored}:
            lines = [entry["line_number"] for entry in stored if entry.get("step_id") == step]
            assert lines == list(range(1, len(lines) + 1)), where
        counts = next(each for each in shell.json("jobs", "--limit", "1"))
        assert (counts["status"], counts["total_count"]) == ("interrupted", len(stored)), where
