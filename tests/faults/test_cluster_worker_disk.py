"""A full disk of a worker: its jobs fail with the reason, what was shown stays, and it goes on when there is room."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from limits import LINE, LINES, LOUD, SMALL, full_disk
from places import OnWorkers, place
from shells import PATIENCE, Server, numbers_without_holes, read_line


@contextmanager
def _cluster(folder: Path, lease: int = 30) -> Iterator[tuple[OnWorkers, Server, subprocess.Popen[str]]]:
    (folder / "jobdefs").mkdir(parents=True)
    (folder / "jobdefs" / "loud.toml").write_text(LOUD)
    with place("workers", folder, QUAERO_CLUSTER_LEASE_SEC=str(lease)) as shell, shell.serving() as server:
        assert isinstance(shell, OnWorkers)
        yield shell, server, shell.workers["w1"]


def _start(server: Server, definition: str) -> str:
    status, started = server.request("POST", f"/api/job-definitions/{definition}/execute", {})
    assert status == 202
    return str(started["job_id"])


def _fill(server: Server, worker: subprocess.Popen[str]) -> str:
    job = _start(server, "loud")
    assert read_line(worker.stderr).startswith("warning: the store cannot be written: ")
    assert read_line(worker.stderr).startswith("hint: free space ")
    return job


def _end(server: Server, job: str) -> str:
    name, _, data = list(server.stream(f"/api/logs/stream?scope=job&job_id={job}&level=error"))[-1]
    assert name == "end"
    return str(data["status"])


@pytest.fixture(autouse=True)
def at_night(campaign):
    """CI has the same of a view; a worker is begun and ended too often here."""
    if not campaign(0, 1):
        pytest.skip("at night")


def test_a_worker_outlives_a_full_disk(tmp_path):
    """A job that fills disks would end one worker after the other; or run for ever on paper."""
    for round_ in range(20):
        with _cluster(tmp_path / str(round_)) as (shell, server, worker):
            with full_disk(worker.pid, SMALL + round_ * 77_777):
                job = _fill(server, worker)
                waits = _start(server, "hello")
                assert server.get(f"/api/jobs/{job}")["job"]["status"] in ("pending", "running")
            ended = _end(server, job)
            error = server.get(f"/api/jobs/{job}")["job"]["error"]
            assert read_line(worker.stderr) == "the store can be written again\n"
            assert _end(server, waits) == "completed"
            text = shell.run("logs", "export", job, "--format", "ndjson").stdout
            found = [json.loads(line) for line in text.splitlines()]
            numbers_without_holes(found)
            said = [entry["message"] for entry in found if entry["source"] == "stdout"]
            if ended == "completed":  # what met it was the outbox, and there was room before the job did
                assert (len(said), error) == (LINES, None)
            else:
                assert ended == "failed"
                assert error.startswith("the store could not be written: ")
            whole = [LINE.format(number) for number in range(1, len(said) + 1)]
            assert said[:-1] == whole[:-1]
            assert whole[-1].startswith(said[-1]), "its writer was killed"
            shell.end("w1")
            assert shell.worker("w1").json("db", "check")["ok"]


def test_a_worker_can_be_stopped_while_its_disk_is_full(tmp_path):
    """It would wait for room that nobody makes, and its job with it, though another machine has room."""
    with _cluster(tmp_path, lease=4) as (shell, server, worker):
        with full_disk(worker.pid, SMALL):
            job = _fill(server, worker)
            worker.send_signal(signal.SIGTERM)
            _, err = worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 6, err
        assert "error: " in err
        assert "Traceback" not in err
        del shell.workers["w1"]
        shell.start_worker("w2")
        assert _end(server, job) == "completed"
