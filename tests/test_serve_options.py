"""The options of `quaero serve` that decide who may do what."""

import signal
import socket

import pytest
from shells import PATIENCE, Shell, read_line


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


def _ended(child) -> str:
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == 0, err
    return err


def test_a_server_that_others_reach_says_so(shell):
    """Somebody would open a port to the whole network and not know that nothing is encrypted."""
    child = shell.start("serve", "--host", "0.0.0.0", "--port", "0")
    url = read_line(child.stdout)
    assert "/#t=" in url
    err = _ended(child)
    assert err.startswith("warning: other machines can reach this server")
    assert "hint:" in err
    child = shell.start("serve", "--port", "0")
    read_line(child.stdout)
    assert "other machines" not in _ended(child)


def test_no_auth_is_for_loopback(shell):
    """`--no-auth --host 0.0.0.0` would let everybody start jobs."""
    error = shell.run("serve", "--no-auth", "--host", "0.0.0.0", "--port", "0", code=2).stderr
    assert "--no-auth" in error
    with shell.serving("--no-auth") as server:
        assert server.token == ""
        assert server.request("GET", "/api/jobs", Authorization="")[0] == 200


def test_read_only_reads(shell):
    """A server that is shown to others would let them cancel jobs."""
    shell.run("run", "hello")
    job = shell.json("jobs")[0]["id"]
    with shell.serving("--read-only") as server:
        assert server.get("/api/jobs")["jobs"][0]["id"] == job
        assert [event for event, _, _ in server.stream(f"/api/logs/stream?scope=job&job_id={job}")][-1] == "end"
        for method, target in (("POST", "/api/job-definitions/hello/execute"), ("POST", f"/api/jobs/{job}/cancel"),
                               ("DELETE", f"/api/jobs/{job}")):  # fmt: skip
            assert server.request(method, target)[0] == 403, target
    assert len(shell.json("jobs")) == 1


def test_a_port_in_use(shell):
    """The second server would end with a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        error = shell.run("serve", "--port", str(taken.getsockname()[1]), code=7).stderr
    assert "in use" in error
    assert "--port" in error


def test_the_service_log_has_starts_and_ends(shell):
    """Nobody could tell afterwards when the server and which jobs began and ended."""
    with shell.serving() as server:
        status, started = server.request("POST", "/api/job-definitions/hello/execute", {})
        assert status == 202
        list(server.stream(f"/api/logs/stream?scope=job&job_id={started['job_id']}"))
        for _, _, data in server.stream("/api/logs/stream?scope=service&limit=500"):
            said = [entry["message"] for entry in data.get("logs", [])]
            if any(message.startswith("Job ended") for message in said):
                break
        page = server.get("/api/logs?scope=service&limit=500")["logs"]
    said = [entry["message"] for entry in page]
    for word in ("Server started", f"Job started: {started['job_id']}", f"Job ended: {started['job_id']}"):
        assert word in said
    assert {entry["source"] for entry in page} >= {"server", "runner"}
    assert not any("job_line" in entry or "line_number" in entry for entry in page)
