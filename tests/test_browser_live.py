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


def test_live(tmp_path):
    """A watcher would not see what happens, where it happens, or that it is over."""
    world = World(tmp_path)
    (tmp_path / "steps.txt").touch()
    definition = world.shell.define("gated", GATED.replace("{folder}", str(tmp_path)))
    with world.shell.serving() as server:
        runner = world.shell.start("run", definition, "--json")
        try:
            look("tests/browser/live.test.mjs", server, QUAERO_JOB=first_job(runner), QUAERO_GATE=str(tmp_path))
        finally:
            (tmp_path / "steps.txt").write_text("end\n")
            runner.communicate(timeout=PATIENCE)
