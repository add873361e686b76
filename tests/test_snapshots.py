"""Whole outputs: every command, at three widths, with and without colour, on a pseudo-terminal and in a pipe.

Each case is a file below `tests/snapshots/`: the command, then every different output with the ways of looking at it
that give it. Escape sequences are written `\\e[...m`. Masked are IDs and times of what runs in the test, and what
belongs to the machine (sizes, versions, free space). To accept what is printed now: `UPDATE_GOLDEN=1 pytest ...`.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fixedstore
import pytest
from documents import ROOT
from screen import Screen
from zygote import Zygote

from quaero_cli.cli.commands import COMMANDS
from quaero_cli.store.reader import open_reader

FOLDER = Path(__file__).parent / "snapshots"
WIDTHS = (60, 80, 120)
_HERE = "/tmp/qABCDEFGH"  # as long as the folders that are made
WRONG = '[step.load]\ntype = "shell"\ncommand = "true"\ntimeuot = "1m"\n'
FAILING = """\
name = "Failing"
[params.word]
default = "x"
description = "A word"
[step.get]
type = "shell"
command = "echo got {params.word}"
[step.load]
type = "shell"
depends = "get"
command = "echo loading; exit 3"
[step.report]
type = "shell"
depends = "load"
command = "echo never"
"""


@dataclass(frozen=True)
class Case:
    """A command and its exit code; `runs`: a job, so on a terminal something moves, and its last picture counts."""

    name: str
    words: str
    code: int = 0
    runs: bool = False


CASES = (
    Case("quaero", ""),
    Case("help", "--help"),
    Case("run-help", "run --help"),
    Case("mistake", "jbos", 2),
    Case("run", "run hello -p who=Ada", runs=True),
    Case("run-failing", "run failing", 1, runs=True),
    Case("run-dry-run", "run failing --dry-run"),
    Case("tail", "tail 3crawl33", 1),
    Case("tail-many", "tail 2hello22 6again66 -n all --level warn"),
    Case("tail-service", "tail --service --no-follow"),
    Case("jobs", "jobs"),
    Case("jobs-none", "jobs --status running"),
    Case("show-failed", "show 3crawl33"),
    Case("show-completed", "show 2hello22"),
    Case("cancel", "cancel 2hello22", 2),
    Case("retry", "retry 2hello22 --failed", 2),
    Case("rm", "rm 2hello22"),
    Case("prune", "prune --keep 1 --dry-run"),
    Case("defs", "defs"),
    Case("check", "check hello failing"),
    Case("check-broken", "check wrong.toml", 2),
    Case("new", "new nightly-report --type python"),
    Case("steps", "steps"),
    Case("steps-shell", "steps shell"),
    Case("logs", "logs export 3crawl33"),
    Case("search", "search fetched --level warn"),
    Case("search-nothing", "search nowhere"),
    Case("docs", "docs"),
    Case("docs-search", "docs search harbour ferry"),
    Case("docs-show", "docs show 1"),
    Case("docs-export", "docs export articles"),
    Case("db-info", "db info"),
    Case("db-check", "db check"),
    Case("db-backup", "db backup copy.db"),
    Case("db-compact", "db compact"),
    Case("token", "token"),
    Case("worker", "worker", 2),
    Case("workers", "workers"),
    Case("doctor", "doctor"),
)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as process:
        yield process


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A folder with the store and two definitions, to be copied: no run sees what another one did."""
    folder = tmp_path_factory.mktemp("template")
    fixedstore.make(folder / "home")
    (folder / "home" / "token").write_text("a" * 43)
    (folder / "home" / "token").chmod(0o600)
    (folder / "jobdefs").mkdir()
    (folder / "jobdefs" / "failing.toml").write_text(FAILING)
    (folder / "wrong.toml").write_text(WRONG)
    return folder


