"""`engine`: what a job costs, against what the same work costs somebody who writes it down without quaero.

* A job whose only step runs `true`, as a whole process, against the imports that any such program needs.
* 300 workers that log without a pause, until all is stored, and the memory that takes.
* 1,000 steps, one after the other and side by side: processor time for each, without what one step alone takes.
* A child that prints a million lines, until all is stored, against a script that reads them into a table.
* An idle `serve` with 100 definitions that have a schedule.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.homes import QUAERO, Home, environment, new_home, run_child
from bench.verdict import Fact, Figure, Ratio, Result, median
from quaero_cli.store.engine import connect

FLOOR_IMPORTS = "import typer, rich, trio, sqlite3"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each is measured."""

    rounds: int
    runs: int  # of `true`
    entries: int  # of each of 300 workers
    steps: int
    lines: int
    idle: float  # seconds


FULL = Size(rounds=3, runs=9, entries=100, steps=1000, lines=1_000_000, idle=10.0)
SMOKE = Size(rounds=1, runs=3, entries=30, steps=300, lines=100_000, idle=3.0)

START_TARGET = 3.0
# At least 0.4 of the script's lines per second. Measured: 0.8.
LINES_TARGET = 2.5
# Measured: 3.4. The floor neither counts nor numbers, and has no states.
WORKERS_TARGET = 8.0
WORKERS_MEMORY_MB = 40.0
# Milliseconds of processor time for each step. Measured: 0.7 to 1.2 one after the other, 0.3 side by side.
STEP_BUDGET_MS = 2.0
# Percent of a core. Measured: 0.4.
IDLE_BUDGET = 1.0
_SETTLE = 2.0  # seconds until a server that was started has nothing more to do


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: `seconds` and `cpu` seconds, and the most `memory` in MB."""

    seconds: float
    cpu: float
    memory: float


def measure(smoke: bool) -> Result:
    """Measure all of it, ours and the floor in turn."""
    size = SMOKE if smoke else FULL
    result = Result("engine")
    with new_home() as home:
        home.run("run", "hello")  # makes the database, and the byte code
        start = _measure_start(home, size, result)
        _measure_workers(home, size, start, result)
        _measure_steps(home, size, result)
        _measure_lines(home, size, start, result)
        _measure_idle(home, size, result)
    return result


def cost(home: Home, words: list[str]) -> Cost:
    """Run a process to its end and return what it took. Raises RuntimeError when it fails."""
    began = time.perf_counter()
    child = subprocess.Popen(
        words, cwd=home.folder, env=environment(home.data), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{words} ended with {child.returncode}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def _run_quietly(home: Home, name: str, text: str) -> Cost:
    return cost(home, [*QUAERO, "run", "-q", home.define(name, text)])


def _floor(what: str, count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="quaero-bench-") as folder:
        return run_child("engine_floor", what, folder, count)


def _measure_start(home: Home, size: Size, result: Result) -> float:
    """Return the seconds of a job that does nothing: the others are measured without them."""
    text = '[step.a]\ntype = "shell"\ncommand = "true"\n'
    ours, floor = [], []
    for number in range(size.runs + 1):
        floor.append(cost(home, [sys.executable, "-c", FLOOR_IMPORTS]).seconds * 1000)
        ours.append(_run_quietly(home, "true", text).seconds * 1000)
        if number == 0:  # fills the caches of disk and byte code
            ours.clear()
            floor.clear()
    against = f'python -c "{FLOOR_IMPORTS}"'
    result.ratios.append(Ratio("a job that runs `true`", against, median(ours), median(floor), "ms", START_TARGET))
    return median(ours) / 1000


def _measure_workers(home: Home, size: Size, start: float, result: Result) -> None:
    # A worker writes three entries more than its `log_count`.
    text = (
        '[step.a]\ntype = "test_job_generator"\nworker_count = {workers}\nlog_count = {count}\nlog_delay_ms = 0\n'
        "failure_rate = 0.0\nchild_count = 0\n"
    )
    ours, floor, memory = [], [], []
    for _ in range(size.rounds):
        floor.append(_floor("workers", size.entries)["seconds"])
        alone = _run_quietly(home, "one", text.format(workers=1, count=0))
        all_ = _run_quietly(home, "all", text.format(workers=300, count=size.entries - 3))
        ours.append(all_.seconds - start)  # it ends when all is stored
        memory.append(all_.memory - alone.memory)
    entries = 300 * size.entries
    result.ratios.append(
        Ratio(
            f"{entries:,} entries of 300 workers, until stored", "a list and executemany", median(ours),
            median(floor), "s", WORKERS_TARGET,
        )
    )  # fmt: skip
    most = max(memory)
    result.facts.append(
        Fact(f"their memory is at most {WORKERS_MEMORY_MB:g} MB: {most:.0f}", most <= WORKERS_MEMORY_MB)
    )
    result.facts.append(Fact(f"{entries:,} entries are stored", _worker_entries(home) == entries))
    result.figures.append(Figure("rate of 300 workers", entries / median(ours), "entries/s"))


def _measure_steps(home: Home, size: Size, result: Result) -> None:
    for words, chained in (("one after the other", True), ("side by side", False)):
        ours, floor = [], []
        for _ in range(size.rounds):
            floor.append(_floor("steps", size.steps)["cpu"] * 1000 / size.steps)
            alone = _run_quietly(home, "alone", steps_text(1, chained=chained)).cpu
            all_ = _run_quietly(home, "steps", steps_text(size.steps, chained=chained)).cpu
            ours.append((all_ - alone) * 1000 / (size.steps - 1))
        what = f"processor time of each of {size.steps} steps {words}"
        result.ratios.append(Ratio(what, "the budget", median(ours), STEP_BUDGET_MS, "ms", 1.0))
        result.figures.append(
            Figure(f"{words}: times a bare task that is written down", median(ours) / median(floor), "")
        )


def _measure_lines(home: Home, size: Size, start: float, result: Result) -> None:
    command = " ".join(f"'{word}'" for word in line_command(size.lines))
    text = f'[step.a]\ntype = "shell"\ncommand = """exec {command}"""\n'
    ours, floor, file = [], [], []
    for _ in range(size.rounds):
        file.append(cost(home, ["sh", "-c", f"exec {command} >lines.txt"]).seconds)
        floor.append(_floor("lines", size.lines)["seconds"])
        ours.append(_run_quietly(home, "lines", text).seconds - start)
    what = f"{size.lines:,} lines of a child, until stored"
    result.ratios.append(Ratio(what, "a script and executemany", median(ours), median(floor), "s", LINES_TARGET))
    result.facts.append(Fact(f"{size.lines:,} lines are stored", _entries_of("stdout", home) == size.lines))
    result.figures.append(Figure("rate of a child's lines", size.lines / median(ours), "lines/s"))
    result.figures.append(Figure("times as long as into a file", median(ours) / median(file), ""))


def _measure_idle(home: Home, size: Size, result: Result) -> None:
    folder = home.folder / "jobdefs"
    folder.mkdir()
    for number in range(100):
        (folder / f"job{number}.toml").write_text(
            f'schedule = "{number % 60} 3 1 1 *"\n[step.a]\ntype = "shell"\ncommand = "true"\n'
        )
    with home.serving() as server:
        time.sleep(_SETTLE)  # noqa: TID251 - measured is that nothing happens meanwhile
        before, began = _cpu_ns(server.process_id), time.perf_counter()
        time.sleep(size.idle)  # noqa: TID251
        used = (_cpu_ns(server.process_id) - before) / 1e9 / (time.perf_counter() - began)
    result.ratios.append(
        Ratio("an idle server with 100 scheduled definitions", "the budget", used * 100, IDLE_BUDGET, "%", 1.0)
    )


def line_command(count: int) -> list[str]:
    """Return the program that prints so many lines."""
    return ["seq", "-f", "line %08.0f of the output that a child prints while it works", str(count)]


def steps_text(count: int, *, chained: bool) -> str:
    """Return a definition of steps that do next to nothing; a thousand of them must fit into 64 KiB."""
    lines = ["[step]"] if chained else [f"max_parallel_steps = {count}", "[step]"]
    for number in range(count):
        depends = f',depends="s{number - 1}"' if chained and number else ""
        lines.append(f's{number}={{type="test_job_generator",worker_count=0{depends}}}')
    return "\n".join([*lines, ""])


def _worker_entries(home: Home) -> int:
    return int(_ask(home, "SELECT count(*) FROM log WHERE job = (SELECT max(key) FROM job) AND worker IS NOT NULL"))


def _entries_of(source: str, home: Home) -> int:
    return int(_ask(home, f"SELECT count(*) FROM log WHERE job = (SELECT max(key) FROM job) AND source = '{source}'"))


def _ask(home: Home, sql: str) -> float:
    with closing(connect(home.database, readonly=True)) as connection:
        return float(connection.execute(sql).fetchone()[0])


def _cpu_ns(process_id: int) -> int:
    """Processor time of all threads of a process, finer than the clock's ticks."""
    threads = Path(f"/proc/{process_id}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)
