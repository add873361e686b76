"""Ctrl-C at random moments on a real terminal: one asks, two kill, three leave, and the store always knows."""

import random
import re
import signal
import time
from pathlib import Path

import pytest
from ptys import Pseudo, on_a_terminal
from shells import Shell

from quaero_cli.engine.strays import find_strays

FINAL = {"completed", "cancelled", "failed", "interrupted"}

# What a job may be doing. The first ends when it is asked, the second not before it is killed, the third never.
JOBS = {
    "polite": """
        [step.child]
        type = "shell"
        command = "sleep 1000 & echo begun; wait"
        [step.fan]
        type = "test_job_generator"
        log_count = 1000
        [step.call]
        type = "job"
        definition = "sub.toml"
    """,
    "stubborn": """
        [step.child]
        type = "shell"
        command = "trap '' TERM INT HUP; (trap '' TERM; setsid sleep 1000) & echo begun; while :; do sleep 1; done"
        [step.clean]
        type = "shell"
        depends = ["child"]
        always_run = true
        command = "trap '' TERM; sleep 1000"
    """,
    "stuck": """
        [step.child]
        type = "shell"
        command = "sleep 1000"
        [step.loop]
        type = "python"
        call = "loop.py:loop"
    """,
}
LOOP = """
import pathlib
import trio

async def loop(ctx):
    ctx.log.info("begun")
    await trio.sleep(0.3)
    pathlib.Path("looping").touch()
    while True:
        pass
"""
# Presses that each job takes to end; with fewer each would go on for far longer than anybody waits.
PRESSES = {"polite": 1, "stubborn": 2, "stuck": 3}
# Seconds after which a person presses again.
AGAIN = 10.0


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "loop.py").write_text(LOOP)
    shell = Shell(tmp_path)
    shell.define("sub", "[step.a]\ntype = 'shell'\ncommand = 'exec sleep 1000'\n")
    return shell


def read_for(terminal: Pseudo, seconds: float) -> None:
    """Take what comes for so long."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and terminal.process.poll() is None:
        terminal.read(left)


def press(terminal: Pseudo) -> None:
    """Press Ctrl-C, if there is still somebody to hear it."""
    if terminal.process.poll() is None:
        terminal.type("\x03")


def is_pending(terminal: Pseudo) -> bool:
    """Whether the process has a SIGINT to take yet."""
    if terminal.process.poll() is not None:
        return False
    masks = re.findall(r"^(?:SigPnd|ShdPnd):\s*(\w+)", Path(f"/proc/{terminal.process.pid}/status").read_text(), re.M)
    return any(int(mask, 16) & 1 << (signal.SIGINT - 1) for mask in masks)


@pytest.mark.parametrize("seed", [20261126])
@pytest.mark.parametrize("name", JOBS)
def test_at_any_moment(shell, campaign, name, seed):
    """A person who presses Ctrl-C would wait for ever, or leave processes and a job that runs on paper."""
    chance = random.Random(f"{seed} {name}")
    path = shell.define(name, JOBS[name])
    known: set[str] = set()
    for round_ in range(campaign(2, 34)):
        after = [chance.uniform(0.05, 1.2), *(chance.uniform(0, 0.6) for _ in range(PRESSES[name] - 1))]
        where = f"seed {seed}, {name}, round {round_}, pressed after {after}"
        with on_a_terminal(shell, "run", path) as terminal:
            for seconds in after:
                read_for(terminal, seconds)
                press(terminal)
            # Two that come before the process has run again are one to it.
            for _ in after[1:]:
                read_for(terminal, AGAIN)
                press(terminal)
            code = terminal.wait()
        jobs = shell.json("jobs", "--limit", "1000")
        if {job["id"] for job in jobs} == known and code in (-signal.SIGINT, 1):
            assert "quaero_cli" not in terminal.raw, where
            continue  # Python itself had not begun yet, and says what it likes
        assert code == 130, where
        assert "Traceback" not in terminal.raw, where
        assert {job["status"] for job in jobs} <= FINAL, where
        new = {job["id"] for job in jobs} - known
        known |= new
        for job in new:
            assert find_strays(job) == [], where
            steps = shell.json("show", job)["steps"]
            assert {step["status"] for step in steps} <= FINAL | {"skipped"}, where


def test_what_each_press_does(shell):
    """The second press would only ask again, and the third would change nothing."""
    path = shell.define("stubborn", JOBS["stubborn"])
    with on_a_terminal(shell, "run", path) as terminal:
        terminal.until("begun")
        terminal.type("\x03")
        terminal.until("SIGINT: cancelling job")
        assert terminal.process.poll() is None, "it gives its processes time"
        terminal.type("\x03")
        assert terminal.wait() == 130
    (job,) = shell.json("jobs")
    assert job["status"] == "cancelled"
    with on_a_terminal(shell, "run", shell.define("stuck", JOBS["stuck"])) as terminal:
        while not (shell.folder / "looping").exists():
            read_for(terminal, 0.05)
        for _ in range(3):
            press(terminal)
            read_for(terminal, 0.5)
            while is_pending(terminal):
                read_for(terminal, 0.05)
        assert terminal.wait() == 130
    assert [job["status"] for job in shell.json("jobs")] == ["interrupted", "cancelled"]
