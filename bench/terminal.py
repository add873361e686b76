"""`terminal`: what it costs to show a log: whole into a pipe, and live on a terminal.

The floor of the pipe is `sqlite3`, which prints the same rows and makes nothing of them; both are judged by the time
they keep a processor busy, which says the same on a busy machine. The live display is measured by itself, at 10,000
entries a second of its own clock; and a job that is shown on a terminal must take no longer than one that is not.
"""

import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence

from bench.homes import QUAERO, Home, ending, environment, new_home, run_child
from bench.verdict import Fact, Figure, Ratio, Result, median

_ENTRIES, _SMOKE_ENTRIES = 1_000_000, 30_000
_ROUNDS, _SMOKE_ROUNDS = 3, 1
# Seconds of the display's own clock, and entries in each of them.
_SECONDS, _SMOKE_SECONDS, RATE = 10, 3, 10_000
# A job of about as many: so many workers, each with so many entries, one every 10 ms.
_WORKERS, _EACH, _SMOKE_EACH = 100, 500, 100
_PACED = """
[step.load]
type = "test_job_generator"
worker_count = {workers}
log_count = {each}
log_delay_ms = 10
failure_rate = 0
child_count = 0
recursion_depth = 0
"""
# Every row is three lookups and a line of Python, where sqlite3 copies bytes.
TAIL_TARGET = 4.0
# Half a core: the other half, and the other cores, are the job's.
DISPLAY_CORES = 0.5
# Nothing, but for what two runs of one job differ by.
SHOWN_TARGET = 1.2
_ROWS = "SELECT timestamp, level, step_name, message, fields FROM log_view WHERE job_id IS NOT NULL"
# Where there is no sqlite3 program: the same from Python.
_PRINT = (
    "import sys, pysqlite3\n"
    "for row in pysqlite3.connect(sys.argv[1]).execute(sys.argv[2]):\n"
    "    sys.stdout.write('|'.join(str(each or '') for each in row) + '\\n')\n"
)


def measure(smoke: bool) -> Result:
    """Fill a store, print it both ways in turn, and drive the display."""
    result = Result("terminal")
    with new_home() as home:
        _tail(home, result, smoke=smoke)
        _shown(home, result, smoke=smoke)
    seconds = _SMOKE_SECONDS if smoke else _SECONDS
    found = run_child("display_load", seconds, RATE)
    cores = found["cpu_seconds"] / seconds
    result.ratios.append(
        Ratio(f"display at {RATE:,} entries/s", f"{DISPLAY_CORES:g} of a core", cores, DISPLAY_CORES, "cores", 1.0)
    )
    result.facts.append(Fact("the display wrote every entry", found["lines"] == seconds * RATE))
    return result


def _tail(home: Home, result: Result, *, smoke: bool) -> None:
    entries = _SMOKE_ENTRIES if smoke else _ENTRIES
    home.run("run", home.define("many", f'[step.many]\ntype = "shell"\ncommand = "seq 1 {entries}"\n'), "--quiet")
    floor = [sqlite] if (sqlite := shutil.which("sqlite3")) else [sys.executable, "-c", _PRINT]
    ways = {"tail": [*QUAERO, "tail", "last", "-n", "all"], "floor": [*floor, str(home.database), _ROWS]}
    cost: dict[str, list[float]] = {way: [] for way in ways}
    lines = {}
    for _ in range(_SMOKE_ROUNDS if smoke else _ROUNDS):
        for way, words in ways.items():
            seconds, lines[way] = _into_a_pipe(home, words)
            cost[way].append(seconds)
    name = "sqlite3" if sqlite else "python, pysqlite3"
    result.ratios.append(
        Ratio(f"tail -n all of {entries:,} entries, processor", f"{name} printing the rows", median(cost["tail"]),
              median(cost["floor"]), "s", TAIL_TARGET)
    )  # fmt: skip
    result.facts.append(Fact("both printed the same number of lines", lines["tail"] == lines["floor"] > entries))
    result.figures.append(Figure("entries that tail prints", entries / median(cost["tail"]), "entries/s"))


def _into_a_pipe(home: Home, words: Sequence[str]) -> tuple[float, int]:
    """Run a command to its end; return the seconds of processor time it took, and how many lines it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = 0
    child = subprocess.Popen(
        words, cwd=home.folder, env=environment(home.data), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with ending(child):
        assert child.stdout is not None
        while data := child.stdout.read(1 << 20):
            lines += data.count(b"\n")
        if child.wait() != 0:
            raise RuntimeError(f"{words[0]} ended with {child.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, lines


def _shown(home: Home, result: Result, *, smoke: bool) -> None:
    """Run a job with and without a terminal; what counts is how long the job itself took."""
    path = home.define("shown", _PACED.format(workers=_WORKERS, each=_SMOKE_EACH if smoke else _EACH))
    took: dict[str, list[float]] = {"terminal": [], "quiet": []}
    for _ in range(_SMOKE_ROUNDS if smoke else _ROUNDS):
        home.run("run", path, "--quiet")
        took["quiet"].append(_newest(home))
        _on_a_terminal(home, [*QUAERO, "run", path])
        took["terminal"].append(_newest(home))
    result.ratios.append(
        Ratio(f"a job that logs {RATE:,} entries/s, shown on a terminal", "run --quiet", median(took["terminal"]),
              median(took["quiet"]), "s", SHOWN_TARGET)
    )  # fmt: skip


def _newest(home: Home) -> float:
    """Return the seconds that the newest job took."""
    import json

    (job,) = json.loads(home.run("jobs", "--limit", "1", "--json"))
    return float(job["duration_ms"]) / 1000


def _on_a_terminal(home: Home, words: Sequence[str]) -> None:
    leader, follower = os.openpty()
    reader = threading.Thread(target=_drain, args=(leader,), daemon=True)
    child = subprocess.Popen(
        words, cwd=home.folder, env={**environment(home.data), "TERM": "xterm"}, stdout=follower, stderr=follower
    )
    os.close(follower)
    reader.start()
    if child.wait() != 0:
        raise RuntimeError(f"{words[0]} ended with {child.returncode}")
    reader.join()
    os.close(leader)


def _drain(leader: int) -> None:
    try:
        while os.read(leader, 1 << 16):
            pass
    except OSError:  # EIO: the other side is closed
        pass
