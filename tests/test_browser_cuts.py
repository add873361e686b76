"""The page's entries are the store's, however often the line breaks."""

import pytest
from browsing import World, look
from shells import PATIENCE, first_job

pytestmark = pytest.mark.browser

# Per cut: what is logged until the next one comes, by 5 workers at 100 entries a second each.
_ENTRIES_A_CUT = 550
_WORKERS = 5


def test_cuts(tmp_path, campaign):
    """A reader on a poor line would see holes, or lines twice."""
    cuts = campaign(8, 200)
    world = World(tmp_path)
    job = f"""
        [step.lively]
        type = "test_job_generator"
        worker_count = {_WORKERS}
        log_count = {max(200, 3 * cuts * _ENTRIES_A_CUT // (2 * _WORKERS))}
        log_delay_ms = 10
        failure_rate = 0
        child_count = 0
        recursion_depth = 0
    """
    with world.shell.serving() as server:
        runner = world.shell.start("run", world.shell.define("lively", job), "--json")
        look("tests/browser/cuts.test.mjs", server, QUAERO_JOB=first_job(runner), QUAERO_CUTS=str(cuts))
        runner.communicate(timeout=PATIENCE)
