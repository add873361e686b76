"""`rm`, `prune`, `db` and `DELETE`, with real processes, beside jobs that write."""

import json
import os
import threading

import pytest
from shells import PATIENCE, Shell, entries, first_job

# Writes until its file is there.
STEADY = """
    overlap = "allow"
    [step.write]
    type = "shell"
    command = "i=0; until [ -e {gate} ]; do i=$((i + 1)); echo line $i; sleep 0.002; done"
"""


@pytest.fixture
def steady(shell):
    """A job that writes without a pause until the block ends; then it must have ended well, with every line."""
    gate = shell.folder / "gate"
    runner = shell.start("run", shell.define("steady", STEADY.format(gate=gate)), "--json")
    job = first_job(runner)
    shown: list[str] = []
    reader = threading.Thread(target=lambda: shown.extend(iter(runner.stdout.readline, "")), daemon=True)
    reader.start()
    yield job
    gate.touch()
    reader.join(PATIENCE)
    _, err = runner.communicate(timeout=PATIENCE)
    assert runner.returncode == 0, err
    lines = [entry["message"] for entry in entries([json.loads(line) for line in shown]) if "step_id" in entry]
    written = [line for line in lines if line.startswith("line ")]
    assert written == [f"line {number}" for number in range(1, len(written) + 1)]


def test_rm_deletes_jobs_that_have_ended(shell):
    """The log of a job with a password in it must go, now, and for good."""
    shell.run("run", "hello")
    shell.run("run", "hello")
    last = shell.json("jobs")[0]["id"]
    done = shell.json("rm", last)
    assert done == [{"job_id": last, "entries": 5}]
    assert last not in [job["id"] for job in shell.json("jobs")]
    assert "no job" in shell.run("rm", last, code=4).stderr
    assert shell.json("db", "check")["ok"]
    assert "deleted, 5 entries" in shell.run("rm", "hello").stderr
    assert shell.json("jobs") == []
    assert b"Hello, world" not in b"".join(each.read_bytes() for each in shell.home.glob("quaero.db*"))


def test_rm_refuses_a_job_that_runs_and_deletes_the_others(shell, steady):
    """One job of five that still runs must not keep the four."""
    shell.run("run", "hello")
    other = shell.json("jobs")[0]["id"]
    error = shell.run("rm", steady, other, code=2).stderr
    assert f"job {steady} is still running" in error
    assert f"{other}: deleted" in error
    assert f"quaero cancel {steady}" in error
    assert [job["id"] for job in shell.json("jobs")] == [steady]


def test_delete_over_http_while_it_is_watched(shell):
    """Who watches a job that is deleted gets an end, and is told what will not come."""
    shell.run("run", "hello")
    job = shell.json("jobs")[0]["id"]
    sleeper = shell.start("run", shell.define("s", "[step.a]\ntype = 'shell'\ncommand = 'sleep 600'\n"), "--json")
    running = first_job(sleeper)
    with shell.serving() as server:
        status, error = server.request("DELETE", f"/api/jobs/{running}")
        assert (status, "still" in error["error"]) == (409, True)
        stream = server.stream(f"/api/logs/stream?scope=job&job_id={job}&job_id={running}")
        assert next(stream)[0] == "status"
        assert server.request("DELETE", f"/api/jobs/{job}") == (202, {"job_id": job, "status": "deleted"})
        assert server.request("DELETE", f"/api/jobs/{job}")[0] == 404
        assert server.request("GET", f"/api/jobs/{job}")[0] == 404
        assert [each["id"] for each in server.get("/api/jobs")["jobs"]] == [running]
        shell.run("cancel", running)
        sleeper.communicate(timeout=PATIENCE)
        assert [event for event, _, _ in stream][-1] == "end"
    assert shell.json("db", "check")["ok"]


