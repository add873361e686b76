"""`stream`: how long a line takes from the call that logs it to a follower in another process.

A real `quaero run` logs 100 lines a second, then 10,000, then single lines with pauses; a `quaero tail` and a client
of a real `quaero serve` follow. Single lines show the way itself, against the least that it can be (`roundtrip`):
commit a row, send a datagram, read the row. Under load an entry waits for its batch, 150 ms at most, so the floor is
one interval more; the newest entry of a batch has not waited. Every follower must have seen every entry once, in
order.
Beside it, a reader without a display: from the commit until it has seen it, and what it costs while idle (`seen`).
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.followers import Follower, streaming, tailing
from bench.homes import new_home
from bench.load import Generator, Stored, waiting_job
from bench.roundtrip import round_trips
from bench.seen import Seen, watch_reader
from bench.verdict import Fact, Figure, Promise, Ratio, Result, median, percentile
from quaero_cli.stream.pace import BATCH_INTERVAL

_SLOW, _FAST, _SINGLE = "slow", "fast", "single"
# Lines of one worker every 10 ms, of each of 100 workers every 10 ms, and with pauses longer than a batch waits.
_FULL = (1000, 500, 40)
_SMOKE = (100, 20, 8)
_TRIPS = {False: (300, 200, 10.0), True: (100, 50, 2.0)}  # round trips; entries and idle seconds of the reader

TOLD = {"tail": "quaero tail", "sse": "a client of quaero serve"}
# Measured on two cores, quiet or busy: 6 to 11 for a single line, 0.7 to 1.3 under load.
SINGLE_TARGET = 15.0
FAST_TARGET = 2.0
_INTERVAL = BATCH_INTERVAL * 1000
_PEER = "Cronicle's socket: p50 127 ms, max 250; Dagster polled every 50 ms: 38, 132"
_BURST_PEER = "of a burst of 20,000 Cronicle's socket is 15 s behind, Prefect's loses 91 %"
_IDLE_PEER = "Cronicle's idle server: 0.4 %"


@dataclass(slots=True)
class _Found:
    """What one follower was told, in milliseconds by step."""

    late: dict[str | None, list[float]] = field(default_factory=dict)
    newest: dict[str | None, list[float]] = field(default_factory=dict)  # of a batch: they did not wait for it
    exact: bool = True
    entries: int = 0


def measure(smoke: bool) -> Result:
    """Run the floor, the job, the floor again, and the reader alone."""
    trips, entries, idle = _TRIPS[smoke]
    floor = round_trips(trips)
    found = _follow(*(_SMOKE if smoke else _FULL))
    floor += round_trips(trips)
    result = _judge(found, floor)
    _judge_reader(result, watch_reader(entries, idle))
    return result


def _follow(slow: int, fast: int, single: int) -> dict[str, _Found]:
    generators = [Generator(_SLOW, 1, slow, 10), Generator(_FAST, 100, fast, 10), Generator(_SINGLE, 1, single, 250)]
    with new_home() as home:
        home.run("jobs")  # makes the database
        with home.serving() as server, ExitStack() as stack:
            # Left in the other order: the followers are waited for, which end with the job, then the job's process.
            job = stack.enter_context(waiting_job(home, generators))
            followers = {
                "tail": stack.enter_context(tailing(home, job.id)),
                "sse": stack.enter_context(streaming(server, job.id)),
            }
            for follower in followers.values():
                follower.wait_attached()
            job.open_gate()
            stack.close()
            stored = job.stored()
        return {name: _compare(stored, follower) for name, follower in followers.items()}


def _compare(stored: Sequence[Stored], follower: Follower) -> _Found:
    """Compare what was stored with what came."""
    arrivals = follower.arrivals()
    found = _Found(exact=[number for number, _ in arrivals] == [entry.number for entry in stored])
    found.entries = len(arrivals)
    logged = {entry.number: entry for entry in stored}
    for numbers, into in ((arrivals, found.late), (follower.newest(), found.newest)):
        for number, when in numbers:
            entry = logged[number]
            into.setdefault(entry.step, []).append((when - entry.time_ns) / 1e6)
    return found


def _judge(found: dict[str, _Found], floor: list[float]) -> Result:
    least, least_p99 = median(floor), percentile(floor, 99)
    result = Result("stream")
    for name, words in TOLD.items():
        seen = found[name]
        result.ratios += [
            Ratio(f"a single line to {words}, p50", "commit, datagram, read", median(seen.late[_SINGLE]), least, "ms",
                  SINGLE_TARGET),
            Ratio(f"10,000 lines a second to {words}, p99", "that and a batch interval",
                  percentile(seen.late[_FAST], 99), _INTERVAL + least_p99, "ms", FAST_TARGET),
        ]  # fmt: skip
        result.facts.append(Fact(f"{words} was told all {seen.entries:,} entries once, in order", seen.exact))
    sse = found["sse"]
    result.promises += [
        Promise("100 a second, the newest of a batch, p50", median(sse.newest[_SLOW]), 15, "ms", _PEER),
        Promise("100 a second, the newest of a batch, p99", percentile(sse.newest[_SLOW], 99), 60, "ms", _PEER),
        Promise("100 a second, every entry, p99", percentile(sse.late[_SLOW], 99), _INTERVAL + 60, "ms", _PEER),
        Promise("10,000 a second, every entry, p99", percentile(sse.late[_FAST], 99), _INTERVAL + 60, "ms",
                _BURST_PEER),
    ]  # fmt: skip
    result.figures.append(Figure("commit, datagram, read, p99", least_p99, "ms"))
    return result


def _judge_reader(result: Result, seen: Seen) -> None:
    result.facts.append(Fact(f"a reader in another process saw all {len(seen.late)} entries in order", seen.exact))
    result.promises += [
        Promise("from a commit to a reader in another process, p50", median(seen.late), 3, "ms", _PEER),
        Promise("from a commit to a reader in another process, p99", percentile(seen.late, 99), 15, "ms", _PEER),
        Promise("that reader while nothing happens, of a core", seen.idle, 0.2, "%", _IDLE_PEER),
    ]
