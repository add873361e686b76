"""The displays without a region, and the choice between displays."""

import io
import subprocess
import sys

import pytest
from terminal_facts import at, entry, failed, job, logs, running, step

from quaero_cli.stream.events import Gap
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.display import choose_mode, open_display


def opened(mode, **options):
    out, err = io.StringIO(), io.StringIO()
    return out, err, open_display(mode=mode, out=Terminal(out, {}), err=Terminal(err, {}), **options)


def test_stdout_has_entries_and_nothing_else():
    """`quaero run | wc -l` would count words of ours."""
    out, err, display = opened("plain")
    with display:
        display.status({**running(), "job": job(finished=at("10:33:20.000"))})
        display.logs(logs([entry(1, "one"), entry(2, "two")]))
        display.notice("said\n\x1b[2J")
        display.gap(Gap(None, 1, 2, 2, "lag", 2))
        display.tick()
        display.ended("7k3qm2xd", "completed", 0)
    assert out.getvalue().count("\n") == 2
    assert err.getvalue().splitlines() == [
        "said",
        "\\x1b[2J",
        "2 entries not shown: the reader was too far behind",
        "✓ completed  News Crawler  7k3qm2xd  2m 34s",
        "  1,217 entries, 3 warnings, 1 error",
    ]


def test_steps_that_end_badly_are_told_once():
    """With `--level error` a skipped or failed step would go unnoticed; told at each status, it would be noise."""
    _, err, display = opened("plain", many=True)
    before, after = failed(), failed()
    before["steps"][1] = step("fetch", "running", at("10:30:45.600"))
    before["steps"][2] = step("index")
    views = [{"job": job(), "steps": view["steps"]} for view in (before, after, after)]
    ended = {"job": job("failed", finished=at("10:31:57.000"), error="step fetch failed"), "steps": after["steps"]}
    with display:
        for view in (*views, ended):
            display.status(view)
        display.ended("7k3qm2xd", "failed", 1)
    assert err.getvalue().splitlines() == [
        "7k3qm2xd step fetch failed after 1m 10s: 3 of 108 workers failed, none is tolerated:"
        " ConnectError: all attempts to connect to 127.0.0.1:1 failed",
        "7k3qm2xd step index skipped",
        "✗ failed  News Crawler  7k3qm2xd  1m 11s",
        "  1,331 entries, 30 warnings, 9 errors",
        "  step fetch failed",
    ]


def test_the_summary_of_run_is_not_said_twice():
    """`run` would tell the end of the job two times."""
    _, err, display = opened("plain", announce_end=False)
    with display:
        display.status(running())
        display.ended("7k3qm2xd", "failed", 1)
    assert err.getvalue() == ""


def test_quiet_is_quiet_but_not_deaf():
    """`--quiet` would show entries, or swallow the word that says what Ctrl-C did."""
    out, err, display = opened("quiet")
    with display:
        display.status(running())
        display.logs(logs([entry(1)]))
        display.notice("cancelling")
        display.ended("7k3qm2xd", "failed", 1)
    assert (out.getvalue(), err.getvalue()) == ("", "cancelling\n")


def test_raw_is_what_was_logged():
    """`--raw` would not give back what a child wrote."""
    out, _, display = opened("raw")
    with display:
        display.logs(logs([entry(1, "\x1b[31mred"), entry(2, "a\nb")]))
    assert out.getvalue() == "\x1b[31mred\na\nb\n"


@pytest.mark.parametrize("mode", ["plain", "json", "raw", "live"])
def test_a_reader_that_has_gone_is_the_callers_business(mode):
    """`run | head` must be able to go on with the job: the error may neither be hidden nor changed."""
    import os

    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        out = Terminal(stream, {"COLUMNS": "80"})
        display = open_display(mode=mode, out=out, err=Terminal(io.StringIO(), {}))
        with pytest.raises(BrokenPipeError):
            display.logs(logs([entry(1)]))


def test_the_mode_is_what_was_asked_for_or_what_the_terminal_can():
    """A live region would be drawn into a pipe."""
    pipe, screen = Terminal(io.StringIO(), {}), Terminal(io.StringIO(), {}, tty=True)
    dumb = Terminal(io.StringIO(), {"TERM": "dumb"}, tty=True)
    assert [choose_mode(t) for t in (pipe, screen, dumb)] == ["plain", "live", "plain"]
    assert [choose_mode(screen, json=True), choose_mode(screen, raw=True), choose_mode(screen, quiet=True)] == [
        "json",
        "raw",
        "quiet",
    ]


def test_rich_is_not_imported_without_a_live_region():
    """Every list, pipe and CI run would start 40 ms later."""
    code = (
        "import sys, quaero_cli.terminal.display, quaero_cli.terminal.plain, quaero_cli.terminal.ndjson,"
        " quaero_cli.terminal.tables, quaero_cli.terminal.summary, quaero_cli.terminal.live;"
        " sys.exit(any(m.split('.')[0] in ('rich', 'trio') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