def test_prune_by_number_age_and_size(shell):
    """Retention is set up once, in cron, and must never take what it was not told to take."""
    assert "say what may go" in shell.run("prune", code=2).stderr
    for _ in range(4):
        shell.run("run", "hello")
    shell.run("run", shell.define("other", "[step.a]\ntype = 'shell'\ncommand = 'true'\n"))
    jobs = [job["id"] for job in reversed(shell.json("jobs"))]
    dry = shell.json("prune", "--keep", "2", "--dry-run")
    assert ([job["job_id"] for job in dry["removed"]], dry["dry_run"]) == (jobs[:2], True)
    assert len(shell.json("jobs")) == 5
    assert shell.json("prune", "--older-than", "1h", "--keep", "2")["removed"] == []
    removed = shell.run("prune", "--keep", "2").stdout.splitlines()
    assert [line.split()[0] for line in removed] == ["ID", *jobs[:2]]
    assert [job["job_id"] for job in shell.json("prune", "--keep", "1", "--max-size", "1kB")["removed"]] == [jobs[2]]
    kept = shell.run("prune", "--keep", "1", "--max-size", "1kB").stderr
    assert "still larger" in kept
    assert [job["job_id"] for job in shell.json("prune", "--older-than", "0s")["removed"]] == jobs[3:]
    assert shell.json("jobs") == []
    assert "no size" in shell.run("prune", "--max-size", "much", code=2).stderr
    assert "no length of time" in shell.run("prune", "--older-than", "30", code=2).stderr


def test_pruning_beside_a_job_that_writes(shell, steady):
    """Retention runs at night, and so do the jobs: neither may lose a line or wait for the other for long."""
    loud = shell.define("loud", "[step.a]\ntype = 'shell'\ncommand = 'seq 30000'\n")
    shell.run("run", loud, "--quiet")
    pruned = shell.json("prune", "--keep", "0")
    assert [job["definition"] for job in pruned["removed"]] == ["loud"]
    assert [job["id"] for job in shell.json("jobs")] == [steady]


def test_a_backup_is_a_store_of_its_own(shell, steady):
    """A backup that cannot be opened in place of the store is none."""
    target = shell.folder / "copy" / "quaero.db"
    target.parent.mkdir()
    answer = shell.json("db", "backup", str(target))
    assert answer == {"file": str(target), "bytes": target.stat().st_size}
    assert target.stat().st_mode & 0o777 == 0o600
    assert "is there already" in shell.run("db", "backup", str(target), code=2).stderr
    copy = Shell(shell.folder, {"QUAERO_HOME": str(target.parent)})
    assert copy.json("db", "check")["ok"]
    # A viewer that followed the original is told to begin anew: ids are given again in the copy.
    assert copy.json("db", "info")["epoch"] != shell.json("db", "info")["epoch"]
    (job,) = copy.json("jobs")
    assert (job["id"], job["status"]) == (steady, "interrupted")  # of the copy nobody runs it
    assert shell.json("jobs")[0]["status"] == "running"
    assert os.listdir(target.parent).count("quaero.db") == 1


def test_db_tells_and_compacts_while_a_job_writes(shell, steady):
    """Looking after the store must not need a night without jobs."""
    loud = shell.define("loud", "[step.a]\ntype = 'shell'\ncommand = 'seq 30000'\n")
    shell.run("run", loud, "--quiet")
    shell.run("rm", "loud")
    shell.run("db", "compact")
    facts = shell.json("db", "info")
    assert (facts["jobs"], facts["jobs_open"], facts["unfinished_deletions"], facts["schema"]) == (1, 1, 0, 1)
    assert facts["path"] == str(shell.home / "quaero.db")
    sound = shell.json("db", "check")
    assert (sound["ok"], sound["problems"], sound["jobs"]) == (True, [], 1)


def test_a_damaged_store_is_told_with_exit_code_6(shell):
    """A check in cron must be heard when it matters."""
    import sqlite3  # noqa: TID251 - damages the file from outside

    shell.run("run", "hello")
    with sqlite3.connect(shell.home / "quaero.db") as database:
        database.execute("UPDATE job SET entries = 99")
    database.close()
    child = shell.run("db", "check", "--json", code=6)
    answer = json.loads(child.stdout)
    assert not answer["ok"]
    assert "99 entries are counted" in answer["problems"][0]
    assert child.stderr.startswith("error: ")
    assert "hint: " in child.stderr
    for words in (["db", "nonsense"], ["db", "backup"], ["db", "info", "x"]):
        assert "hint: quaero db info" in shell.run(*words, code=2).stderr
