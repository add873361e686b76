"""The viewer in a real, headless Chromium, against a real server and a real job."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from shells import PATIENCE, Shell, first_job

VIEWER = Path(__file__).resolve().parent.parent / "viewer"

pytestmark = pytest.mark.browser

LIVELY = """
    [step.quick]
    type = "test_job_generator"
    worker_count = 20
    log_count = 40
    log_delay_ms = 5
    failure_rate = 0
    child_count = 0
    recursion_depth = 0
    [step.steady]
    type = "test_job_generator"
    depends = ["quick"]
    worker_count = 3
    log_count = 200
    log_delay_ms = 40
    failure_rate = 0
    child_count = 0
    recursion_depth = 0
"""


def test_a_run_is_followed_in_the_browser(tmp_path):
    """The list, a live job with exact counts, no error, no breach of the content policy."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: just browser"
    shell = Shell(tmp_path)
    with shell.serving() as server:
        runner = shell.start("run", shell.define("lively", LIVELY), "--json")
        job = first_job(runner)
        environment = {
            **os.environ,
            "QUAERO_URL": f"http://127.0.0.1:{server.port}",
            "QUAERO_TOKEN": server.token,
            "QUAERO_JOB": job,
            "QUAERO_DEFINITION": "hello",
            "QUAERO_CHROMIUM": chromium,
            "QUAERO_SHOTS": str(tmp_path / "shots"),
        }
        done = subprocess.run(
            ["node", "--test", "tests/browser.test.mjs"], cwd=VIEWER, env=environment, capture_output=True, text=True,
            timeout=PATIENCE * 3, check=False,
        )  # fmt: skip
        runner.communicate(timeout=PATIENCE)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert runner.returncode == 0
