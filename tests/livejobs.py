"""Jobs for tests that watch real processes: definitions, and how such a job is begun."""

import re
import signal
import subprocess
import threading
from typing import Any

from shells import PATIENCE, Shell, entries, first_job, until_says, whole_lines

# Two steps one after the other, of 1,000 lines and some, in a few seconds.
STEADY = """
    [step.one]
    type = "test_job_generator"
    worker_count = 5
    log_count = 60
    log_delay_ms = 10
    failure_rate = 0.3
    child_count = 2
    recursion_depth = 1
    [step.two]
    type = "test_job_generator"
    worker_count = 3
    log_count = 200
    log_delay_ms = 2
    failure_rate = 0
    child_count = 0
    recursion_depth = 0
    [error_tolerance]
    max_child_failures = 100
"""
# Goes on until it is cancelled, and says goodbye.
SLEEPER = """
    [step.a]
    type = "shell"
    command = "trap 'echo bye; exit 0' TERM; echo up; sleep 600 & wait"
    [step.b]
    type = "shell"
    depends = "a"
    command = "echo never"
"""
TWO_STEPS = """
    [step.one]
    type = "shell"
    command = "echo first; echo second"
    [step.two]
    type = "shell"
    depends = "one"
    command = "echo third"
"""


FAILING = "[step.a]\ntype = 'shell'\ncommand = 'echo broken; exit 7'\n"


def started(shell: Shell, text: str = SLEEPER) -> subprocess.Popen[str]:
    """Start a job and wait until its first step says `up`."""
    return sleeping(shell, text)[0]


def sleeping(shell: Shell, text: str = SLEEPER) -> tuple[subprocess.Popen[str], str]:
    """Start a job and wait until its first step says `up`; return its process and its ID."""
    child = shell.start("run", shell.define("sleeper", text), "--json")
    job = first_job(child)
    until_says(child, '"message":"up"')
    return child, job


def killed_run(shell: Shell, path: str, after: float) -> tuple[str, list[dict[str, Any]]]:
    """Run a definition whose job goes on and on, and kill -9 its runner after so many seconds.

    Returns the job's ID, and the entries that were shown.
    """
    runner = shell.start("run", path, "--json", "--level", "debug")
    job = first_job(runner)
    threading.Timer(after, runner.send_signal, [signal.SIGKILL]).start()
    text, _ = runner.communicate(timeout=PATIENCE)
    return job, entries(whole_lines(text))


def messages(text: str) -> list[str]:
    """Return what the plain lines of `tail` say, without time, level and origin, and without statuses."""
    found = [re.sub(r"^\S+ +[A-Z]+ +(\S+ \[\w+\])? *", "", line) for line in text.splitlines()]
    return [each for each in found if not each.startswith("Status changed")]
