"""`stream`: how long a line takes from the call that logs it to a follower in another process.

A real `quaero run` logs about 1,000 lines a second, then single lines with pauses; a `quaero tail` and a client of a
real `quaero serve` follow. Single lines show the way itself, against the least that it can be (`roundtrip`): commit a
row, send a datagram, read the row. Under load an entry waits for its batch, 150 ms at most, so the floor is one
interval more. Every follower must have seen every entry once, in order.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.followers import Follower, streaming, tailing
from bench.homes import Home, Server, new_home
from bench.load import Generator, Stored, waiting_job
from bench.roundtrip import round_trips
from bench.verdict import Fact, Figure, Ratio, Result, median, percentile, share_within
from quaero_cli.stream.pace import BATCH_INTERVAL

_STEADY, _SINGLE = "steady", "single"
_WORKERS, _PAUSE = 10, 10  # 1,000 lines a second, less what a turn of the loop takes
_SINGLE_PAUSE = 250  # milliseconds: longer than a batch waits
_FULL = (3, 1500, 100, 300)  # rounds, steady lines of each worker, single lines, round trips before and after
_SMOKE = (1, 250, 12, 100)

TOLD = {"tail": "quaero tail", "sse": "a client of quaero serve"}
# Measured on two busy cores: 6 to 9 for a single line, 1.1 to 1.3 under load.
SINGLE_TARGET = 15.0
STEADY_TARGET = 2.0
# Milliseconds within which people should see a line, for the figures; a machine may be slower than that.
_SOON = 300.0


@dataclass(slots=True)
class _Found:
    """Medians of one follower, one value for each round; milliseconds and percent."""

    single: list[float] = field(default_factory=list)
    steady: list[float] = field(default_factory=list)
    steady_p99: list[float] = field(default_factory=list)
    soon: list[float] = field(default_factory=list)
    exact: bool = True
    entries: int = 0

    def add(self, stored: list[Stored], follower: Follower) -> None:
        """Compare what was stored with what came."""
        arrivals = follower.arrivals()
        self.entries += len(arrivals)
        self.exact = self.exact and [number for number, _ in arrivals] == [entry.number for entry in stored]
        came = dict(arrivals)
        late: dict[str | None, list[float]] = {_STEADY: [], _SINGLE: []}
        for entry in stored:
            if entry.step in late and entry.number in came:
                late[entry.step].append((came[entry.number] - entry.time_ns) / 1e6)
        self.single.append(median(late[_SINGLE]))
        self.steady.append(median(late[_STEADY]))
        self.steady_p99.append(percentile(late[_STEADY], 99))
        self.soon.append(share_within(late[_STEADY] + late[_SINGLE], _SOON))


def measure(smoke: bool) -> Result:
    """Run the floor, the job and the floor again, each round."""
    rounds, steady, single, trips = _SMOKE if smoke else _FULL
    found = {name: _Found() for name in TOLD}
    floor: list[float] = []
    with new_home() as home:
        home.run("jobs")  # makes the database
        with home.serving() as server:
            for _ in range(rounds):
                floor += round_trips(trips)
                _round(home, server, steady, single, found)
                floor += round_trips(trips)
    return _judge(found, floor)


def _round(home: Home, server: Server, steady: int, single: int, found: dict[str, _Found]) -> None:
    generators = [Generator(_STEADY, _WORKERS, steady, _PAUSE), Generator(_SINGLE, 1, single, _SINGLE_PAUSE)]
    with ExitStack() as stack:
        # Left in the other order: the followers are waited for, which end with the job, then the job's process.
        followers: dict[str, Follower] = {}
        job = stack.enter_context(waiting_job(home, generators))
        followers["tail"] = stack.enter_context(tailing(home, job.id))
        followers["sse"] = stack.enter_context(streaming(server, job.id))
        for follower in followers.values():
            follower.wait_attached()
        job.open_gate()
    stored = job.stored()
    for name, follower in followers.items():
        found[name].add(stored, follower)


def _judge(found: dict[str, _Found], floor: list[float]) -> Result:
    least, least_p99 = median(floor), percentile(floor, 99)
    result = Result("stream")
    for name, words in TOLD.items():
        seen = found[name]
        result.ratios += [
            Ratio(f"a single line to {words}, p50", "commit, datagram, read", median(seen.single), least, "ms",
                  SINGLE_TARGET),
            Ratio(f"under load to {words}, p99", "that and a batch interval", median(seen.steady_p99),
                  BATCH_INTERVAL * 1000 + least_p99, "ms", STEADY_TARGET),
        ]  # fmt: skip
        result.facts.append(Fact(f"{words} was told all {seen.entries:,} entries once, in order", seen.exact))
        result.figures += [
            Figure(f"under load to {words}, p50", median(seen.steady), "ms"),
            Figure(f"told to {words} within {_SOON:g} ms", median(seen.soon), "%"),
        ]
    result.figures.append(Figure("commit, datagram, read, p99", least_p99, "ms"))
    return result
