"""A server that is stopped and started anew while a job runs, and a tab that is hidden."""

import json
import sys
from contextlib import ExitStack

import pytest
from browsing import LIVELY, World, look
from ports import own_port

pytestmark = pytest.mark.browser


@pytest.mark.workers_at_night
def test_restart(anywhere, tmp_path):
    """A reader would lose the lines of the time when the server was away, or when the tab was behind another."""
    world = World(tmp_path, anywhere)
    port = str(own_port())
    with ExitStack() as stack:
        with world.shell.serving("--port", port) as server:  # the token that it comes back with
            job = stack.enter_context(world.running("lively", LIVELY))
        told = {"QUAERO_PROFILE": str(tmp_path / "profile"), **world.shell.extra}
        serve = [sys.executable, "-m", "quaero_cli", "--home", str(world.shell.home), "serve", "--port", port]
        look("tests/browser/restart.test.mjs", server, QUAERO_JOB=job, QUAERO_SERVE=json.dumps(serve), **told)
