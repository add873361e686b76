"""Long pages in a pager, and `jobs --watch`: what a person at a terminal gets, and nobody else."""

import os
import sys

import fixedstore
import pytest
from ptys import on_a_terminal
from shells import PATIENCE, Shell, first_job, until_says

PAGER = """
import os, sys
text = sys.stdin.read()
open("paged", "w").write(text)
print("PAGED", os.environ.get("LESS"), len(text.splitlines()))
"""
SLEEPER = "[step.a]\ntype = 'shell'\ncommand = 'echo up; exec sleep 600'\n"


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "pager.py").write_text(PAGER)
    return Shell(tmp_path, extra={"PAGER": f"{sys.executable} pager.py", "LESS": ""})


def test_what_fits_is_written_and_what_does_not_is_paged(shell):
    """A list of two would need a key to be left, or the top of a long one would be gone."""
    shell.run("run", "hello")
    with on_a_terminal(shell, "jobs", rows=20) as terminal:
        assert terminal.wait() == 0
    assert not (shell.folder / "paged").exists()
    with on_a_terminal(shell, "steps", "crawler", rows=10) as terminal:
        assert terminal.wait() == 0
    assert "PAGED" in terminal.raw
    assert "start_urls" in (shell.folder / "paged").read_text()
    assert "start_urls" not in terminal.raw


@pytest.mark.parametrize("words", ["search fetched", "docs", "docs search harbour", "docs show 1"])
def test_what_was_found_is_paged(shell, words):
    """The best hits and the head of an article would have left the screen before anybody could read them."""
    fixedstore.make(shell.home)
    with on_a_terminal(shell, *words.split(), rows=3) as terminal:
        assert terminal.wait() == 0
    assert "PAGED" in terminal.raw
    text = (shell.folder / "paged").read_text()
    assert "Harbour" in text or "Fetched" in text


@pytest.mark.parametrize("variables", [{"NO_PAGER": "1"}, {"PAGER": ""}, {"PAGER": "cat"}, {"PAGER": "no-such-pager"},
                                       {"PAGER": "'"}, {"TERM": "dumb"}])  # fmt: skip
def test_there_are_ways_to_have_none(shell, variables):
    """A page would be lost with a pager that is not there, or hold up who wants none."""
    shell.extra |= variables
    with on_a_terminal(shell, "steps", "crawler", rows=10) as terminal:
        assert terminal.wait() == 0
    assert "start_urls" in terminal.raw
    assert not (shell.folder / "paged").exists()


def test_a_pipe_is_never_paged(shell):
    """`quaero jobs | grep` would wait for a key that nobody presses."""
    assert "start_urls" in shell.run("steps", "crawler").stdout
    assert not (shell.folder / "paged").exists()


def test_a_pager_that_is_left_early_is_no_failure(shell):
    """Whoever has seen enough would be told of a broken pipe."""
    shell.extra["PAGER"] = "true"
    for _ in range(6):
        shell.run("run", "hello", "-q")
    with on_a_terminal(shell, "jobs", rows=5) as terminal:
        assert terminal.wait() == 0
    assert "rror" not in terminal.raw


def test_watched_jobs_change_in_place(shell):
    """A list that is called again and again by hand."""
    shell.run("run", "hello")
    with on_a_terminal(shell, "jobs", "--watch", rows=12) as terminal:
        terminal.until("Ctrl-C ends watching")
        runner = shell.start("run", shell.define("sleeper", SLEEPER), "--json")
        job = first_job(runner)
        until_says(runner, '"message":"up"')
        terminal.until("running")
        assert not terminal.echoes()
        shell.run("cancel", job)
        terminal.until("cancelled")
        terminal.type("\x03")
        assert terminal.wait() == 0
    runner.communicate(timeout=PATIENCE)
    lines = terminal.screen.lines()
    assert [line.split()[0] for line in lines[:3]] == ["ID", job, shell.json("jobs")[1]["id"]]
    assert len(lines) == 4
    assert terminal.screen.cursor_visible


def test_many_watched_jobs_stay_on_the_screen(shell):
    """A picture that is longer than the screen scrolls, and leaves a copy each time."""
    for _ in range(9):
        shell.run("run", "hello", "-q")
    with on_a_terminal(shell, "jobs", "--watch", rows=8, columns=60) as terminal:
        terminal.until("Ctrl-C")
        terminal.until("\x1b[?2026l")
        terminal.type("\x03")
        assert terminal.wait() == 0
    assert len(terminal.screen.lines()) == 7


def test_watching_needs_a_terminal(shell):
    """A script would hang, or get a file that never ends."""
    assert "--watch" in shell.run("jobs", "--watch", code=2).stderr
    assert "--watch" in shell.run("jobs", "--watch", "--json", code=2).stderr
    with on_a_terminal(
        shell, "jobs", "--watch", "--definition", "nope"
    ) as terminal:  # nor is there anything to watch
        assert terminal.wait() == 4


def test_less_is_asked_to_show_colours_and_to_leave_what_fits(tmp_path, monkeypatch):
    """Escape sequences would be shown as text by the pager that everybody has."""
    for name in ("LESS", "PAGER"):
        monkeypatch.delenv(name, raising=False)
    less = tmp_path / "less"
    less.write_text(f"#!{sys.executable}\n{PAGER}")
    less.chmod(0o755)
    shell = Shell(tmp_path, extra={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    with on_a_terminal(shell, "steps", "crawler", rows=10) as terminal:
        assert terminal.wait() == 0
    assert "PAGED FRX" in terminal.raw
