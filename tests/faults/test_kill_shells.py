"""kill -9 of a runner whose steps are shells with children of their own: they are ended, and no line is lost."""

import json
import random
import signal
import threading
from pathlib import Path

import pytest
from shells import PATIENCE, Shell, entries, first_job

TALKERS = """
    overlap = "allow"
    [step.one]
    type = "shell"
    command = "sleep 1000 & i=0; while :; do i=$((i + 1)); echo one $i; sleep 0.001; done"
    [step.two]
    type = "shell"
    command = "setsid sleep 1000 & (sleep 1000 &) ; trap '' TERM; i=0; while :; do i=$((i + 1)); echo two $i; done"
    [step.items]
    type = "shell"
    for_each = ["a", "b", "c"]
    command = "sleep 0.05; echo {item}; exec sleep 1000"
"""


def alive(job: str) -> list[str]:
    """Return the processes that belong to a job: it is in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes()
                if f"QUAERO_JOB_ID={job}".encode() in environment.split(b"\0"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue  # it has ended
    return found


@pytest.mark.parametrize("seed", [20261126])
def test_kill_9_leaves_no_process_and_loses_no_line(tmp_path, campaign, seed):
    """The machine would fill with shells that nobody knows of; or the next run would meet the last one's."""
    chance = random.Random(seed)
    shell = Shell(tmp_path)
    path = shell.define("talkers", TALKERS)
    for round_ in range(campaign(6, 200)):
        runner = shell.start("run", path, "--json", "--level", "debug")
        job = first_job(runner)
        after = chance.uniform(0.0, 0.8)
        killer = threading.Timer(after, runner.send_signal, [signal.SIGKILL])
        killer.start()
        assert runner.stdout is not None
        text = runner.stdout.read()
        runner.communicate(timeout=PATIENCE)
        where = f"seed {seed}, round {round_}, killed after {after:.3f} s"
        (found,) = shell.json("jobs", "--limit", "1")
        assert (found["id"], found["status"]) == (job, "interrupted"), where
        assert alive(job) == [], where
        shown = entries([json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")])
        stored = entries(shell.lines("tail", job, "-n", "all", "--level", "debug", code=5))
        assert stored[: len(shown)] == shown, where
        assert [entry["job_line"] for entry in stored] == list(range(1, len(stored) + 1)), where
        for step in {entry.get("step_id") for entry in stored}:
            lines = [entry["line_number"] for entry in stored if entry.get("step_id") == step]
            assert lines == list(range(1, len(lines) + 1)), where
        assert shell.json("db", "check")["problems"] == [], where
        shell.run("rm", job)
