"""kill -9 at random moments, again and again, in one home: nothing that was shown is lost, nothing is twice."""

import random

import pytest
from livejobs import killed_run
from shells import Shell, entries, numbers_without_holes

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
        after = chance.uniform(0.01, 0.6)
        job, shown = killed_run(shell, path, after)
        stored = entries(shell.lines("tail", job, "-n", "all", "--level", "debug", code=5))
        where = f"seed {seed}, round {round_}, killed after {after:.3f} s"
        assert stored[: len(shown)] == shown, where
        numbers_without_holes(stored, where)
        counts = next(each for each in shell.json("jobs", "--limit", "1"))
        assert (counts["status"], counts["total_count"]) == ("interrupted", len(stored)), where
