"""A run in a real, headless Chromium: followed on its page while it goes on, and looked at when it is over."""

import pytest
from browsing import World, look
from shells import PATIENCE, first_job

pytestmark = pytest.mark.browser

# It goes on until the test has followed it for a while, and says so.
FOLLOWED = """
    [step.quick]
    type = "test_job_generator"
    worker_count = 20
    log_count = 40
    log_delay_ms = 5
    failure_rate = 0
    child_count = 0
    recursion_depth = 0
    [step.steady]
    type = "shell"
    depends = ["quick"]
    command = "until [ -e {enough} ]; do echo tick; sleep 0.05; done"
"""


@pytest.mark.workers_at_night
def test_a_run_is_followed_in_the_browser(anywhere, tmp_path):
    """The list, a live job with exact counts, no error, no breach of the content policy."""
    world = World(tmp_path, anywhere)
    enough = tmp_path / "enough"
    with world.shell.serving() as server:
        runner = world.shell.start("run", world.shell.define("followed", FOLLOWED.format(enough=enough)), "--json")
        try:
            told = {
                "QUAERO_ENOUGH": str(enough),
                "QUAERO_DEFINITION": "hello",
                "QUAERO_SHOTS": str(tmp_path / "shots"),
            }
            look("tests/browser/run.test.mjs", server, QUAERO_JOB=first_job(runner), **told)
        finally:
            enough.touch()
            runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 0
