"""What becomes of a job when its output goes nowhere: a closed terminal, a full disk, a reader that has gone."""

import os
import signal
import subprocess
import sys
import termios
from contextlib import suppress

import pytest
from shells import PATIENCE, Shell

SLEEPER = """
    [step.a]
    type = "shell"
    command = "trap 'echo bye; exit 0' TERM; echo up > up; sleep 600 & wait"
"""
BLOCKER = """
    [step.a]
    type = "python"
    call = "blocker.py:block"
"""
BLOCKER_CODE = """
async def block(ctx):
    open(ctx.directory / "up", "w").close()
    while True:
        pass
"""


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path, extra={"TERM": "xterm"})


def started(shell: Shell, text: str, *words: str, **options) -> subprocess.Popen[str]:
    """Start a job and wait until its step runs: until it has written a file, since nobody may read its output."""
    fifo = shell.folder / "up"
    os.mkfifo(fifo)
    child = shell.start("run", shell.define("job", text), *words, **options)
    fifo.read_bytes()
    return child


def states(shell: Shell) -> list[str]:
    return [job["status"] for job in shell.json("jobs")]


def test_a_terminal_that_is_closed_cancels_the_job_in_good_order(shell):
    """Who closes the window would find the job interrupted: its runner died of the first word it wanted to say."""
    leader, follower = os.openpty()
    runner = started(shell, SLEEPER, stdout=follower, stderr=follower)
    os.close(follower)
    os.close(leader)
    runner.send_signal(signal.SIGHUP)
    assert runner.wait(PATIENCE) == 3
    assert states(shell) == ["cancelled"]
    assert "bye" in shell.run("tail", "last", "--raw", code=3).stdout


def test_a_signal_after_the_reader_has_gone_cancels_in_good_order(shell):
    """`quaero run ... | head`, then Ctrl-C: the word about it has nobody to go to."""
    reader, writer = os.pipe()
    runner = started(shell, SLEEPER, stdout=writer, stderr=writer)
    os.close(writer)
    os.close(reader)
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(PATIENCE) == 3
    assert states(shell) == ["cancelled"]


def test_a_signal_while_nobody_reads_the_output_is_heard(shell):
    """A pager that holds the pipe would hold up the cancelling, too."""
    reader, writer = os.pipe()
    text = SLEEPER.replace("echo up", "seq 1 30000; echo up")
    runner = started(shell, text, stdout=writer, stderr=writer)
    os.close(writer)
    runner.send_signal(signal.SIGINT)
    shell.run("tail", "last", "--raw", code=3)
    assert states(shell) == ["cancelled"]
    with os.fdopen(reader, "rb") as pipe:
        assert b"bye" in pipe.read()
    assert runner.wait(PATIENCE) == 130


def test_a_full_disk_behind_stdout_ends_the_showing_and_not_the_job(shell):
    """`quaero run ... > file` on a full disk would stop a job whose own disk has room."""
    path = shell.define("count", "[step.a]\ntype = 'shell'\ncommand = 'seq 1 20000'\n")
    with open("/dev/full", "w") as full:
        runner = shell.start("run", path, stdout=full)
        _, err = runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 1
    assert err.startswith("error: stdout cannot be written: No space left on device\nhint: the job went on")
    (job,) = shell.json("jobs")
    assert (job["status"], job["total_count"] > 20_000) == ("completed", True)
    with open("/dev/full", "w") as full:
        assert shell.start("run", "hello", stdout=full, stderr=full).wait(PATIENCE) == 1


def test_streams_that_the_parent_closed_do_not_matter(shell):
    """A service manager that gives no stdout would see a traceback, or the database written to by a stray print."""
    command = ["bash", "-c", 'exec "$@" >&- 2>&- <&-', "bash", sys.executable, "-m", "quaero_cli", "run", "hello"]
    done = subprocess.run(command, env=shell.environment(), cwd=shell.folder, timeout=PATIENCE, check=False)
    assert done.returncode == 0
    assert states(shell) == ["completed"]


def test_stderr_that_cannot_be_written_changes_no_exit_code(shell):
    """A job that completed would count as failed, since nobody can read its words."""
    reader, gone = os.pipe()
    os.close(reader)
    with open("/dev/full", "w") as full, os.fdopen(gone, "w") as pipe:
        for err in (full, pipe):
            runner = shell.start("run", "hello", stderr=err)
            out, _ = runner.communicate(timeout=PATIENCE)
            assert (runner.returncode, "Status changed: completed (job: Hello)" in out) == (0, True)
        follower = shell.start("tail", "last", "--json", stderr=full)
        assert '"exit_code":0' in follower.communicate(timeout=PATIENCE)[0]
        assert follower.returncode == 0


def test_the_third_ctrl_c_leaves_a_loop_that_never_yields(shell):
    """Only kill -9 from another shell would end a step that blocks the event loop."""
    (shell.folder / "blocker.py").write_text(BLOCKER_CODE)
    runner = started(shell, BLOCKER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while runner.poll() is None:  # signals of a kind that come at once are one
        runner.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            runner.wait(0.05)
    assert runner.returncode == 130
    assert states(shell) == ["interrupted"]


def test_the_third_ctrl_c_gives_the_terminal_back(shell):
    """The shell would be left without a cursor, and without what is typed."""
    leader, follower = os.openpty()
    text = "[step.a]\ntype = 'shell'\ncommand = \"trap '' TERM; echo up > up; sleep 600 & wait; sleep 600\"\n"
    runner = started(shell, text, stdout=follower, stderr=follower, stdin=follower, start_new_session=True)
    shown = b""
    while b"\x1b[?25l" not in shown:
        shown += os.read(leader, 65536)
    for word in (b"again to kill", b"once more"):
        runner.send_signal(signal.SIGINT)
        while word not in shown:
            shown += os.read(leader, 65536)
    runner.send_signal(signal.SIGINT)
    assert runner.wait(PATIENCE) == 130
    assert termios.tcgetattr(follower)[3] & termios.ECHO
    os.close(follower)
    while chunk := read_left(leader):
        shown += chunk
    os.close(leader)
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")


def read_left(leader: int) -> bytes:
    """Read what a terminal that was closed still holds."""
    try:
        return os.read(leader, 65536)
    except OSError:
        return b""
