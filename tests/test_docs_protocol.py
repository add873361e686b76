"""The documentation of the protocol: every route, parameter, event and field, and examples that work."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ROOT, document, first_cells
from serving import all_routes
from shells import PATIENCE, Shell

from quaero_cli.model import LogsView, StatusView
from quaero_cli.server.filters import BUNDLE_RULES, JOB_RULES, PAGE_RULES, SEARCH_RULES, STREAM_RULES
from quaero_cli.server.schemas import schemas_of
from quaero_cli.store.jobs import JobDetails


def test_every_route_is_described(tmp_path):
    """A client's author would miss a route, or call one that is not there."""
    page = document("protocol.md")
    written = re.findall(r"(?:^### |`)(GET|POST|PUT|DELETE) (/[^\s`]*)", page.prose, re.MULTILINE)
    served = {(method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)) for rule, method in all_routes(tmp_path)}
    assert set(written) == {(method, rule) for method, rule in served if method != "HEAD"}


@pytest.mark.parametrize(
    ("route", "rules"),
    [
        ("GET /api/logs/stream", STREAM_RULES),
        ("GET /api/logs/streams", BUNDLE_RULES),
        ("GET /api/logs", {name: rule for name, rule in PAGE_RULES.items() if name in ("before", "since", "around")}),
        ("GET /api/search", SEARCH_RULES),
        ("GET /api/jobs", JOB_RULES),
    ],
)
def test_every_query_parameter_is_described(route, rules):
    """A filter would be unknown, or answered with 400."""
    written = [cells[0] for cells in first_cells(document("protocol.md").section(route))]
    assert sorted(written) == sorted(rules)


def test_every_event_is_described():
    """A client would meet an event that it was never told of."""
    written = [cells[0] for cells in first_cells(document("protocol.md").section("The stream"))]
    source = (ROOT / "quaero_cli" / "server" / "sse.py").read_text()
    sent = set(re.findall(r'frame\("(\w+)"', source))
    assert set(written) == sent


def test_every_part_of_a_view_is_described():
    """A field of an answer would have no meaning that anybody could look up."""
    shapes = document("protocol.md").text
    for view in schemas_of([JobDetails, LogsView, StatusView]).values():
        for key in view["properties"]:
            assert re.search(rf"[`\"]{key}[`\"]", shapes), key


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples use curl")
def test_the_examples_with_curl_work(tmp_path):
    """Whoever copies the examples one after the other would be stopped by one of them."""
    shell = Shell(tmp_path)
    script = "set -euo pipefail\n" + "\n".join(document("protocol.md").blocks("sh"))
    with shell.serving() as server:
        script = script.replace("http://127.0.0.1:8420", f"http://127.0.0.1:{server.port}")
        script = script.replace("curl -s", "curl --max-time 30 -s")
        environment = {**shell.environment(), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            timeout=PATIENCE,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Hello, Ada" in done.stdout
    assert "event: end" in done.stdout
    errors_told = re.findall(r'\{"error":"[^"]*"', done.stdout)
    assert len(errors_told) == 1, errors_told  # the job that is cancelled has ended before
    assert "has ended already" in errors_told[0]
