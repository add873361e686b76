"""`fanout`: many browsers that watch one live job, against one that does.

A real `quaero serve`, a real `quaero run` that logs about 1,000 lines a second, and so many clients in one process.
What readers ask for is the same, so a batch is read and encoded once; a delivery to one of many may not cost the
server more than a delivery to a single one. All must be told every entry once, in order.
"""

from dataclasses import dataclass, field

from bench.homes import Home, Server, ending, finish_child, new_home, start_child
from bench.load import Generator, waiting_job
from bench.machine import cpu_seconds, peak_memory_mb
from bench.verdict import Fact, Figure, Ratio, Result, median

_FULL = (1, 1000, Generator("load", 10, 400, 10))  # rounds, readers, what they watch
_SMOKE = (1, 20, Generator("load", 10, 200, 10))
# Measured: 0.12 with 20 readers, 0.04 with 200, 0.07 with 1,000, whose batches are larger. If each read and encoded
# for itself it would be nearly 1.
CPU_TARGET = 0.2
# Measured with 1,000 readers: 2.
MEMORY_TARGET = 3.0


@dataclass(slots=True)
class _Found:
    """Of one number of readers, one value for each round."""

    cpu_ms: list[float] = field(default_factory=list)  # for each delivered batch
    memory: list[float] = field(default_factory=list)  # MB, of the server, the most so far
    batches: list[float] = field(default_factory=list)  # that each reader was sent
    late: list[float] = field(default_factory=list)  # p99, ms: from the call to the coming of a batch's oldest entry
    exact: bool = True
    entries: int = 0


def measure(smoke: bool) -> Result:
    """Let one reader watch a job, then many another one, each round with a fresh server."""
    rounds, many, generator = _SMOKE if smoke else _FULL
    found = {1: _Found(), many: _Found()}
    with new_home() as home:
        home.run("jobs")  # makes the database
        for _ in range(rounds):
            with home.serving() as server:
                _watch(home, server, 1, Generator("warm", 1, 10, 1), _Found())
                for readers, seen in found.items():
                    _watch(home, server, readers, generator, seen)
    one, all_ = found[1], found[many]
    result = Result("fanout")
    result.ratios = [
        Ratio(f"the server's CPU for a batch to one of {many} readers", "to a single one", median(all_.cpu_ms),
              median(one.cpu_ms), "ms", CPU_TARGET),
        Ratio(f"the server's memory with {many} readers", "with one", median(all_.memory), median(one.memory), "MB",
              MEMORY_TARGET),
    ]  # fmt: skip
    result.facts = [
        Fact(f"each of {readers} readers was told all {seen.entries:,} entries once, in order", seen.exact)
        for readers, seen in found.items()
    ]
    each = (median(all_.memory) - median(one.memory)) / (many - 1)
    result.figures = [
        # Measured with 1,000: 53 to 56, a prototype of the same parts without any of ours 54.
        Figure("memory of one more reader", each * 1000, "KB"),
        Figure(f"the oldest entry of a batch to one of {many}, p99", median(all_.late), "ms"),
        Figure("the same to a single one", median(one.late), "ms"),
        Figure(f"batches sent to each of {many}", median(all_.batches), ""),
        Figure("batches sent to a single one", median(one.batches), ""),
    ]
    return result


def _watch(home: Home, server: Server, readers: int, generator: Generator, seen: _Found) -> None:
    """Run a job under the eyes of so many readers."""
    with waiting_job(home, [generator]) as job:
        child = start_child("sse_readers", server.port, server.token, job.id, readers)
        with ending(child):
            assert child.stdout is not None
            child.stdout.readline()
            before = cpu_seconds(server.process_id)
            job.open_gate()
            told = finish_child(child)
            seen.cpu_ms.append((cpu_seconds(server.process_id) - before) * 1000 / max(1, told["batches"]))
            seen.memory.append(peak_memory_mb(server.process_id))
    seen.batches.append(told["batches"] / readers)
    seen.late.append(told["late_p99"])
    stored = len(job.stored())
    seen.entries += stored
    seen.exact = seen.exact and told["last"] == stored
