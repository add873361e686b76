"""A server that is stopped and started anew while a job runs, and a tab that is hidden."""

import json
import sys

import pytest
from browsing import LIVELY, World, look
from ports import own_port

pytestmark = pytest.mark.browser


def test_restart(tmp_path):
    """A reader would lose the lines of the time when the server was away, or when the tab was behind another."""
    world = World(tmp_path)
    port = str(own_port())
    with world.shell.serving("--port", port) as server:
        pass  # the token that it comes back with
    serve = [sys.executable, "-m", "quaero_cli", "--home", str(world.shell.home), "serve", "--port", port]
    told = {"QUAERO_SERVE": json.dumps(serve), "QUAERO_PROFILE": str(tmp_path / "profile")}
    with world.running("lively", LIVELY) as job:
        look("tests/browser/restart.test.mjs", server, QUAERO_JOB=job, **told)
