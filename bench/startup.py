"""`startup`: how long a command takes from nothing to its end, as a whole process; or to what it is called for.

The floor is what any program with this command line has to import: `typer` for help, with `rich` for lists, with
`trio` for commands that follow a job. `run` is timed to the moment at which its first step runs, `serve` to the line
that says where it listens, against the import of its stack. All run in turn, each round all of them. Beside times,
what must not be imported is not: that tells on a noisy machine, too, which line made a command slow.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from bench.homes import PATIENCE, QUAERO, Home, ending, environment, new_home
from bench.verdict import Fact, Figure, Ratio, Result, median

_ROUNDS = 15
_SMOKE_ROUNDS = 3

HELP, PLAIN, LOOP, RUN = "import typer", "import typer, rich", "import typer, rich, trio", "import trio, typer"
STACK = "import typer, trio, quart_trio, hypercorn.trio, h11, orjson, pysqlite3"
NOTHING = "pass"
# To the first step: a child that says when it runs. Where it writes is a word of its own, so that any path will do.
_FIRST_STEP = '[step.first]\ntype = "shell"\ncommand = "date +%s.%N >first-step"\n'
FIRST_STEP_TARGET = 2.0
LISTENS_TARGET = 1.5
_TO_FIRST_STEP, _TO_LISTENING = "quaero run, to its first step", "quaero serve, until it listens"
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
    # The contract is twice the floor with rich; without rich there is less to wait for.
    Command(("--version",), HELP, 1.3, HEAVY | {"rich", "typer"}),
    Command(("--help",), HELP, 1.3, HEAVY | {"rich", "pysqlite3"}),
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
        for name, floor, target in (
            (_TO_FIRST_STEP, RUN, FIRST_STEP_TARGET), (_TO_LISTENING, STACK, LISTENS_TARGET),
        ):  # fmt: skip
            result.ratios.append(
                Ratio(name, f'python -c "{floor}"', median(seconds[name]) * 1000, median(seconds[floor]) * 1000, "ms",
                      target)
            )  # fmt: skip
        result.figures.append(Figure("python that does nothing", median(seconds[NOTHING]) * 1000, "ms"))
    return result


def _time(home: Home, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each run by the command's or the floor's name."""
    runs: dict[str, Callable[[], float]] = {
        code: partial(_seconds, home, [sys.executable, "-c", code], {})
        for code in (HELP, PLAIN, LOOP, RUN, STACK, NOTHING)
    }
    for command in COMMANDS:
        runs[command.name] = partial(_seconds, home, [*QUAERO, *command.words], command.asked)
    runs[_TO_FIRST_STEP] = partial(_to_first_step, home, home.define("first", _FIRST_STEP))
    runs[_TO_LISTENING] = partial(_to_listening, home)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            taken = run()
            if number:  # the first round fills the caches of disk and byte code
                seconds[name].append(taken)
    return seconds


def _to_first_step(home: Home, path: str) -> float:
    """Run a job, and return how long it took until its step ran."""
    began = time.time()
    _seconds(home, [*QUAERO, "run", path], {})
    return float((home.folder / "first-step").read_text()) - began


def _to_listening(home: Home) -> float:
    """Serve until the address is told, and return how long that took."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [*QUAERO, "serve", "--port", "0"],
        cwd=home.folder,
        env=environment(home.data),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with ending(child):
        assert child.stdout is not None
        if not child.stdout.readline():
            raise RuntimeError("quaero serve did not listen")
        taken = time.perf_counter() - began
        child.terminate()
        child.wait(PATIENCE)
    return taken


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
