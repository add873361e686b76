"""`ingest`: 301 tasks that log as fast as they can, until every line is durable.

The way is the real one, JobLog -> Recorder -> store, without a process around it: numbering, counters, wake-ups, a
thread that writes while the tasks go on. The floor is a loop that inserts the same rows into the same tables with
`executemany`, which counts and numbers nothing. Two ways of logging: a task that asks for room after each line, as
step types are told to, and one that never rests.
"""

from bench.children.ingest_load import TASKS
from bench.homes import new_home, run_child
from bench.verdict import Fact, Figure, Ratio, Result, median

_LINES = 1000  # of each task
_ROUNDS = 5
_SMOKE_LINES = 100
_SMOKE_ROUNDS = 3
WAYS = {"room": "asking for room after each line", "sync": "never resting"}
# Promised: 0.6 of the entries per second. Measured on two busy cores: 1.2 and 1.1; in processor time, so what a
# single core would take, 1.6 and 1.3. What asking for room costs is the event loop's turn after some of the lines.
PROMISED = 0.6
TARGETS = {"room": 1 / PROMISED, "sync": 1 / PROMISED}
_PEER = "a child's lines kept by Cronicle 133,000 a second, by Dagster 77,000; a task's own by Prefect 523"
# The recorder's limits in memory: 65,536 entries, or 8,192 and a batch for tasks that ask for room.
MEMORY_MB = {"room": 16.0, "sync": 48.0}


def measure(smoke: bool) -> Result:
    """Run the floor and both ways in turn, each in a fresh process with a fresh store."""
    lines, rounds = (_SMOKE_LINES, _SMOKE_ROUNDS) if smoke else (_LINES, _ROUNDS)
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ("floor", *WAYS)}
    for _ in range(rounds):
        for way, runs in found.items():
            with new_home() as home:
                runs.append(run_child("ingest_load", way, home.data, lines))
    seconds = {way: median([run["seconds"] for run in runs]) for way, runs in found.items()}
    result = Result("ingest")
    for way, words in WAYS.items():
        runs = found[way]
        result.ratios.append(
            Ratio(f"time, {words}", "plain executemany", seconds[way], seconds["floor"], "s", TARGETS[way], _PEER)
        )
        result.facts.append(
            Fact(
                f"{TASKS * lines:,} lines stored once, in each task's order, {words}",
                all(run["exact"] for run in runs),
            )
        )
        memory, most = max(run["memory_mb"] for run in runs), MEMORY_MB[way]
        result.facts.append(Fact(f"memory grew by at most {most:g} MB: {memory:.0f}", memory <= most))
    for way, words in (("floor", "plain executemany"), *WAYS.items()):
        result.figures.append(Figure(f"rate, {words}", TASKS * lines / seconds[way], "lines/s"))
    return result
