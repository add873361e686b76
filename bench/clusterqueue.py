"""The queue of a cluster: how soon a job begins and is cancelled, and how long a crash of a part is felt."""

import time
from contextlib import closing
from functools import partial

from bench.clusterhomes import Asking, Cluster, until
from bench.nats import leader_of

_NOTHING = '[step.a]\ntype = "shell"\ncommand = "true"\n'
_WAITS = '[step.a]\ntype = "shell"\ncommand = "exec sleep 600"\n'
# Logs 50 lines a second, without a child that would outlive its worker.
_TALKS = """[step.talk]
type = "test_job_generator"
worker_count = 1
log_count = 100000
log_delay_ms = 20
failure_rate = 0.0
child_count = 0
recursion_depth = 0
"""
_ENTRIES = "SELECT count(*) FROM log JOIN job ON job.key = log.job WHERE job.id = ? AND log.time > ?"
_DOWN = 1.0  # seconds that a killed engine is away
_ENOUGH = 20  # entries that came before something is killed


def dispatched(found: Cluster, count: int) -> list[float]:
    """Return the milliseconds from the making of each of so many jobs, one after the other, to its start."""
    found.define("nothing", _NOTHING)
    times = []
    with closing(Asking(found.view)) as asking:
        for _ in range(count):
            job = found.start_job("nothing")
            until(partial(asking.ended, [job]))
            ((made, began),) = asking.rows("SELECT created_at, started_at FROM job WHERE id = ?", job)
            times.append((began - made) / 1e3)
    return times


def cancelled(found: Cluster, count: int) -> list[float]:
    """Return the milliseconds from the wish to cancel each of so many jobs until the view shows that it ended."""
    found.define("waits", _WAITS)
    times = []
    with closing(Asking(found.view)) as asking:
        for _ in range(count):
            job = found.start_job("waits")
            until(partial(asking.has, _RUNNING_STEP, job))
            asked = time.time()
            found.cancel(job)
            times.append((until(partial(asking.ended, [job])) - asked) * 1e3)
    return times


_RUNNING_STEP = (
    "SELECT 1 FROM step JOIN job ON job.key = step.job WHERE job.id = ? AND step.status = 'running'"
    " AND job.attempt > 0"
)


def taken_over(found: Cluster) -> float:
    """Kill the worker of a running job; return the seconds until another one has begun it."""
    with closing(Asking(found.view)) as asking:
        job = _talking(found, asking)
        node = asking.one("SELECT node FROM job WHERE id = ?", job)
        found.processes[node].kill()
        began = time.time()
        seconds = until(lambda: asking.one("SELECT attempt FROM job WHERE id = ?", job) == 2) - began
        found.cancel(job)
        return seconds


def back_after_kill(found: Cluster) -> float:
    """Kill the engine for a second; return the seconds from its start until entries come and a job begins."""
    with closing(Asking(found.view)) as asking:
        job = _talking(found, asking)
        (engine,) = found.engines
        engine.kill()
        time.sleep(_DOWN)  # noqa: TID251 - it is away for so long
        engine.start()
        began = time.time()
        other = found.start_job("nothing")
        until(lambda: asking.one(_ENTRIES, job, began * 1e6) > 0)
        until(lambda: asking.status(other) not in (None, "pending"))
        seconds = time.time() - began
        found.cancel(job)
        until(lambda: asking.ended([job, other]))
        return seconds


def without_leader(found: Cluster) -> tuple[float, bool]:
    """Kill the server that leads the log; return the longest pause of entries, and whether none is missing."""
    with closing(Asking(found.view)) as asking:
        job = _talking(found, asking)
        leader_of("QLOG", found.engines).kill()
        began = time.time()
        until(lambda: asking.one(_ENTRIES, job, began * 1e6) > 0)
        seconds = time.time() - began
        found.cancel(job)
        until(lambda: asking.ended([job]))
        lines = [row[0] for row in asking.rows(
            "SELECT line_number FROM log JOIN job ON job.key = log.job JOIN step ON step.key = log.step"
            " WHERE job.id = ? ORDER BY log.id", job,
        )]  # fmt: skip
        attempt = asking.one("SELECT attempt FROM job WHERE id = ?", job)
    return seconds, attempt == 1 and lines == list(range(1, len(lines) + 1))


def _talking(found: Cluster, asking: Asking) -> str:
    """Start a job that logs without end; return its ID when some of it has come."""
    found.define("talks", _TALKS)
    found.define("nothing", _NOTHING)
    job = found.start_job("talks")
    until(lambda: asking.one(_ENTRIES, job, 0) > _ENOUGH)
    return job
