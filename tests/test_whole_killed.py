"""kill -9, a full disk, a pipe that is closed, with real processes: what was shown is stored, and nothing is left."""

import json
import signal
import subprocess
import sys

import pytest
from livejobs import STEADY, started
from shells import PATIENCE, entries, first_job, numbers_without_holes, read_line, whole_lines

from quaero_cli.engine.procfs import read_stat


def test_kill_9_of_the_runner_loses_nothing_that_was_shown(shell):
    """The next look says `interrupted`, and every line that any reader had is there."""
    path = shell.define("steady", STEADY.replace("log_count = 60", "log_count = 6000"))
    runner = shell.start("run", path, "--json", "--level", "debug", stderr=subprocess.DEVNULL)
    assert runner.stdout is not None
    shown = []
    for line in runner.stdout:
        shown.append(json.loads(line))
        if len(shown) == 300:
            runner.send_signal(signal.SIGKILL)
            break
    shown += whole_lines(runner.stdout.read())
    runner.communicate(timeout=PATIENCE)
    (job,) = shell.json("jobs")
    assert job["status"] == "interrupted"
    stored = entries(shell.lines("tail", "last", "-n", "all", "--level", "debug", code=5))
    numbers_without_holes(stored)
    acknowledged = entries(shown)
    assert stored[: len(acknowledged)] == acknowledged
    assert stored[-1]["message"].startswith("Status changed: interrupted")
    # A new job of the same definition is not refused because of the dead one.
    assert shell.run("run", path, "--dry-run")


@pytest.mark.parametrize("words", [("jobs",), ("run", "hello")])
def test_what_a_killed_runner_left_behind_is_ended(shell, words):
    """A child that needs no pipe would go on for ever, beside the job's next run."""
    runner = started(shell, "[step.a]\ntype = 'shell'\ncommand = 'echo $$; echo up; exec sleep 600'\n")
    runner.send_signal(signal.SIGKILL)
    runner.communicate(timeout=PATIENCE)
    shell.run(*words)
    pid = next(line["message"] for line in shell.lines("tail", "sleeper", code=5) if line.get("source") == "stdout")
    stat = read_stat(int(pid))
    assert stat is None or stat.zombie  # whoever adopted it may take its time


def test_a_tail_that_follows_sees_its_runner_die(shell):
    """Nobody waits for ever on a job whose process is gone."""
    path = shell.define("steady", STEADY.replace("log_count = 60", "log_count = 6000"))
    runner = shell.start("run", path, "--json", stderr=subprocess.DEVNULL)
    job = first_job(runner)
    tail = shell.start("tail", job, "--json")
    read_line(tail.stdout)
    runner.send_signal(signal.SIGKILL)
    events = [json.loads(line) for line in tail.communicate(timeout=PATIENCE)[0].splitlines()]
    runner.communicate(timeout=PATIENCE)
    assert tail.returncode == 5
    assert events[-1] == {"event": "end", "job_id": job, "status": "interrupted", "exit_code": 5}


def test_a_reader_that_leaves_does_not_stop_the_job(shell):
    """`quaero run … | head`: the job runs to its end, and every line is stored."""
    path = shell.define("count", "[step.a]\ntype = 'shell'\ncommand = 'seq 1 20000'\n")
    command = f"{sys.executable} -m quaero_cli run {path} | head -3"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}; exit $PIPESTATUS"], env=shell.environment(), cwd=shell.folder,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    (job,) = shell.json("jobs")
    assert (job["status"], job["total_count"] > 20_000) == ("completed", True)


def test_a_full_disk_is_one_clear_error_and_keeps_what_was_stored(shell):
    """Exit code 6, and the lines that were shown are there afterwards."""
    path = shell.define("count", "[step.a]\ntype = 'shell'\ncommand = 'seq 1 200000'\n")
    shell.run("run", "hello")
    words = [sys.executable, "-m", "quaero_cli", "run", path, "--json"]
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 3000; exec "$@"', "bash", *words], env=shell.environment(), cwd=shell.folder,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 6, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert "hint: free space" in done.stderr
    shown = entries(whole_lines(done.stdout))
    stored = entries(shell.lines("tail", "count", "-n", "all", "--level", "debug", code=5))
    numbers_without_holes(stored)
    assert stored[: len(shown)] == shown
