"""`startup`: how long a command takes from nothing to its end, as a whole process.

The floor is `python -c "import typer, rich"`, what any program with this command line has to wait for; for commands
that follow a job it is that with `trio`. All run in turn, each round all of them. Beside the times, what must not be
imported is not: that tells on a noisy machine, too, which line made a command slow.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.homes import PATIENCE, QUAERO, Home, environment, new_home
from bench.verdict import Fact, Figure, Ratio, Result, median

_ROUNDS = 15
_SMOKE_ROUNDS = 3

PLAIN, LOOP = "import typer, rich", "import typer, rich, trio"
NOTHING = "pass"
# The server, the crawler, and what makes tables and pages: nothing that answers at once may wait for these.
HEAVY = frozenset({"trio", "quart", "hypercorn", "sqlite_utils", "lxml", "trafilatura", "pycurl"})


@dataclass(frozen=True, slots=True)
class Command:
    """A command, its floor, how many times the floor it may take, and what it must not import."""

    words: tuple[str, ...]
    floor: str
    target: float
    without: frozenset[str] = frozenset()
    asked: Mapping[str, str] = field(default_factory=dict)  # in the environment: what a shell asks at Tab

    @property
    def name(self) -> str:
        """The command as a person knows it."""
        return " ".join(("quaero", *self.words)) if not self.asked else "quaero run he<Tab>"


TAB = {"_QUAERO_COMPLETE": "complete_bash", "COMP_WORDS": "quaero run he", "COMP_CWORD": "2"}

COMMANDS = (
    Command((), PLAIN, 1.0, HEAVY | {"rich", "typer"}),
    Command((), PLAIN, 2.0, HEAVY | {"rich", "pysqlite3"}, TAB),
    # The contract: `--version` and `--help` in under twice the floor.
    Command(("--version",), PLAIN, 2.0, HEAVY | {"rich", "typer"}),
    Command(("--help",), PLAIN, 2.0, HEAVY | {"rich", "pysqlite3"}),
    Command(("jobs",), PLAIN, 3.0, HEAVY | {"rich.console"}),
    Command(("tail", "last", "--no-follow"), LOOP, 2.0, HEAVY - {"trio"} | {"rich.console"}),
    Command(("run", "hello"), LOOP, 3.0, HEAVY - {"trio"} | {"rich.console"}),
)


def measure(smoke: bool) -> Result:
    """Time every command in turn, and look at what each imports."""
    result = Result("startup")
    with new_home() as home:
        home.run("run", "hello")  # makes the database, and the byte code
        seconds = _time(home, _SMOKE_ROUNDS if smoke else _ROUNDS)
        for command in COMMANDS:
            name = command.name
            result.ratios.append(
                Ratio(
                    name, f'python -c "{command.floor}"', median(seconds[name]) * 1000,
                    median(seconds[command.floor]) * 1000, "ms", command.target,
                )
            )  # fmt: skip
            if command.without:
                loaded = sorted(command.without & imported(home, command))
                words = f"{name} imports nothing that it need not" + (f": {', '.join(loaded)}" if loaded else "")
                result.facts.append(Fact(words, not loaded))
        result.figures.append(Figure("python that does nothing", median(seconds[NOTHING]) * 1000, "ms"))
    return result


def _time(home: Home, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each run by the command's or the floor's name."""
    runs = {code: ([sys.executable, "-c", code], {}) for code in (PLAIN, LOOP, NOTHING)}
    runs |= {command.name: ([*QUAERO, *command.words], command.asked) for command in COMMANDS}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, (words, asked) in runs.items():
            taken = _seconds(home, words, asked)
            if number:  # the first round fills the caches of disk and byte code
                seconds[name].append(taken)
    return seconds


def _seconds(home: Home, words: Sequence[str], asked: Mapping[str, str]) -> float:
    """Run a process to its end. Without a timeout: waiting with one means looking every 50 ms."""
    began = time.perf_counter()
    subprocess.run(
        words,
        cwd=home.folder,
        env={**environment(home.data), **asked},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began


_SCRIPT = """
import json, sys
sys.argv = ["quaero", *sys.argv[1:]]
from quaero_cli.__main__ import main
try:
    main()
finally:
    print("\\n" + json.dumps(sorted(sys.modules)))
"""


def imported(home: Home, command: Command) -> set[str]:
    """Return the modules that a command has imported when it ends."""
    ended = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *command.words],
        cwd=home.folder,
        env={**environment(home.data), **command.asked},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=True,
        text=True,
    )
    return set(json.loads(ended.stdout.splitlines()[-1]))
