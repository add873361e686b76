"""`quaero serve` as it is used: it starts what is due, once, and says what it missed."""

import sqlite3 as _sqlite3  # noqa: TID251 - puts the store back in time, which no command does
import time
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from shells import Shell, service_says

EACH_MINUTE = """
schedule = "* * * * *"
catchup = "{catchup}"
[step.hi]
type = "shell"
command = "echo due at $QUAERO_JOB_ID"
"""


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "jobdefs").mkdir()
    return Shell(tmp_path)


def put_back(shell, minutes: float) -> int:
    """Make the store believe that the last fires were so long ago; return how many rows there are."""
    then = (time.time_ns() // 60_000_000_000 - minutes) * 60_000_000
    with closing(_sqlite3.connect(shell.home / "quaero.db", isolation_level=None)) as store:
        return store.execute("UPDATE schedule SET last_fire = ?", (then,)).rowcount


def begin(shell, catchup: str) -> None:
    """Let a server see the schedule for the first time, a quarter of an hour ago."""
    (shell.folder / "jobdefs" / "minutely.toml").write_text(EACH_MINUTE.format(catchup=catchup))
    (shell.folder / "jobdefs" / "broken.toml").write_text("schedule = 'never'\n")
    with shell.serving() as server:
        service_says(server, "Not usable: ")  # said when all files have been looked at
    assert put_back(shell, 15) == 1


def test_a_due_job_is_run_by_the_server(shell):
    """Schedules would be read and never fire, which is what the ancestor of this program did."""
    begin(shell, "none")
    with shell.serving() as server:
        missed = service_says(server, "Missed ")
        started = service_says(server, "Started minutely as scheduled for ")
        job_id = started.rpartition(" ")[2]
        list(server.stream(f"/api/logs/stream?scope=job&job_id={job_id}"))  # to its end
        job = server.get(f"/api/jobs/{job_id}")["job"]
        shown = server.get("/api/job-definitions/minutely")
    assert "fires of minutely, the last one at" in missed
    assert (job["status"], job["trigger"]) == ("completed", "schedule")
    assert job["scheduled_for"] in started
    assert [each["id"] for each in shown["last_jobs"]][-1] == job_id
    # A kill between the start and the note that it was made: the fire has its job, and gets no second one.
    put_back(shell, 2)
    with shell.serving() as server:
        service_says(server, "Missed ")
    fires = [each["scheduled_for"] for each in shell.json("jobs")]
    assert len(set(fires)) == len(fires)


def test_what_was_missed_is_caught_up_with(shell):
    """`catchup` would be a promise."""
    begin(shell, "all")
    put_back(shell, 3)
    with shell.serving() as server:
        service_says(server, "Catching up with ")
        service_says(server, "Job ended: ", times=2)
    due = sorted(datetime.fromisoformat(each["scheduled_for"]) for each in shell.json("jobs"))
    assert len(due) >= 2
    assert all(after - before == timedelta(minutes=1) for before, after in pairwise(due))


def test_a_server_that_only_reads_starts_nothing(shell):
    """A second viewer on the data would run jobs."""
    begin(shell, "all")
    with shell.serving("--read-only") as server:
        assert server.get("/api/job-definitions/minutely")["next_fire_at"]
    assert shell.json("jobs") == []


def test_what_starts_with_the_server(shell):
    """`auto_start` would be ignored, or followed by a `run` that only shows its own job."""
    text = "auto_start = true\n[step.a]\ntype = 'shell'\ncommand = 'true'\n"
    (shell.folder / "jobdefs" / "first.toml").write_text(text)
    shell.run("run", "hello", "--serve", "--port", "0")
    assert [job["definition"] for job in shell.json("jobs")] == ["hello"]
    with shell.serving() as server:
        service_says(server, "Started first with the server")
        service_says(server, "Job ended: ", times=2)
    job = shell.json("jobs")[0]
    assert (job["definition"], job["trigger"], job["scheduled_for"]) == ("first", "schedule", None)
    assert job["status"] == "completed"


def test_next_fires_are_shown(shell):
    """Nobody would know whether the expression says what was meant."""
    text = EACH_MINUTE.format(catchup="last") + "\n[step.b]\ntype = 'shell'\ncommand = 'true'\n"
    (shell.folder / "jobdefs" / "a.toml").write_text("timezone = 'Asia/Tokyo'\n" + text)
    (shell.folder / "jobdefs" / "b.toml").write_text("enabled = false\n" + text)
    rows = {each["id"]: each for each in shell.json("defs")}
    assert (rows["a"]["schedule"], rows["a"]["timezone"]) == (["* * * * *"], "Asia/Tokyo")
    fires = [datetime.fromisoformat(each) for each in rows["a"]["next_fires"]]
    assert len(fires) == 5
    assert rows["a"]["next_fires"][0] == rows["a"]["next_fire_at"]
    assert fires[4] - fires[0] == timedelta(minutes=4)
    assert (rows["b"]["next_fire_at"], rows["hello"]["schedule"]) == (None, [])
    assert " NEXT" in shell.run("defs").stdout
