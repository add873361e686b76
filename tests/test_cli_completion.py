"""Completion, asked as each shell asks: what Tab offers, quickly, silently, and for the right home."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shells import PATIENCE, Shell

BIN = Path(sys.executable).parent
STEPS = """
    [step.build]
    type = "shell"
    command = "exit 3"
    [step.ship]
    type = "shell"
    command = "true"
"""


def offered(shell: Shell, line: str, name: str = "bash") -> list[str]:
    """Return what is offered for the last word of `line`, which may be empty, as that shell asks for it."""
    words = line.split(" ")
    if name == "bash":
        asked = {"_QUAERO_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    else:
        asked = {"_QUAERO_COMPLETE": "complete_fish", "_TYPER_COMPLETE_ARGS": line,
                 "_TYPER_COMPLETE_FISH_ACTION": "get-args"}  # fmt: skip
    shell.extra |= asked
    try:
        done = shell.run()
    finally:
        for key in asked:
            del shell.extra[key]
    assert done.stderr == ""
    return [each.split("\t")[0] for each in done.stdout.splitlines() if each]


@pytest.mark.parametrize("name", ["bash", "fish"])
def test_tab_knows_what_there_is(shell, name):
    """Eight letters of an ID, and the name of a step in a file that is not open, are not what people remember."""
    path = shell.define("broken", STEPS)
    (shell.folder / "jobdefs").mkdir()
    (shell.folder / "jobdefs" / "nightly.toml").write_text(STEPS)
    shell.run("run", "hello")
    shell.run("run", path, code=1)
    broken, hello = [job["id"] for job in shell.json("jobs")]

    def tab(line: str) -> list[str]:
        return offered(shell, line, name)

    assert tab("quaero ru") == ["run"]
    assert {"nightly", "hello", "news-crawler"} <= set(tab("quaero run "))
    assert tab("quaero run nig") == ["nightly"]
    assert tab("quaero check nig") == ["nightly"]
    assert tab("quaero run nightly --step ") == ["build", "ship"]
    assert tab(f"quaero run {path} --step s") == ["ship"]
    assert set(tab("quaero tail ")) == {"last", broken, hello, "broken", "hello"}
    assert tab("quaero show la") == ["last"]
    assert tab(f"quaero cancel {broken[:5]}") == [broken]
    assert broken not in tab(f"quaero cancel {broken} ")
    assert tab("quaero tail broken --step ") == ["build", "ship"]
    assert tab("quaero tail last --level ") == ["debug", "info", "warn", "error"]
    assert tab("quaero jobs --status f") == ["failed"]
    assert tab("quaero jobs --definition nig") == ["nightly"]
    assert tab("quaero steps py") == ["python"]
    assert "--params" in tab("quaero run --par")


def test_tab_looks_into_the_home_that_is_typed(shell):
    """Jobs of another data directory would be offered, and not be found afterwards."""
    shell.run("run", "hello", "--home", "other")
    (job,) = shell.json("jobs", "--home", "other")
    for line in ("quaero --home other show ", "quaero show --home other "):
        assert job["id"] in offered(shell, line)
    assert offered(shell, "quaero show ") == ["last"]


def test_tab_is_silent_about_everything_that_is_wrong(shell):
    """Half a traceback would stand in the line that is being typed."""
    shell.home.write_text("no directory")
    assert offered(shell, "quaero show ") == ["last"]
    assert offered(shell, "quaero tail x --step ") == []
    (shell.folder / "quaero.toml").write_text("nonsense")
    (shell.folder / "bad.toml").write_text("[[[")
    assert offered(shell, "quaero run hel") == []
    assert offered(shell, "quaero run bad.toml --step ") == []


def script(shell: Shell, name: str) -> str:
    """Return the completion script of a shell, as `--show-completion` prints it there."""
    shell.extra |= {"_QUAERO_COMPLETE": f"source_{name}"}
    try:
        return shell.run().stdout
    finally:
        del shell.extra["_QUAERO_COMPLETE"]


def _in(shell: Shell, program: str, code: str) -> str:
    environment = {**shell.environment(), "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        [program, "-c", code], env=environment, cwd=shell.folder, capture_output=True, text=True, check=True,
        timeout=PATIENCE,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


def test_bash_itself_completes(shell):
    """The script would be printed, and not work."""
    asked = 'COMP_WORDS=(quaero run hel) COMP_CWORD=2\n_quaero_completion quaero\necho "${COMPREPLY[@]}"'
    assert _in(shell, "bash", f"{script(shell, 'bash')}\n{asked}").split() == ["hello"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_itself_completes(shell):
    """The script would be printed, and not work."""
    code = script(shell, "fish") + "\ncomplete -C 'quaero run hel'"
    assert _in(shell, "fish", code).split() == ["hello"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_itself_completes(shell):
    """The script would be printed, and not work. (What zsh is handed is looked at, not its menu: that needs keys.)"""
    asked = '_arguments() { print -r -- "$*" }; compdef() { : }; words=(quaero run hel); CURRENT=3\n'
    body = script(shell, "zsh").replace("#compdef quaero", "")
    assert "hello" in _in(shell, "zsh", f"{asked}{body}\n_quaero_completion")
