"""A cluster of real processes: jobs that run on workers are what jobs that run here are."""

import json

import pytest
from engines import PATIENCE, needs_nats
from machines import machines, until
from shells import entries, first_job, read_line

pytestmark = needs_nats

FAILS = """
    [step.work]
    type = "shell"
    command = "echo first; echo second >&2; exit 3"
"""
LEAVES = """
    [step.leave]
    type = "shell"
    command = "echo found >$QUAERO_ARTIFACTS/found.txt"
"""
WAITS = """
    [step.work]
    type = "shell"
    command = "echo up; until [ -e {gate} ]; do sleep 0.02; done; echo done"
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A cluster of one view and one worker with two slots."""
    with machines(tmp_path_factory.mktemp("cluster")) as found:
        found.start_view()
        found.start_worker("w1", "--slots", "2")
        yield found


def test_a_job_on_a_worker_is_shown_as_one_that_runs_here(small):
    """Somebody would have to learn another tool for many machines."""
    there = small.view.run("run", "hello", "--on", "cluster")
    assert "Hello, world" in there.stdout
    assert "completed" in there.stderr
    job = small.view.json("jobs")[0]
    assert (job["definition"], job["status"], job["queue"], job["node"]) == ("hello", "completed", "default", "w1")
    here = small.view.lines("tail", small.view.lines("run", "hello")[-1]["job_id"], "-n", "all")
    told = small.view.lines("tail", job["id"], "-n", "all")
    assert [each["message"] for each in entries(told)] == [each["message"] for each in entries(here)]
    assert [each["job_line"] for each in entries(told)] == list(range(1, len(entries(told)) + 1))
    assert "w1, queue default" in small.view.run("show", job["id"]).stdout


def test_a_failure_is_the_commands_failure(small):
    """A script would go on after a job that failed on another machine."""
    path = small.view.define("fails", FAILS)
    lines = small.view.lines("run", path, "--on", "cluster", code=1)
    assert lines[-1]["status"] == "failed"
    assert {"first", "second"} <= {each["message"] for each in entries(lines)}
    again = small.view.run("retry", "fails", "--failed", code=1)
    assert "first" in again.stdout
    assert small.view.json("jobs")[0]["node"] == "w1", "it would be run on another machine than the first time"
    small.view.run("retry", "fails", "--on", "here", code=1)
    assert small.view.json("jobs")[0]["node"] is None


def test_a_job_that_cannot_run_on_a_worker_fails_and_the_worker_goes_on(small):
    """A job with a secret that nobody has would end each worker that takes it, one after the other."""
    path = small.view.define(
        "lacks", '[secrets]\nTOKEN = "env:NOBODY_HAS_IT"\n[step.a]\ntype = "shell"\ncommand = "true"\n'
    )
    lines = small.view.lines("run", path, "--on", "cluster", code=1)
    assert any("NOBODY_HAS_IT" in str(each["fields"]) for each in entries(lines) if "fields" in each)
    assert small.running["w1"].poll() is None
    assert small.view.json("show", lines[-1]["job_id"])["steps"][0]["status"] == "skipped"
    assert small.shell("w1").json("show", lines[-1]["job_id"])["job"]["status"] == "failed"


def test_files_of_steps_come_to_the_view(small):
    """A file would be looked for in vain on the machine from which the job was started."""
    job = small.view.lines("run", small.view.define("leaves", LEAVES), "--on", "cluster")[-1]["job_id"]
    assert small.view.json("show", job)["artifacts"] == [{"step": "leave", "name": "found.txt", "bytes": 6}]
    assert (small.view.home / "artifacts" / job / "leave" / "found.txt").read_text() == "found\n"


def test_workers_are_listed(small):
    """Nobody would know which machines are there."""
    until(lambda: bool(small.view.json("workers")))
    (worker,) = small.view.json("workers")
    assert (worker["name"], worker["alive"], worker["slots"], worker["queues"]) == ("w1", True, 2, ["default"])
    assert "w1" in small.view.run("workers").stdout


