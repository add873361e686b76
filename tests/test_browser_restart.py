"""A server that is stopped and started anew while a job runs, and a tab that is hidden."""

import json
import sys

import pytest
from browsing import LIVELY, World, look
from shells import PATIENCE, first_job

pytestmark = pytest.mark.browser


def test_restart(tmp_path):
    """A reader would lose the lines of the time when the server was away, or when the tab was behind another."""
    world = World(tmp_path)
    with world.shell.serving() as server:
        pass  # the port and the token that it comes back with
    serve = [sys.executable, "-m", "quaero_cli", "--home", str(world.shell.home), "serve", "--port", str(server.port)]
    runner = world.shell.start("run", world.shell.define("lively", LIVELY), "--json")
    try:
        job = first_job(runner)
        told = {"QUAERO_SERVE": json.dumps(serve), "QUAERO_PROFILE": str(tmp_path / "profile")}
        look("tests/browser/restart.test.mjs", server, QUAERO_JOB=job, **told)
    finally:
        runner.terminate()
        runner.communicate(timeout=PATIENCE)
