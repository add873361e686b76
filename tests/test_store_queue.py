"""The queue: one owner per job, requests to cancel, and jobs whose runner died."""

import signal
import subprocess
import sys
from contextlib import closing

import pytest
from stores import NOW, line, new_home, new_job, start_job, write_once

from quaero_cli.errors import ExistsError, NotFoundError, OverlapError, StateError
from quaero_cli.model import JobChanged, JobClaimed, JobQueued, Level, LogQuery, Status, StepChanged, WorkerChanged
from quaero_cli.store.engine import connect
from quaero_cli.store.locks import JobLock
from quaero_cli.store.queue import (
    KnownJobs,
    cancel_requests,
    claim,
    enqueue,
    left_unstored,
    mark_interrupted,
    request_cancel,
)
from quaero_cli.store.reader import open_reader


def test_a_job_is_claimed_once(tmp_path):
    """Two runners must never execute the same job."""
    home = new_home(tmp_path)
    enqueue(home.database, new_job("aaaa"))
    assert claim(home.database, "aaaa") == 1
    assert claim(home.database, "aaaa") is None
    assert claim(home.database, "zzzz") is None


def test_a_job_of_a_clusters_queue_is_stored_with_the_first_that_it_says(tmp_path):
    """It would begin a commit later, or as an attempt that others have had."""
    home = new_home(tmp_path)
    first = [JobQueued(new_job("aaaa"), "default", NOW, arrives=True), JobClaimed("aaaa", "w1", 3, NOW)]
    with closing(KnownJobs(home.database)) as known:
        assert not known.has("aaaa")
        write_once(home, [*first, line("aaaa", "one")])
        assert known.has("aaaa")
    assert claim(home.database, "aaaa") is None
    write_once(home, [*first, line("aaaa", "two"), JobChanged("aaaa", Status.COMPLETED, NOW, 3)])
    with open_reader(home.database) as reader:
        job = reader.details("aaaa")["job"]
    assert (job["attempt"], job["status"]) == (3, "completed")


def test_a_job_whose_runner_was_killed_before_it_was_stored_is_found(tmp_path):
    """What such a job had started would run on beside its next attempt, and nobody know of it."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    for name in ("aaaa", "bbbb", "cluster-worker"):
        (home.locks / f"{name}.lock").touch()
    with JobLock(home.locks, "cccc") as lock:
        assert lock.acquire()
        assert left_unstored(home.database, home.locks) == ["bbbb"]
    assert left_unstored(home.database, home.locks) == []


def test_a_definition_that_refuses_overlap_runs_once(tmp_path):
    """Two crawls of one site at once are what `overlap` is there to prevent."""
    home = new_home(tmp_path)
    start_job(home, "aaaa", overlap="refuse")
    with pytest.raises(OverlapError, match="demo is running already as job aaaa") as caught:
        enqueue(home.database, new_job("bbbb", overlap="refuse"))
    assert "quaero tail aaaa" in (caught.value.hint or "")
    enqueue(home.database, new_job("cccc", overlap="allow"))


def test_an_id_is_taken_once(tmp_path):
    """A scheduled job that another process has started is told apart from one that is refused."""
    home = new_home(tmp_path)
    start_job(home, "aaaa", overlap="refuse")
    with pytest.raises(ExistsError, match="aaaa"):
        enqueue(home.database, new_job("aaaa", overlap="refuse"))


def test_a_request_to_cancel_is_seen_until_the_job_has_ended(tmp_path):
    """`quaero cancel` works from any process, and says when there is nothing to cancel."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    assert cancel_requests(home.database) == set()
    assert request_cancel(home.database, "aaaa") is Status.RUNNING
    assert cancel_requests(home.database) == {"aaaa"}
    mark_interrupted(home.database, home.locks)  # nobody holds its lock: it has ended
    assert cancel_requests(home.database) == set()
    with pytest.raises(StateError, match="has ended already: interrupted"):
        request_cancel(home.database, "aaaa")
    with pytest.raises(NotFoundError, match="no job zzzz"):
        request_cancel(home.database, "zzzz")


def test_a_job_with_a_living_runner_is_left_alone(tmp_path):
    """Looking at jobs must never harm one."""
    home = new_home(tmp_path)
    with JobLock(home.locks, "aaaa") as lock:
        assert lock.acquire()
        start_job(home, "aaaa")
        assert mark_interrupted(home.database, home.locks) == []
    assert mark_interrupted(home.database, home.locks) == ["aaaa"]
    assert list(home.locks.glob("*.lock")) == []


def test_whoever_looks_finds_a_killed_runner_at_once(tmp_path):
    """No heartbeat, no minutes of waiting: the kernel lets go of the lock when the process dies."""
    home = new_home(tmp_path)
    program = (
        "import sys, pathlib\n"
        "from quaero_cli.store.locks import JobLock\n"
        "lock = JobLock(pathlib.Path(sys.argv[1]), 'aaaa'); assert lock.acquire()\n"
        "print('held', flush=True); sys.stdin.read()\n"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", program, str(home.locks)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert runner.stdout is not None
    assert runner.stdin is not None
    assert runner.stdout.readline() == b"held\n"
    start_job(home, "aaaa", steps=("one", "two"))
    write_once(
        home,
        [
            StepChanged("aaaa", "one", Status.RUNNING, 1),
            WorkerChanged("aaaa", "one", 1, Status.RUNNING, 1),
            line("aaaa", "shown", step="one"),
        ],
    )
    assert mark_interrupted(home.database, home.locks) == []
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    runner.stdout.close()
    runner.stdin.close()
    assert mark_interrupted(home.database, home.locks) == ["aaaa"]
    assert mark_interrupted(home.database, home.locks) == []
    with open_reader(home.database) as reader:
        details = reader.details("aaaa")
        messages = [
            entry["message"] for entry in reader.page(LogQuery(("aaaa",), level=Level.DEBUG), limit=9)["logs"]
        ]
        service = [entry["message"] for entry in reader.page(LogQuery(), limit=9)["logs"]]
    assert details["job"]["status"] == "interrupted"
    assert [step["status"] for step in details["steps"]] == ["interrupted", "skipped"]
    assert [worker["status"] for worker in details["workers"]] == ["interrupted"]
    assert details["steps"][0]["workers"]["running"] == 0
    assert messages == ["shown", "Status changed: interrupted (job: Demo)"]
    assert service == ["Job interrupted: aaaa"]


def test_writers_do_not_fail_each_other(tmp_path):
    """Several runners and a server share the file: a short wait, never `database is locked`."""
    home = new_home(tmp_path)
    program = (
        "import sys, pathlib\n"
        f"sys.path.insert(0, {str(__import__('pathlib').Path(__file__).parent)!r})\n"
        "from stores import Scribe, line, start_job\n"
        "from quaero_cli.settings import Settings\n"
        "home = Settings(home=pathlib.Path(sys.argv[1])); job = sys.argv[2]\n"
        "start_job(home, job); scribe = Scribe(home)\n"
        "for n in range(100): scribe.write([line(job, str(n))] * 5)\n"
        "scribe.close()\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", program, str(home.home), f"job{n}"]) for n in range(4)]
    assert [child.wait() for child in children] == [0, 0, 0, 0]
    with closing(connect(home.database)) as connection:
        found = connection.execute("SELECT count(*), count(DISTINCT id), max(id) FROM log").fetchone()
        lines = connection.execute("SELECT job, count(*), max(job_line), max(line_number) FROM log GROUP BY job")
        assert found == (2000, 2000, 2000)
        assert [row[1:] for row in lines] == [(500, 500, 500)] * 4
