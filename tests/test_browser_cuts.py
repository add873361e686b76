"""The page's entries are the store's, however often the line breaks."""

import pytest
from browsing import World, look
from shells import PATIENCE, first_job

pytestmark = pytest.mark.browser

# Per cut: what is logged until the next one comes, by workers at 100 entries a second each.
_ENTRIES_A_CUT = 550


def test_cuts(tmp_path, campaign):
    """A reader on a poor line would see holes, or lines twice."""
    cuts, workers = campaign(8, 200), campaign(5, 10)
    world = World(tmp_path)
    job = f"""
        [step.lively]
        type = "test_job_generator"
        worker_count = {workers}
        concurrency = {workers}
        log_count = {max(200, 3 * cuts * _ENTRIES_A_CUT // (2 * workers))}
        log_delay_ms = 10
        failure_rate = 0
        child_count = 0
        recursion_depth = 0
    """
    with world.shell.serving() as server:
        runner = world.shell.start("run", world.shell.define("lively", job), "--json")
        variables = {"QUAERO_JOB": first_job(runner), "QUAERO_CUTS": str(cuts)}
        look("tests/browser/cuts.test.mjs", server, seconds=PATIENCE * 4 + 5 * cuts, **variables)
        runner.communicate(timeout=PATIENCE)
