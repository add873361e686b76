"""A full disk under a server: it goes on answering, fails the jobs it runs, and works again when there is room.

Jobs that run on workers do not mind the disk of the server, their view: it has all that they said when there is room.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from limits import LINE, LINES, LOUD, SMALL, STAYING, full_disk
from places import place
from shells import PATIENCE, Server, Shell, numbers_without_holes, read_line


@contextmanager
def _shell(folder: Path, runs_on: str) -> Iterator[Shell]:
    (folder / "jobdefs").mkdir(parents=True)
    (folder / "jobdefs" / "loud.toml").write_text(STAYING if runs_on == "here" else LOUD)
    with place(runs_on, folder) as shell:
        yield shell


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


@pytest.mark.workers_at_night
def test_a_server_outlives_a_full_disk(tmp_path, campaign, runs_on):
    """Everybody's viewer, and all scheduled jobs, would end with the job that filled the disk."""
    for round_ in range(campaign(1, 20)):
        with _shell(tmp_path / str(round_), runs_on) as shell:
            with shell.serving() as server:
                job = _fill_and_free(server, SMALL + round_ * 77_777, "failed" if runs_on == "here" else "completed")
            assert shell.json("db", "check")["ok"]
            if runs_on != "here":
                text = shell.run("logs", "export", job, "--format", "ndjson").stdout
                found = [json.loads(line) for line in text.splitlines()]
                numbers_without_holes(found)
                lines = [entry["message"] for entry in found if entry["source"] == "stdout"]
                assert lines == [LINE.format(number) for number in range(1, LINES + 1)]


def _fill_and_free(server: Server, size: int, wanted: str) -> str:
    """Have a job fill the disk, and make room; return its ID. `wanted`: how it ends."""
    with full_disk(server.process.pid, size):
        job = _fill(server)
        target = f"/api/logs?scope=job&job_id={job}&limit=5000&since=0"
        shown = server.get(target)["logs"]
        assert shown
        assert server.get("/api/health") == {"status": "ok"}
        assert server.get(f"/api/jobs/{job}")["job"]["status"] == "running"
        status, answer = server.request("POST", "/api/job-definitions/hello/execute", {})
        # A few bytes may still fit where a batch did not.
        assert status == 202 or (status == 503 and "free space" in answer["hint"]), answer
    assert _end(server, job) == wanted
    assert status == 503 or _end(server, answer["job_id"]) in ("completed", "failed")
    assert server.get(target)["logs"][: len(shown)] == shown
    error = server.get(f"/api/jobs/{job}")["job"]["error"]
    assert error is None if wanted == "completed" else error.startswith("the store could not be written: ")
    assert read_line(server.process.stderr) == "the store can be written again\n"
    status, started = server.request("POST", "/api/job-definitions/hello/execute", {})
    assert status == 202
    assert _end(server, started["job_id"]) == "completed"
    return job


@pytest.mark.workers_at_night
def test_a_server_can_be_stopped_while_the_disk_is_full(tmp_path, runs_on):
    """It would wait for room that nobody makes; or go without a word about what it could not store."""
    with _shell(tmp_path, runs_on) as shell:
        child = shell.start("serve", "--port", "0")
        url, _, token = read_line(child.stdout).strip().partition("/#t=")
        server = Server(int(url.rpartition(":")[2]), token, child)
        with full_disk(server.process.pid, SMALL):
            job = _fill(server)
            child.send_signal(signal.SIGTERM)
            _, err = child.communicate(timeout=PATIENCE)
        assert "Traceback" not in err
        if runs_on == "here":
            assert child.returncode == 6, err
            assert "error: " in err
            assert shell.json("show", job)["job"]["status"] == "interrupted"
            shell.run("run", "hello", "--quiet")
        else:  # it loses nothing of what others say
            with shell.serving() as again:
                assert _end(again, job) == "completed"
        assert shell.json("db", "check")["ok"]
