"""`cluster`: a view and four workers (two in a smoke run) over a real nats-server, on one machine.

What a line costs on its way and how long it takes, how soon jobs begin and are cancelled, and how long the crash of a
part is felt (`clusterlog`, `clusterqueue`). The floor of the way is the same lines stored twice with `executemany`,
which is what a worker and a view do with them at least. Everything runs on the same cores: engine, workers and view
share them. The bounds are those that the engine was chosen by.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from bench import nats
from bench.children.ingest_load import TASKS
from bench.clusterhomes import Cluster, cluster
from bench.clusterlog import Flood, child_text, drained, flood, late, tasks_text
from bench.clusterqueue import back_after_kill, cancelled, dispatched, taken_over, without_leader
from bench.homes import new_home, run_child
from bench.verdict import Fact, Figure, Promise, Ratio, Result, median, percentile
from quaero_cli.recorder import BRISK_SECONDS

_LEASE = 60.0  # seconds: nothing is taken over while it is not meant to be
_ADAPTER = Path(__file__).resolve().parent.parent / "quaero_cli" / "cluster" / "nats"


@dataclass(frozen=True, slots=True)
class _Size:
    """How much of each is measured."""

    workers: int
    rounds: int
    lines: int  # of each of 50 tasks of a job
    child_lines: int  # of a job
    seconds: int  # at 2,000 lines a second
    jobs: int
    outbox_lines: int


_FULL = _Size(4, 3, 1000, 250_000, 10, 100, 200_000)
_SMOKE = _Size(2, 1, 40, 5000, 1, 5, 10_000)
_SHORT_LEASE = 3.0  # seconds, of the cluster in which a worker is killed

LINE_US = 25.0  # 40,000 lines a second, end to end and after the engine was away
# Measured: 6 to 8. The floor numbers and counts nothing, encodes nothing, and has neither an engine nor an outbox.
LINE_TARGET = 12.0
OUTBOX_US = 5.0
ENGINE_US = 3.0
VIEW_MS = (5.0, 25.0)
GATHERED_MS = BRISK_SECONDS * 1000  # so long entries wait for each other on the worker where they come quickly
DISPATCH_MS = (5.0, 25.0)
CANCEL_MS = 50.0
BACK_SECONDS = 5.0
LEADER_SECONDS = 10.0


def measure(smoke: bool) -> Result:
    """Measure what needs no engine, then a cluster, then two more that something is killed of."""
    size = _SMOKE if smoke else _FULL
    result = Result("cluster")
    _measure_outbox(result, size)
    result.figures.append(Figure("the adapter's code (the prototype's bound: 400)", _code_lines(), "lines"))
    if nats.SERVER is None:
        result.notes.append(f"no cluster was measured: {nats.NO_SERVER}")
        return result
    result.notes.append(f"the engine: {nats.described()}")
    with cluster(size.workers, 1, lease=_LEASE) as found:
        _measure_queue(result, size, found)
        _measure_late(result, size, found)
        _measure_floods(result, size, found)
        result.promises.append(
            Promise("entries come and jobs begin, after the engine was killed for 1 s", back_after_kill(found),
                    BACK_SECONDS, "s")
        )  # fmt: skip
    if not smoke:  # each is a cluster of its own
        _measure_takeover(result)
        _measure_leader(result)
    return result


def _measure_outbox(result: Result, size: _Size) -> None:
    alone: list[float] = []
    shipped: list[float] = []
    for _ in range(size.rounds):
        for ships, into in ((0, alone), (1, shipped)):
            with new_home() as home:
                found = run_child("outbox_load", home.data, size.outbox_lines, ships)
            into.append(found["cpu"] * 1e6 / size.outbox_lines)
    cost = median(shipped) - median(alone)
    result.promises.append(Promise("a line's outbox: into it, out of it, CPU", cost, OUTBOX_US, "us"))
    result.figures.append(Figure("a line into the worker's own store, CPU", median(alone), "us"))


def _measure_queue(result: Result, size: _Size, found: Cluster) -> None:
    begun, ended = dispatched(found, size.jobs), cancelled(found, size.jobs)
    result.promises += [
        Promise("from a job's making to its start on a worker, p50", median(begun), DISPATCH_MS[0], "ms"),
        Promise("from a job's making to its start on a worker, p99", percentile(begun, 99), DISPATCH_MS[1], "ms"),
        Promise("from a wish to cancel until the view shows the end, p99", percentile(ended, 99), CANCEL_MS, "ms"),
    ]
    result.figures.append(Figure("from a wish to cancel until the view shows the end, p50", median(ended), "ms"))


def _measure_late(result: Result, size: _Size, found: Cluster) -> None:
    told = late(found, tasks_text(20, size.seconds * 100, 10))
    result.facts.append(
        Fact(f"{len(told.in_view):,} entries came to the view and to its client, in order", told.exact)
    )
    result.promises += [
        Promise(
            "2,000 lines a second, the newest of a batch in the view, p50",
            median(told.newest_in_view),
            VIEW_MS[0],
            "ms",
        ),
        Promise(
            "2,000 lines a second, the newest of a batch in the view, p99",
            percentile(told.newest_in_view, 99),
            VIEW_MS[1],
            "ms",
        ),
        Promise(
            "2,000 lines a second, every entry in the view, p99",
            percentile(told.in_view, 99),
            GATHERED_MS + VIEW_MS[1],
            "ms",
        ),
    ]
    result.figures += [
        Figure("2,000 lines a second, every entry in the view, p50", median(told.in_view), "ms"),
        Figure("2,000 lines a second, at a client of the view, every entry, p50", median(told.in_browser), "ms"),
        Figure("the newest entry of a batch there, which did not wait, p50", median(told.newest_in_browser), "ms"),
    ]


def _measure_floods(result: Result, size: _Size, found: Cluster) -> None:
    floor = []
    for _ in range(size.rounds):
        with new_home() as home:
            lines = max(10, size.lines // 2)
            floor.append(2 * run_child("ingest_load", "floor", home.data, lines)["seconds"] * 1e6 / (lines * TASKS))
    text = tasks_text(50, size.lines, 0)
    floods = [flood(found, f"tasks{number}", text, size.workers) for number in range(size.rounds)]
    child = flood(found, "child", child_text(size.child_lines), size.workers)
    away = drained(found, "away", text, size.workers)
    each = median([one.each(one.seconds) for one in floods])
    result.ratios.append(
        Ratio(f"a line of the workers' tasks, until the view has it, of {floods[0].lines:,}", "executemany, twice",
              each, median(floor), "us", LINE_TARGET)
    )  # fmt: skip
    result.promises += [
        Promise("a line of the workers' tasks, until the view has it", each, LINE_US, "us"),
        Promise("a line of the workers' children, until the view has it", child.each(child.seconds), LINE_US, "us"),
        Promise("a line that waited while the engine was away", away.each(away.seconds), LINE_US, "us"),
        Promise("the engine's CPU for a line", median([one.each(one.engine_cpu) for one in floods]), ENGINE_US, "us"),
    ]
    for words, many in (("tasks", [*floods]), ("children", [child]), ("after the engine was away", [away])):
        result.facts.append(
            Fact(f"the view has what the workers have, in the same order: {words}", all(one.exact for one in many))
        )
        result.figures += _figures(words, many)


def _figures(words: str, floods: list[Flood]) -> list[Figure]:
    def of(name: str) -> float:
        return median([one.each(getattr(one, name)) for one in floods])

    return [
        Figure(f"rate, {words}", 1e6 / of("seconds"), "lines/s"),
        Figure(f"CPU for a line, {words}: workers", of("workers_cpu"), "us"),
        Figure(f"CPU for a line, {words}: engine", of("engine_cpu"), "us"),
        Figure(f"CPU for a line, {words}: view", of("view_cpu"), "us"),
    ]


def _measure_takeover(result: Result) -> None:
    with cluster(2, 1, lease=_SHORT_LEASE) as found:
        seconds = taken_over(found)
    words = f"a job of a killed worker begins anew, with a lease of {_SHORT_LEASE:g} s"
    result.promises.append(Promise(words, seconds, _SHORT_LEASE + 1, "s"))


def _measure_leader(result: Result) -> None:
    with cluster(1, 1, lease=_LEASE, servers=3) as found:
        seconds, exact = without_leader(found)
    result.promises.append(
        Promise("pause of the log when the leader of three servers is killed", seconds, LEADER_SECONDS, "s")
    )
    result.facts.append(Fact("nothing is missing then, and the job was run once", exact))


def _code_lines() -> int:
    """Return the adapter's lines that are neither empty nor words: no comments, no docstrings."""
    return sum(_code_of(path.read_text()) for path in _ADAPTER.glob("*.py"))


def _code_of(text: str) -> int:
    words: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            words |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate((line.strip() for line in text.splitlines()), 1)
    return sum(bool(line) and not line.startswith("#") and number not in words for number, line in lines)
