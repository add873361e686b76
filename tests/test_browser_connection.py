"""What happens to the line between a page and its server, while a job runs."""

import pytest
from browsing import LIVELY, World, look

pytestmark = pytest.mark.browser


@pytest.mark.workers_at_night
def test_connection(anywhere, tmp_path):
    """A reader would lose lines, or see "Live" while nothing comes."""
    world = World(tmp_path, anywhere)
    with world.shell.serving() as server, world.running("lively", LIVELY) as job:
        look("tests/browser/connection.test.mjs", server, QUAERO_JOB=job)
