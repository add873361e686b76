"""A full disk under a server: it goes on answering, fails the jobs it runs, and works again when there is room."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shells import PATIENCE, Server, Shell, read_line

# Bytes that a file of the server may have: as on a disk that becomes full, writing beyond fails.
SMALL = 1 << 20
LOUD = """
[step.loud]
type = "shell"
command = "seq -f 'line %g of a long and winding text that fills the disk sooner or later' 200000"
"""


@contextmanager
def _full_disk(server: Server, size: int = SMALL) -> Iterator[None]:
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        if server.process.poll() is None:
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)


def _shell(folder: Path) -> Shell:
    shell = Shell(folder)
    (folder / "jobdefs").mkdir()
    (folder / "jobdefs" / "loud.toml").write_text(LOUD)
    return shell


def _fill(server: Server) -> str:
    """Run a job in the server that fills the disk; return its ID once the server has said so."""
    status, started = server.request("POST", "/api/job-definitions/loud/execute", {})
    assert status == 202
    assert read_line(server.process.stderr).startswith("warning: the store cannot be written: ")
    assert read_line(server.process.stderr).startswith("hint: free space ")
    return started["job_id"]


def _end(server: Server, job: str) -> str:
    """Wait for a job's end; return its status."""
    name, _, data = list(server.stream(f"/api/logs/stream?scope=job&job_id={job}&level=error"))[-1]
    assert name == "end"
    return str(data["status"])


def test_a_server_outlives_a_full_disk(tmp_path, campaign):
    """Everybody's viewer, and all scheduled jobs, would end with the job that filled the disk."""
    for round_ in range(campaign(1, 20)):
        folder = tmp_path / str(round_)
        folder.mkdir()
        shell = _shell(folder)
        with shell.serving() as server:
            _fill_and_free(server, SMALL + round_ * 77_777)
        assert shell.json("db", "check")["ok"]


def _fill_and_free(server: Server, size: int) -> None:
    with _full_disk(server, size):
        job = _fill(server)
        target = f"/api/logs?scope=job&job_id={job}&limit=5000&since=0"
        shown = server.get(target)["logs"]
        assert shown
        assert server.get("/api/health") == {"status": "ok"}
        assert server.get(f"/api/jobs/{job}")["job"]["status"] == "running"
        status, answer = server.request("POST", "/api/job-definitions/hello/execute", {})
        # A few bytes may still fit where a batch did not.
        assert status == 202 or (status == 503 and "free space" in answer["hint"]), answer
    assert _end(server, job) == "failed"
    assert status == 503 or _end(server, answer["job_id"]) in ("completed", "failed")
    assert server.get(target)["logs"][: len(shown)] == shown
    assert server.get(f"/api/jobs/{job}")["job"]["error"].startswith("the store could not be written: ")
    assert read_line(server.process.stderr) == "the store can be written again\n"
    status, started = server.request("POST", "/api/job-definitions/hello/execute", {})
    assert status == 202
    assert _end(server, started["job_id"]) == "completed"


def test_a_server_can_be_stopped_while_the_disk_is_full(tmp_path):
    """It would wait for room that nobody makes; or go without a word about what it could not store."""
    shell = _shell(tmp_path)
    child = shell.start("serve", "--port", "0")
    url, _, token = read_line(child.stdout).strip().partition("/#t=")
    server = Server(int(url.rpartition(":")[2]), token, child)
    with _full_disk(server):
        job = _fill(server)
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == 6, err
    assert "error: " in err
    assert "Traceback" not in err
    assert shell.json("show", job)["job"]["status"] == "interrupted"
    shell.run("run", "hello", "--quiet")
    assert shell.json("db", "check")["ok"]
