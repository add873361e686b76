"""What happens to the line between a page and its server, while a job runs."""

import pytest
from browsing import LIVELY, World, look
from shells import PATIENCE, first_job

pytestmark = pytest.mark.browser


def test_connection(tmp_path):
    """A reader would lose lines, or see "Live" while nothing comes."""
    world = World(tmp_path)
    with world.shell.serving() as server:
        runner = world.shell.start("run", world.shell.define("lively", LIVELY), "--json")
        look("tests/browser/connection.test.mjs", server, QUAERO_JOB=first_job(runner))
        runner.communicate(timeout=PATIENCE)