def ways() -> Iterator[tuple[str, dict[str, str], int | None]]:
    """Yield each way of looking at output: its name, its environment, and the terminal's columns."""
    for colour in (True, False):
        named = "colour" if colour else "plain"
        for width in WIDTHS:
            yield f"terminal {width} {named}", {} if colour else {"NO_COLOR": "1"}, width
        forced = {"FORCE_COLOR": "1"} if colour else {}
        for width in WIDTHS:
            yield f"pipe {width} {named}", {**forced, "COLUMNS": str(width)}, None
        yield f"pipe {named}", forced, None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_output_is_what_it_was(case, zygote, template):
    """A change would reach one width, or the pipe alone, and nobody would have seen it."""
    outputs: dict[str, list[str]] = {}
    for way, more, columns in ways():
        with tempfile.TemporaryDirectory(prefix="q", dir="/tmp") as place:  # always as long: paths are in tables
            folder = Path(place)
            shutil.copytree(template, folder, dirs_exist_ok=True)
            ended = zygote.run(case.words.split(), folder, _environment(folder, more), columns)
            assert ended["code"] == case.code, (way, ended)
            outputs.setdefault(_shown(case, ended, columns, folder), []).append(way)
    text = f"$ quaero {case.words}".rstrip() + f"\n(exit code {case.code})\n"
    text += "".join(f"\n=== {'; '.join(named)}\n{output}" for output, named in outputs.items())
    path = FOLDER / f"{case.name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"tests/snapshots/{path.name} differs: look at it with UPDATE_GOLDEN=1"


def _environment(folder: Path, more: dict[str, str]) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "QUAERO_HOME": str(folder / "home"),
        "QUAERO_SERVER_PORT": "9",  # where nothing serves
        "TZ": "UTC",
        "TERM": "xterm",
        **more,
    }


def test_every_command_has_a_snapshot():
    """A new command would be looked at by nobody."""
    named = set(COMMANDS)
    assert named - {case.words.split()[0] for case in CASES if case.words} == {"serve"}
    assert {path.stem for path in FOLDER.iterdir()} == {case.name for case in CASES}


def _shown(case: Case, ended: dict, columns: int | None, folder: Path) -> str:
    """Return what a person sees, with what differs from run to run masked."""
    out = ended["out"]
    if case.runs and columns:
        screen = Screen(columns, 1000)
        screen.feed(out)
        out = "".join(f"{line}\n" for line in screen.painted())
    text = _masked(case, out, folder)
    if ended["err"]:
        text += "--- stderr\n" + _masked(case, ended["err"], folder)
    return re.sub(r"\x1b(\[[\d;?]*[A-Za-z])", r"\\e\1", text)


_MACHINE = (
    (re.compile(r"quaero \d\S* on Python \d\S*"), "quaero VERSION on Python VERSION"),
    (re.compile(r"(SQLite |engine(?:\x1b\[0m)? +)3\.\d+\.\d+"), r"\1VERSION"),
    (re.compile(r"\d+(\.\d)? [kMGT]?B\b"), "SIZE"),
    (re.compile(r"(bytes(?:\x1b\[0m)? +)\d+ "), r"\1BYTES "),
)
# Of a job that runs in the test. A duration stands at the right end of its column: its blanks go with it.
_TIMES = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "TIME"),
    (re.compile(r"\d\d:\d\d:\d\d(\.\d{3})?"), "TIME"),
    (re.compile(r" +(\d+m )?\d+(\.\d)?m?s\b"), " TIME"),
)


def _masked(case: Case, text: str, folder: Path) -> str:
    patterns = _MACHINE
    if case.runs:
        (ran,) = [job["id"] for job in _jobs(folder) if job["started_at"] > "2021"]
        text = text.replace(ran, "ID")
        patterns += _TIMES
    text = text.replace(str(folder), _HERE).replace(str(ROOT), "ROOT")
    for pattern, word in patterns:
        text = pattern.sub(word, text)
    return text


def _jobs(folder: Path) -> list:
    with open_reader(folder / "home" / "quaero.db") as reader:
        return reader.list_jobs()
