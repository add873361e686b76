"""The page's entries are the store's, however often the line breaks."""

import pytest
from browsing import World, look
from shells import PATIENCE

pytestmark = pytest.mark.browser

# It goes on until the test has seen its cuts, and cancels it.
LASTING = """
    [step.lively]
    type = "test_job_generator"
    worker_count = {workers}
    concurrency = {workers}
    log_count = 100000
    log_delay_ms = 10
    failure_rate = 0
    child_count = 0
    recursion_depth = 0
"""


@pytest.mark.workers_at_night
def test_cuts(anywhere, tmp_path, campaign):
    """A reader on a poor line would see holes, or lines twice."""
    cuts, workers = campaign(8, 200), campaign(5, 10)
    world = World(tmp_path, anywhere)
    with world.shell.serving() as server, world.running("lasting", LASTING.format(workers=workers)) as job:
        variables = {"QUAERO_JOB": job, "QUAERO_CUTS": str(cuts)}
        look("tests/browser/cuts.test.mjs", server, seconds=PATIENCE * 4 + 5 * cuts, **variables)
