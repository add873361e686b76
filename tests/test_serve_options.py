"""The options of `quaero serve` that decide who may do what."""

import signal
import socket

from shells import PATIENCE, read_line, service_says

FIRST = """
auto_start = true
[step.a]
type = "shell"
command = "exit 3"
"""


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
    """Nobody could tell afterwards when the server and which jobs began and ended, of whatever process, and why."""
    (shell.folder / "jobdefs").mkdir()
    (shell.folder / "jobdefs" / "first.toml").write_text(FIRST)
    with shell.serving() as server:
        by_clock = service_says(server, "Started first with the server: job ").rpartition(" ")[2]
        status, started = server.request("POST", "/api/job-definitions/hello/execute", {})
        assert status == 202
        service_says(server, f"Job ended: {started['job_id']}")
        shell.run("run", "hello", "--quiet")
        apart = server.get("/api/jobs?limit=1")["jobs"][0]["id"]
        service_says(server, f"Job ended: {apart}")
        service_says(server, f"Job ended: {by_clock}")
        page = server.get("/api/logs?scope=service&limit=500")["logs"]
    assert page[0]["message"] == "Server started"
    assert page[0]["fields"]["url"] == f"http://127.0.0.1:{server.port}"
    for job, definition, end in ((by_clock, "first", "failed"), (started["job_id"], "hello", "completed"),
                                 (apart, "hello", "completed")):  # fmt: skip
        told = [
            entry for entry in page if entry.get("fields", {}).get("job_id") == job and entry["source"] == "runner"
        ]
        assert [entry["message"] for entry in told] == [f"Job started: {job}", f"Job ended: {job}"]
        assert [entry["fields"]["definition"] for entry in told] == [definition] * 2
        assert told[1]["fields"]["status"] == end
    assert {entry["source"] for entry in page} == {"server", "runner", "scheduler"}
    assert not any({"job_line", "line_number", "job_id", "step_id"} & set(entry) for entry in page)
