"""The log of a cluster: how fast it comes to the view, how late, and what it costs engine, workers and view."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.clusterhomes import Asking, Cluster, until
from bench.followers import streaming
from bench.homes import Home, ending, finish_child, start_child
from bench.load import STEP
from bench.machine import cpu_seconds

_GATE = """
overlap = "allow"

[step.gate]
type = "shell"
command = "until [ -e {gate} ]; do sleep 0.01; done"
"""
# Lines of a child, as of any program: those that came together are one fact.
_CHILD = """
[step.load]
type = "shell"
depends = ["gate"]
command = "exec seq -f 'line %08.0f of the output that a child prints while it works' {lines}"
"""
_SETTLE = 0.01  # seconds between looks while something is measured


@dataclass(frozen=True, slots=True)
class Flood:
    """What many lines at once took: seconds from the first to the last in the view, and processor seconds."""

    lines: int
    seconds: float
    engine_cpu: float
    view_cpu: float
    workers_cpu: float
    exact: bool

    def each(self, seconds: float) -> float:
        """Microseconds for each line."""
        return seconds * 1e6 / self.lines


@dataclass(frozen=True, slots=True)
class Late:
    """Milliseconds from the call that logged an entry, for each entry."""

    in_view: list[float]
    newest_in_view: list[float]  # of those that came together: they did not wait for others
    in_browser: list[float]
    newest_in_browser: list[float]
    exact: bool


def tasks_text(workers: int, lines: int, pause: int) -> str:
    """Return a definition of tasks that log, once its gate is open."""
    # Lines of the job's own code, as of a crawler's workers: one fact each.
    return _GATE + STEP.format(name="load", after="gate", workers=workers, lines=lines, pause=pause)


def child_text(lines: int) -> str:
    """Return a definition of a child that prints, once its gate is open."""
    return _GATE + _CHILD.format(lines=lines, gate="{gate}")


def flood(found: Cluster, name: str, text: str, jobs: int) -> Flood:
    """Let so many jobs log as fast as they can, one on each worker, until the view has all of it."""
    with _gated(found, name, text, jobs) as (ids, gate), closing(Asking(found.view)) as asking:
        before = _cpu(found)
        gate.touch()
        began = time.time()
        ended = until(lambda: asking.ended(ids), _SETTLE)
        return _flood(found, asking, ids, ended - began, before)


def drained(found: Cluster, name: str, text: str, jobs: int) -> Flood:
    """Let jobs log while the engine is away, then bring it back: from the first entry that comes until the last."""
    with _gated(found, name, text, jobs) as (ids, gate), closing(Asking(found.view)) as asking:
        (engine,) = found.engines
        engine.kill()
        gate.touch()
        for home in found.workers.values():
            with closing(Asking(home)) as there:
                until(
                    partial(there.has, "SELECT 1 FROM job WHERE key = (SELECT max(key) FROM job) AND finished_at > 0")
                )
        had = asking.lines(ids)
        engine.start()
        before = _cpu(found)
        began = until(lambda: asking.lines(ids) > had)
        ended = until(lambda: asking.ended(ids), _SETTLE)
        return _flood(found, asking, ids, ended - began, before)


def late(found: Cluster, text: str) -> Late:
    """Watch a job that logs at a steady rate, in the view's store and from a client of its stream."""
    with _gated(found, "steady", text, 1) as ((job,), gate), closing(Asking(found.view)) as asking:
        reader = start_child("follow_reader", found.view.database, found.view.data / "wake", job)
        with ending(reader), streaming(found.server, job) as stream:
            assert reader.stdout is not None
            reader.stdout.readline()
            stream.wait_attached()
            gate.touch()
            seen = finish_child(reader)["seen"]
        arrivals, newest = stream.arrivals(), stream.newest()
        logged = dict(asking.rows(
            "SELECT job_line, time FROM log JOIN job ON job.key = log.job JOIN step ON step.key = log.step"
            " WHERE job.id = ? AND step.name = 'load'", job,
        ))  # fmt: skip

    def lateness(came: list[tuple[int, int]]) -> list[float]:
        return [when / 1e6 - logged[number] / 1e3 for number, when in came if number in logged]

    numbers = [number for number, _ in seen]
    exact = numbers == list(range(1, len(numbers) + 1)) and [number for number, _ in arrivals] == numbers
    latest = [each for each, after in zip(seen, [*seen[1:], (0, 0)], strict=True) if each[1] != after[1]]
    return Late(lateness(seen), lateness(latest), lateness(arrivals), lateness(newest), exact)


@contextmanager
def _gated(found: Cluster, name: str, text: str, jobs: int) -> Iterator[tuple[list[str], Path]]:
    """Start jobs that wait at a gate; give their IDs and the file that opens it."""
    gate = found.view.folder / f"{name}.gate"
    found.define(name, text.format(gate=gate))
    ids = [found.start_job(name) for _ in range(jobs)]
    with closing(Asking(found.view)) as asking:
        until(lambda: all(_at_gate(asking, job) for job in ids))
    yield ids, gate


def _at_gate(asking: Asking, job: str) -> bool:
    sql = "SELECT step.status FROM step JOIN job ON job.key = step.job WHERE job.id = ? AND step.name = 'gate'"
    return bool(asking.one(sql, job) == "running")


def _cpu(found: Cluster) -> tuple[float, float, float]:
    """Return the processor seconds of engines, view and workers so far."""
    return (
        sum(cpu_seconds(engine.process_id) for engine in found.engines),
        cpu_seconds(found.server.process_id),
        sum(cpu_seconds(process.pid) for process in found.processes.values()),
    )


def _flood(
    found: Cluster, asking: Asking, ids: list[str], seconds: float, before: tuple[float, float, float]
) -> Flood:
    engine, view, workers = (after - then for after, then in zip(_cpu(found), before, strict=True))
    return Flood(asking.lines(ids), seconds, engine, view, workers, _is_exact(found.workers, asking, ids))


def _is_exact(workers: Mapping[str, Home], asking: Asking, ids: list[str]) -> bool:
    """Whether the view has of each job just what its worker has, in the same order."""
    same = []
    for job in ids:
        node = asking.one("SELECT node FROM job WHERE id = ?", job)
        with closing(Asking(workers[node])) as there:
            same.append(_digest(there, job) == _digest(asking, job))
    return all(same)


def _digest(asking: Asking, job: str) -> str:
    """Return a hash of a job's entries from its first step's start on: what was told before is each store's own."""
    digest = hashlib.sha256()
    sql = (
        "SELECT line_number, level, message, fields FROM log JOIN job ON job.key = log.job"
        " JOIN step ON step.key = log.step WHERE job.id = ? ORDER BY log.id"
    )
    for row in asking.rows(sql, job):
        digest.update(repr(row).encode())
    return digest.hexdigest()
