"""kill -9 of a runner whose steps are shells with children of their own: they are ended, and no line is lost."""

import random
from pathlib import Path

import pytest
from livejobs import killed_run
from shells import Shell, entries, numbers_without_holes

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
        after = chance.uniform(0.0, 0.8)
        job, shown = killed_run(shell, path, after)
        where = f"seed {seed}, round {round_}, killed after {after:.3f} s"
        (found,) = shell.json("jobs", "--limit", "1")
        assert (found["id"], found["status"]) == (job, "interrupted"), where
        assert alive(job) == [], where
        stored = entries(shell.lines("tail", job, "-n", "all", "--level", "debug", code=5))
        assert stored[: len(shown)] == shown, where
        numbers_without_holes(stored, where)
        assert shell.json("db", "check")["problems"] == [], where
        shell.run("rm", job)
