"""A job that waits for the test: what its page and the list of jobs show while it goes on, and when it ends."""

import pytest
from browsing import World, look
from shells import PATIENCE, first_job

pytestmark = pytest.mark.browser

GATED = """
    [step.gate]
    type = "shell"
    levels = true
    command = '''
    echo ready
    tail -n +1 -f steps.txt & tail=$!
    trap "kill $tail" EXIT
    while ! grep -qx end steps.txt; do sleep 0.05; done
    '''
    working_dir = "{folder}"
    [step.after]
    type = "shell"
    depends = ["gate"]
    command = "echo after"
"""
OTHER = """
    [step.lively]
    type = "test_job_generator"
    worker_count = 1
    log_count = 100000
    log_delay_ms = 100
    failure_rate = 0
    child_count = 0
    recursion_depth = 0
"""


def test_live(tmp_path):
    """A watcher would not see what happens, where it happens, or that it is over."""
    world = World(tmp_path)
    (tmp_path / "steps.txt").touch()
    definition = world.shell.define("gated", GATED.replace("{folder}", str(tmp_path)))
    with world.shell.serving() as server:
        runner = world.shell.start("run", definition, "--json")
        other = world.shell.start("run", world.shell.define("other", OTHER), "--json")
        try:
            variables = {
                "QUAERO_JOB": first_job(runner),
                "QUAERO_GATE": str(tmp_path),
                "QUAERO_OTHER": str(other.pid),
            }
            first_job(other)
            look("tests/browser/live.test.mjs", server, **variables)
        finally:
            (tmp_path / "steps.txt").write_text("end\n")
            runner.communicate(timeout=PATIENCE)
            other.kill()
            other.communicate(timeout=PATIENCE)
