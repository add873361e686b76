"""`fanout`: many browsers that watch one live job, against one that does.

A real `quaero serve`, a real `quaero run` that logs about 1,000 lines a second, and so many clients in one process:
one, then many who ask the same, then many with twenty different filters. What is asked in the same words is read and
encoded once; a delivery to one of many may not cost the server more than a delivery to a single one. All must be told
every entry that their filter lets through, once and in order.
"""

from contextlib import closing
from dataclasses import dataclass, field

from bench.homes import Home, Server, ending, finish_child, new_home, start_child
from bench.load import Generator, Job, waiting_job
from bench.machine import cpu_seconds, peak_memory_mb
from bench.verdict import Fact, Figure, Promise, Ratio, Result
from quaero_cli.store.engine import connect

_FULL = (1000, 500, Generator("load", 10, 400, 10))  # readers of everything, with filters, what they watch
_SMOKE = (20, 40, Generator("load", 10, 200, 10))
# Measured: 0.12 with 20 readers; with 1,000, who are handed their bytes as one, 0.003. If each read and encoded for
# itself it would be nearly 1.
CPU_TARGET = 0.2
# Measured with 1,000 readers: 1.9.
MEMORY_TARGET = 3.0
_ALL = "level=debug"
_WARNINGS = "level=warn"
# Numbers of items that begin with a digit from 1, or end with a digit: 19 texts, each in a few entries of a hundred.
_TEXTS = [*(f"item {digit}" for digit in range(1, 10)), *(f"{digit}/" for digit in range(10))]
_FILTERS = [_WARNINGS, *(f"level=debug&q={text.replace(' ', '%20').replace('/', '%2F')}" for text in _TEXTS)]
_PEER = "bare Quart on Hypercorn, the same load: p99 167 ms, 54 KB; Mercure hangs up at 1,000 queued, Loki drops"


@dataclass(slots=True)
class _Found:
    """Of one number of readers."""

    readers: int
    filters: list[str]
    cpu_ms: float = 0.0  # for each delivered batch
    memory: float = 0.0  # MB, of the server, the most so far
    batches: float = 0.0  # that each reader was sent
    late: dict[str, float] = field(default_factory=dict)
    exact: bool = False
    entries: int = 0


def measure(smoke: bool) -> Result:
    """Let one reader watch a job, then many another one, then many with filters a third."""
    many, filtering, generator = _SMOKE if smoke else _FULL
    one, all_, filtered = _Found(1, [_ALL]), _Found(many, [_ALL]), _Found(filtering, _FILTERS)
    with new_home() as home:
        home.run("jobs")  # makes the database
        with home.serving() as server:
            _watch(home, server, Generator("warm", 1, 10, 1), _Found(1, [_ALL]))
            for seen in (one, all_, filtered):
                _watch(home, server, generator, seen)
    result = Result("fanout")
    result.ratios = [
        Ratio(f"the server's CPU for a batch to one of {many} readers", "to a single one", all_.cpu_ms, one.cpu_ms,
              "ms", CPU_TARGET),
        Ratio(f"the server's memory with {many} readers", "with one", all_.memory, one.memory, "MB", MEMORY_TARGET),
    ]  # fmt: skip
    result.facts = [
        Fact(f"each of {seen.readers} readers was told all of its entries, of {seen.entries:,}", seen.exact)
        for seen in (one, all_, filtered)
    ]
    each = (all_.memory - one.memory) / (many - 1) * 1000
    result.promises = [
        Promise(f"an entry to one of {many} readers, p99", all_.late["late_p99"], 300, "ms", _PEER),
        Promise("memory of one more reader", each, 60, "KB", _PEER),
        Promise(f"an entry to one of {filtering} readers with 20 filters, p99", filtered.late["late_p99"], 300, "ms"),
    ]
    result.figures = _figures(one, all_, filtered)
    return result


def _figures(*found: _Found) -> list[Figure]:
    return [
        figure
        for seen in found
        for figure in (
            Figure(f"an entry to one of {seen.readers}, p50", seen.late["late_p50"], "ms"),
            Figure(f"an entry to one of {seen.readers}, p99", seen.late["late_p99"], "ms"),
            Figure(f"the oldest of a batch to one of {seen.readers}, p99", seen.late["oldest_p99"], "ms"),
            Figure(f"batches sent to each of {seen.readers}", seen.batches, ""),
            Figure(f"the server's CPU for a batch to one of {seen.readers}", seen.cpu_ms, "ms"),
        )
    ]


def _watch(home: Home, server: Server, generator: Generator, seen: _Found) -> None:
    """Run a job under the eyes of so many readers."""
    with waiting_job(home, [generator]) as job:
        child = start_child("sse_readers", server.port, server.token, job.id, seen.readers, *seen.filters)
        with ending(child):
            assert child.stdout is not None
            child.stdout.readline()
            before = cpu_seconds(server.process_id)
            job.open_gate()
            told = finish_child(child)
            seen.cpu_ms = (cpu_seconds(server.process_id) - before) * 1000 / max(1, told["batches"])
            seen.memory = peak_memory_mb(server.process_id)
    seen.batches = told["batches"] / seen.readers
    seen.late = {name: told[name] for name in ("late_p50", "late_p99", "oldest_p99")}
    stored = _stored(job)
    seen.entries = len(stored[_ALL])
    seen.exact = told["seen"] == {wanted: stored[wanted] for wanted in seen.filters}


def _stored(job: Job) -> dict[str, list[int]]:
    """Return the numbers of the entries that each filter lets through."""
    with closing(connect(job.home.database, readonly=True)) as connection:
        rows = connection.execute(
            "SELECT job_line, level, message FROM log JOIN job ON job.key = log.job WHERE job.id = ?"
            " ORDER BY job_line",
            (job.id,),
        ).fetchall()
    found = {_ALL: [number for number, _, _ in rows], _WARNINGS: [number for number, level, _ in rows if level >= 30]}
    for text, wanted in zip(_TEXTS, _FILTERS[1:], strict=True):
        found[wanted] = [number for number, _, message in rows if text in message]
    return found
