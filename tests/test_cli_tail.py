"""The contract of `quaero tail`, sentence by sentence, with real processes."""

import json
import re
import shlex
import signal

import pytest
from livejobs import FAILING, sleeping
from shells import PATIENCE, entries, until_says


def test_tail_begins_with_a_hundred_or_as_many_as_asked_for(shell):
    """Ten thousand lines would scroll by, or the wanted one would be missing."""
    shell.run("run", shell.define("many", "[step.a]\ntype = 'shell'\ncommand = 'seq 1 300'\n"))
    assert len(entries(shell.lines("tail", "last"))) == 100
    assert len(entries(shell.lines("tail", "last", "-n", "7"))) == 7
    assert entries(shell.lines("tail", "last", "-n", "0")) == []
    whole = entries(shell.lines("tail", "last", "-n", "all"))
    assert len(whole) == 304
    assert entries(shell.lines("tail", "last", "--since", "10m", "-n", "5")) == whole[-5:]


def test_tail_narrows_by_level_step_worker_and_text(shell):
    """Each is in the contract; an ignored one would bury what is looked for."""
    generator = "type = 'test_job_generator'\nworker_count = 2\nlog_count = 20\nlog_delay_ms = 0\nfailure_rate = 0\n"
    shell.run(
        "run", shell.define("load", f"[step.a]\n{generator}child_count = 0\n[step.b]\n{generator}child_count = 0")
    )
    everything = entries(shell.lines("tail", "last", "-n", "all", "--level", "debug"))

    def tailed(*words: str) -> list[dict]:
        return entries(shell.lines("tail", "last", "-n", "all", "--level", "debug", *words))

    assert tailed("--step", "a") == [each for each in everything if each.get("step_name") == "a"]
    assert tailed("--step", "a", "--step", "b") == [each for each in everything if "step_name" in each]
    assert tailed("--worker", "b-2") == [each for each in everything if each.get("worker") == "b-2"] != []
    assert tailed("--grep", "STATUS") == [each for each in everything if "status" in each["message"].lower()]
    warned = entries(shell.lines("tail", "last", "-n", "all", "--level", "warn"))
    assert warned == [each for each in everything if each["level"] in ("warn", "error")]


def test_a_workers_entries_of_several_jobs(shell):
    """The second job's would be missing without a word."""
    generator = "type = 'test_job_generator'\nworker_count = 2\nlog_count = 2\nlog_delay_ms = 0\nfailure_rate = 0\n"
    for name in ("ann", "bob"):
        shell.run("run", shell.define(name, f"[step.load]\n{generator}child_count = 0\n"))
    found = entries(shell.lines("tail", "ann", "bob", "--worker", "load-1"))
    assert len({entry["job_id"] for entry in found}) == 2


def test_tail_goes_on_from_a_cursor(shell):
    """A script that comes back would see lines twice, or miss some."""
    runner, job = sleeping(shell)
    first = shell.run("tail", job, "--no-follow", "--show-cursor", "--json")
    (place,) = re.findall(r"^cursor: (\S+)$", first.stderr, re.MULTILINE)
    shell.run("cancel", job)
    runner.communicate(timeout=PATIENCE)
    rest = shell.lines("tail", job, "--since", place, "--level", "debug", code=3)
    seen = entries([json.loads(line) for line in first.stdout.splitlines()])
    whole = entries(shell.lines("tail", job, "-n", "all", "--level", "debug", code=3))
    assert seen + entries(rest) == whole
    assert entries(rest)


def test_the_command_that_is_printed_goes_on(shell):
    """Ctrl-C in `tail` names the way back; it would be a dead end."""
    runner, job = sleeping(shell)
    watcher = shell.start("tail", job, "--json")
    until_says(watcher, '"message":"up"')
    watcher.send_signal(signal.SIGINT)
    _, err = watcher.communicate(timeout=PATIENCE)
    assert watcher.returncode == 130
    assert "the job goes on" in err
    words = shlex.split(err.partition("Resume with: quaero ")[2])
    shell.run("cancel", job)
    runner.communicate(timeout=PATIENCE)
    assert "up" not in [entry["message"] for entry in entries(shell.lines(*words, code=3))]


def test_since_takes_ages_and_times(shell):
    """`10m` is what people type, a time is what they copy from the line they saw."""
    shell.run("run", "hello")
    whole = shell.lines("tail", "last")
    started = entries(whole)[0]["timestamp"]
    for since in ("10m", "1h30m", "2h", "1d", started, "2020-01-01", "2020-01-01T10:30:00", "00:00:00"):
        assert entries(shell.lines("tail", "last", "--since", since)) == entries(whole), since
    assert entries(shell.lines("tail", "last", "--since", "2999-01-01")) == []
    for wrong in ("yesterday", "10", "0000-1", "10mm", ""):
        assert "hint: give 10m" in shell.run("tail", "last", "--since", wrong, code=2).stderr


@pytest.mark.parametrize("timeout", ["0.3", "1", "300ms", "1s"])
def test_a_timeout_is_seconds_or_a_length(shell, timeout):
    """Every other length of time in quaero has a unit; `--timeout 10m` must not be refused."""
    runner, job = sleeping(shell)
    assert "the job goes on" in shell.run("tail", job, "--timeout", timeout, code=124).stderr
    shell.run("cancel", job)
    runner.communicate(timeout=PATIENCE)
    assert "no length of time" in shell.run("tail", job, "--timeout", "soon", code=2).stderr
    assert shell.run("tail", job, "--timeout", timeout, code=3)  # it has ended, so there is nothing to wait for


def test_tail_of_several_jobs_ends_with_the_worst_code(shell):
    """One failure among several would go unnoticed."""
    shell.run("run", "hello")
    shell.run("run", shell.define("bad", FAILING), code=1)
    events = shell.lines("tail", "hello", "bad", code=1)
    ends = {event["job_id"]: event["exit_code"] for event in events if event["event"] == "end"}
    assert sorted(ends.values()) == [0, 1]
    lines = shell.run("tail", "hello", "bad", code=1).stdout.splitlines()
    assert {line.split(" │ ")[0] for line in lines} == set(ends)


def test_raw_is_the_messages_and_nothing_else(shell):
    """`quaero tail x --raw | jq` would choke on our timestamps."""
    path = shell.define("raw", '[step.a]\ntype = \'shell\'\ncommand = ["printf", "{}\\\\n\\\\033[31mred\\\\n"]\n')
    shell.run("run", path)
    assert "\x1b[31mred\n" in shell.run("tail", "last", "--raw").stdout
    assert "\x1b" not in shell.run("tail", "last").stdout
