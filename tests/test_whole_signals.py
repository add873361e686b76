"""Cancelling and signals, with real processes: who is asked, who is killed, and who only stops watching."""

import signal
import subprocess
import sys

import pytest
from livejobs import SLEEPER, started
from shells import PATIENCE, read_line, until_says


def test_cancel_reaches_a_job_in_another_process(shell):
    """Wherever it runs, and it stays cancelled."""
    runner = started(shell, SLEEPER)
    assert "cancelled" in shell.run("cancel", "last").stderr
    out, _ = runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 3
    assert '"message":"bye"' in out
    assert '"message":"never"' not in out
    shown = shell.json("show", "last")
    assert [step["status"] for step in shown["steps"]] == ["cancelled", "skipped"]
    assert "has ended already" in shell.run("cancel", "last", code=2).stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 3)])
def test_the_first_signal_cancels_and_waits(shell, number, code):
    """Ctrl-C gives children their time, and what they say last is stored."""
    runner = started(shell, SLEEPER)
    runner.send_signal(number)
    out, err = runner.communicate(timeout=PATIENCE)
    assert (runner.returncode, "Traceback" in err) == (code, False)
    assert '"message":"bye"' in out
    assert shell.json("jobs")[0]["status"] == "cancelled"


def test_nohup_is_respected(shell):
    """`nohup quaero run … &` is what people type before they log out."""
    import os

    path = shell.define("sleeper", SLEEPER)
    child = subprocess.Popen(
        ["nohup", sys.executable, "-m", "quaero_cli", "run", path, "--json"],
        cwd=shell.folder, env=shell.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until_says(child, '"message":"up"')
    os.kill(child.pid, signal.SIGHUP)
    shell.run("tail", "last", "--timeout", "0.7", code=124)
    assert shell.json("jobs")[0]["status"] == "running"
    shell.run("cancel", "last")
    child.communicate(timeout=PATIENCE)


def test_cancel_of_several_does_not_stop_at_one_that_has_ended(shell):
    """A list of jobs is a list of wishes."""
    shell.run("run", "hello")
    runner = started(shell, SLEEPER)
    error = shell.run("cancel", "hello", "sleeper", code=2).stderr
    assert "has ended already" in error
    runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 3


def test_the_second_signal_kills_what_will_not_go(shell):
    """A child that ignores TERM must not hold the shell for its grace."""
    runner = started(
        shell, "[step.a]\ntype = 'shell'\ncommand = \"trap '' TERM; echo up; sleep 600 & wait; sleep 600\"\n"
    )
    runner.send_signal(signal.SIGINT)
    assert "again to kill" in read_line(runner.stderr)
    runner.send_signal(signal.SIGINT)
    runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 130
    assert shell.json("jobs")[0]["status"] == "cancelled"


def test_ctrl_c_in_tail_only_stops_watching(shell):
    """A watcher never harms a job; and it says how to go on."""
    runner = started(shell, SLEEPER)
    tail = shell.start("tail", "last", "--json")
    read_line(tail.stdout)
    tail.send_signal(signal.SIGINT)
    _, err = tail.communicate(timeout=PATIENCE)
    assert tail.returncode == 130
    assert "the job goes on" in err
    assert shell.json("jobs")[0]["status"] == "running"
    shell.run("cancel", "last")
    runner.communicate(timeout=PATIENCE)


def test_tail_timeout_and_no_follow(shell):
    """For scripts that must go on."""
    runner = started(shell, SLEEPER)
    shell.run("tail", "last", "--timeout", "0.5", code=124)
    assert "up" in shell.run("tail", "last", "--no-follow").stdout
    shell.run("cancel", "last")
    runner.communicate(timeout=PATIENCE)
    assert "never" not in shell.run("tail", "last", code=3).stdout
