"""`--detach`, with real processes: the job goes on without the terminal, and mistakes are told before that."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from shells import PATIENCE, Shell

# Goes on until the file is there: it ends when the test wants it to.
GATED = """
    [step.work]
    type = "shell"
    command = "echo up; until [ -e {gate} ]; do sleep 0.02; done; echo done"
"""


def gated(shell: Shell) -> tuple[str, Path]:
    gate = shell.folder / "gate"
    return shell.define("gated", GATED.format(gate=gate)), gate


def test_the_id_is_printed_when_the_job_is_stored(shell):
    """A script takes the ID from stdout and goes on at once; what it asks next must find the job."""
    path, gate = gated(shell)
    done = shell.run("run", path, "--detach")
    job = done.stdout.strip()
    assert shell.json("show", job)["job"]["status"] in ("pending", "running")
    assert f"quaero tail {job}" in done.stderr
    gate.touch()
    shell.run("tail", job)
    assert shell.json("show", job)["job"]["status"] == "completed"


def test_it_has_a_session_of_its_own_and_no_terminal(shell):
    """Nothing that happens to the shell reaches it: no hang-up, no stopped output, no pipe that breaks."""
    path, gate = gated(shell)
    answer = shell.json("run", path, "--detach")
    pid = answer["pid"]
    assert os.getsid(pid) == pid
    assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)} == {"/dev/null"}
    os.kill(pid, signal.SIGHUP)
    gate.touch()
    shell.run("tail", answer["job_id"])


def test_a_signal_that_comes_with_the_id_cancels_the_job(shell):
    """A script that stops at once what it has started would leave a job that nobody has cancelled."""
    path, _ = gated(shell)
    answer = shell.json("run", path, "--detach")
    os.kill(answer["pid"], signal.SIGTERM)
    shell.run("tail", answer["job_id"], code=3)
    assert shell.json("show", answer["job_id"])["job"]["error"] == "cancelled by SIGTERM"


@pytest.mark.parametrize("closed", ["<&- 2>&-", "<&- >&- 2>&-", "2>&-", "<&-"])
def test_it_runs_to_its_end_where_streams_are_closed(shell, closed):
    """From a service manager that gives no streams, it would let go of its lock with them, and count as dead."""
    path, gate = gated(shell)
    words = ["bash", "-c", f'exec "$@" {closed}', "bash", sys.executable, "-m", "quaero_cli", "run", path, "--detach"]
    subprocess.run(
        words, env=shell.environment(), cwd=shell.folder, timeout=PATIENCE, check=True, capture_output=True
    )
    (job,) = shell.json("jobs")
    assert job["status"] in ("pending", "running")
    gate.touch()
    shell.run("tail", job["id"])


def test_a_closed_terminal_does_not_end_it(shell):
    """The window is closed, the connection is lost: that is what the option is for."""
    path, gate = gated(shell)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(shell.folder)
        os.execve(
            sys.executable,
            [sys.executable, "-m", "quaero_cli", "run", path, "--detach", "--json"],
            shell.environment(),
        )
    said = b""
    while b"}" not in said:
        said += os.read(terminal, 1000)
    answer = json.loads(said[said.index(b"{") :].partition(b"\r")[0])
    os.close(terminal)
    os.waitpid(child, 0)
    gate.touch()
    shell.run("tail", answer["job_id"])
    assert shell.json("show", answer["job_id"])["job"]["status"] == "completed"


def test_cancel_ends_it(shell):
    """There is no Ctrl-C for it, so `cancel` must find it."""
    path, _ = gated(shell)
    job = shell.json("run", path, "--detach")["job_id"]
    shell.run("cancel", job)
    shell.run("tail", job, code=3)


def test_a_mistake_is_told_in_the_foreground(shell):
    """A job that never was has no log to look into: its error must come now, with its exit code."""
    path, gate = gated(shell)
    shell.run("run", path, "--detach")
    error = shell.run("run", path, "--detach", code=2).stderr
    assert "already as job" in error
    assert "hint: " in error
    assert shell.run("run", "hello", "-p", "whom=x", "--detach", code=2).stdout == ""
    assert shell.run("run", "nonsense", "--detach", code=4).stdout == ""
    assert "--detach" in shell.run("run", "hello", "--detach", "--serve", code=2).stderr
    secret = shell.define("secret", "[secrets]\nKEY = 'env:NOT_THERE'\n[step.a]\ntype = 'shell'\ncommand = 'true'\n")
    assert "NOT_THERE" in shell.run("run", secret, "--detach", code=2).stderr
    gate.touch()
    shell.run("tail", "gated")


def test_parameters_are_handed_over_out_of_sight(shell):
    """Every user of the machine can read a process's arguments; a secret parameter must not be among them."""
    gate = shell.folder / "gate"
    path = shell.define(
        "secret",
        f"""
        [params.key]
        secret = true
        [params.sites]
        type = "list"
        [step.work]
        type = "shell"
        env = {{ KEY = "{{params.key}}" }}
        command = "until [ -e {gate} ]; do sleep 0.02; done; test $KEY = s3cret-value && echo fits {{params.sites}}"
        """,
    )
    answer = shell.json("run", path, "--detach", "-p", "key=s3cret-value", "-p", "sites=a,b")
    assert b"s3cret" not in Path(f"/proc/{answer['pid']}/cmdline").read_bytes()
    gate.touch()
    assert "fits" in shell.run("tail", answer["job_id"], "-n", "all").stdout