def test_cancel_reaches_the_worker_and_the_queue(small):
    """A job could be stopped only on the machine on which it runs."""
    path = small.view.define("waits", WAITS.format(gate=small.folder / "never"))
    child = small.view.start("run", path, "--on", "cluster", "--json")
    job = first_job(child)
    while '"up"' not in read_line(child.stdout):
        pass
    small.view.run("cancel", "--no-wait", job)
    child.communicate(timeout=PATIENCE)
    assert child.returncode == 3
    queued = small.view.run("run", path, "--on", "cluster", "--queue", "nobodys", "--detach").stdout.strip()
    small.view.run("cancel", "--no-wait", queued)
    small.view.run("tail", queued, code=3)


def test_what_cannot_be_is_told(small):
    """A job would wait for ever, or a secret would travel."""
    path = small.view.define(
        "secret", '[params.key]\nsecret = true\ndefault = "x"\n[step.a]\ntype = "shell"\ncommand = "true"\n'
    )
    assert "secret" in small.view.run("run", path, "--on", "cluster", code=2).stderr
    assert "--on" in small.view.run("run", "hello", "--on", "mars", code=2).stderr
    assert "--on cluster" in small.view.run("run", "hello", "--queue", "gpu", code=2).stderr
    assert "queue" in small.view.run("run", "hello", "--on", "cluster", "--queue", "a.b", code=2).stderr
    lonely = small.shell("lonely")
    assert "quaero serve --engine" in lonely.run("run", "hello", "--on", "cluster", code=2).stderr
    assert "data directory" in small.view.run("worker", code=2).stderr
    lonely.extra["QUAERO_CLUSTER_ENGINE"] = ""
    assert "--engine" in lonely.run("worker", code=2).stderr
    assert "engine" in lonely.run("worker", "--engine", "redis://x", code=2).stderr


def test_a_worker_that_is_asked_to_end_ends_its_job_first(tmp_path):
    """An update of the machines would break the jobs that run on them."""
    with machines(tmp_path) as found:
        found.start_view()
        found.start_worker("w1")
        gate = tmp_path / "gate"
        child = found.view.start(
            "run", found.view.define("waits", WAITS.format(gate=gate)), "--on", "cluster", "--json"
        )
        while '"up"' not in read_line(child.stdout):
            pass
        worker = found.running["w1"]
        worker.terminate()
        until(lambda: any(each["draining"] for each in found.view.json("workers")))
        gate.touch()
        out, _ = child.communicate(timeout=PATIENCE)
        assert (child.returncode, json.loads(out.splitlines()[-1])["status"]) == (0, "completed")
        found.running.pop("w1").communicate(timeout=PATIENCE)
        assert worker.returncode == 0


def test_a_job_that_is_taken_over_says_so(tmp_path):
    """Lines that come twice would look like a mistake of the log, and nobody know that a step ran twice."""
    with machines(tmp_path, file=True, lease=1) as found:
        found.start_view()
        found.start_worker("w1")
        gate = tmp_path / "gate"
        child = found.view.start(
            "run", found.view.define("waits", WAITS.format(gate=gate)), "--on", "cluster", "--json"
        )
        job = first_job(child)
        while '"up"' not in read_line(child.stdout):
            pass
        found.kill("w1")
        found.start_worker("w2")
        gate.touch()
        out, _ = child.communicate(timeout=PATIENCE)
        assert json.loads(out.splitlines()[-1])["status"] == "completed"
        # What the killed worker had started may still be there at the end, which is told as well.
        told = [
            each
            for each in entries(found.view.lines("tail", job, "-n", "all"))
            if each["message"].startswith("Attempt")
        ]
        assert [(each["message"], each["fields"]) for each in told] == [
            (
                "Attempt 2: the worker that had the job before is gone, all of it begins anew",
                {"worker": "w2", "attempt": 2},
            )
        ]
        shown = found.view.json("show", job)["job"]
        assert (shown["node"], shown["attempt"]) == ("w2", 2)


def test_two_views_show_the_same(tmp_path):
    """Two people would look at two logs."""
    with machines(tmp_path) as found:
        found.start_view()
        found.start_view("view2")
        found.start_worker("w1")
        job = found.view.lines("run", "hello", "--on", "cluster")[-1]["job_id"]
        other = found.shell("view2")
        until(lambda: [each["status"] for each in other.json("jobs")] == ["completed"])
        shown = [shell.lines("tail", job, "-n", "all") for shell in (found.view, other)]
        first, second = ([{**each, "id": 0} for each in entries(lines)] for lines in shown)
        assert first == second
        assert other.json("show", job)["job"]["node"] == "w1"
