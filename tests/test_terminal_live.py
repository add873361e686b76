"""The live display, on a fake terminal that shows what a person would see."""

import io
import random
import time
from datetime import UTC

import pytest
from golden_files import check_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from livedisplay import Stage
from terminal_facts import at, counts, entry, job, logs, running, step, workers

from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.display import TICK_S
from quaero_cli.terminal.lines import LineFormat
from quaero_cli.terminal.live import LiveDisplay
from quaero_cli.terminal.palette import Paint


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 160])
def test_the_picture_stands_below_the_entries(columns):
    """A reader would not see what runs, how far it is, or what is wrong; or not on a small terminal."""
    stage = Stage(columns)
    with stage.display as display:
        display.status(running())
        display.logs(logs([entry(1, "Fetched /a.html", worker=17, fields={"status": 200}), entry(2, "Slow", "warn")]))
        stage.pass_time(1)
        assert not stage.screen.cursor_visible
        check_golden(f"live_{columns}.txt", "\n".join(stage.screen.lines()) + "\n")
    assert stage.screen.cursor_visible
    assert [line.split()[1] for line in stage.screen.lines()] == ["INFO", "WARN"]


@pytest.mark.parametrize("seed", range(5))
def test_every_entry_is_shown_once_and_in_order(seed):
    """A line would be lost, doubled or out of order where batches, statuses, notices and pictures meet."""
    chance = random.Random(seed)
    stage = Stage(chance.choice([60, 100, 160]), 20)
    number, said = 0, []
    with stage.display as display:
        for turn in range(60):
            batch = [entry(number + i, f"message {number + i}") for i in range(chance.randrange(8))]
            number += len(batch)
            if turn % 3 == 0:
                display.status(running())
            display.logs(logs(batch))
            if chance.random() < 0.1:
                display.notice(f"notice after {number}")
                said.append(f"notice after {number}")
            stage.time += chance.choice([0, 0.01, 0.06, 0.2])
            if chance.random() < 0.5:
                display.tick()
    lines = stage.screen.lines()
    assert [line.rpartition("  ")[2] for line in lines if "message" in line] == [
        f"message {i}" for i in range(number)
    ]
    assert [line for line in lines if "notice" in line] == said
    assert len(lines) == number + len(said)


@pytest.mark.parametrize("reflows", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_a_resize_leaves_nothing_behind_and_eats_nothing(seed, reflows):
    """Half-erased pictures would stay in the scrollback, or entries would be erased with them."""
    chance = random.Random(seed)
    stage = Stage(120, 40, reflows=reflows)
    number = 0
    with stage.display as display:
        display.status(running())
        for _ in range(40):
            display.logs(logs([entry(number, f"m {number}")]))
            number += 1
            stage.pass_time(0.25)
            stage.resize(chance.randrange(50, 160))
            if chance.random() < 0.3:
                stage.resize(chance.randrange(50, 160))
    assert [line.rpartition("  ")[2] for line in stage.screen.lines()] == [f"m {i}" for i in range(number)]


def test_entries_are_shown_at_once_when_idle_and_in_few_writes_under_load():
    """Either a single line would come late, or a flood of small writes would slow the caller and the terminal."""
    stage = Stage()
    with stage.display as display:
        display.status(running())
        stage.pass_time(1)
        stage.time += 0.1
        before = len(stage.writes)
        display.logs(logs([entry(1, "alone")]))
        assert len(stage.writes) == before + 1
        assert any("alone" in line for line in stage.screen.lines())
        before = len(stage.writes)
        for number in range(1000):
            stage.time += 0.001
            display.logs(logs([entry(number)]))
        stage.pass_time(TICK_S)
        assert len(stage.writes) - before <= 22


def test_pictures_are_at_most_one_a_tick():
    """A status with every entry would redraw the picture a thousand times a second."""
    stage = Stage()
    with stage.display as display:
        for number in range(400):
            stage.time += 0.01
            view = running()
            view["steps"][1]["counts"]["info"] = number
            display.status(view)
            display.tick()
    assert len(stage.writes) <= 4 / 0.11 + 2


def test_memory_is_bounded_when_nothing_ticks():
    """A flood within one instant would be kept in memory until the next tick."""
    stage = Stage()
    with stage.display as display:
        for number in range(20):
            display.logs(logs([entry(number, "x" * 40_000)]))
        assert sum(map(len, stage.writes)) > 500_000


def test_several_jobs_stand_one_below_the_other():
    """With `tail A B` it would not be clear what runs, nor how each one ended."""
    stage = Stage(many=True)
    other = {"job": job(ident="9zzqm2aa", name="Import"), "steps": [step("load", "running", at("10:33:00.000"))]}
    with stage.display as display:
        display.status(running())
        display.status(other)
        display.logs(logs([entry(1, job_id="9zzqm2aa")]))
        stage.pass_time(1)
        lines = stage.screen.lines()
        assert lines[0] == "9zzqm2aa │ 10:31:00.001 INFO  fetch [step]        Fetched"
        assert [line[2:14] for line in lines if "2xd" in line or "2aa" in line][1:] == [
            "News Crawler",
            "Import  9zzq",
        ]
        display.status({"job": job("completed", finished=at("10:33:20.000")), "steps": running()["steps"]})
        display.ended("7k3qm2xd", "completed", 0)
        stage.pass_time(1)
        lines = stage.screen.lines()
        assert lines[1:3] == ["✓ completed  News Crawler  7k3qm2xd  2m 34s", "  1,217 entries, 3 warnings, 1 error"]
        assert sum("7k3qm2xd" in line for line in lines) == 1
    assert len(stage.screen.lines()) == 3


def test_a_finished_job_is_only_read():
    """`tail` of an old job would flash a picture of something that does not move."""
    stage = Stage()
    with stage.display as display:
        display.status({"job": job("failed", finished=at("10:31:57.000")), "steps": []})
        display.logs(logs([entry(1)]))
        stage.pass_time(1)
        display.ended("7k3qm2xd", "failed", 1)
    assert stage.screen.lines() == [
        "10:31:00.001 INFO  fetch [step]  Fetched",
        "✗ failed  News Crawler  7k3qm2xd  1m 11s",
        "  0 entries",
    ]
    assert not any("?25" in text for text in stage.writes)


def test_a_late_notice_draws_nothing():
    """The word on a second Ctrl-C, after the display was left, would bring the picture back for good."""
    stage = Stage()
    with stage.display as display:
        display.status(running())
        stage.pass_time(1)
    stage.display.notice("killing")
    assert stage.screen.lines() == ["killing"]
    assert stage.screen.cursor_visible


def test_without_colour_there_is_none():
    """NO_COLOR would be honoured by the lines, but not by the picture."""
    stage = Stage(env={"NO_COLOR": "1"})
    with stage.display as display:
        display.status(running())
        display.logs(logs([entry(1, "x", "error")]))
        stage.pass_time(1)
    assert stage.screen.styles <= {"1", "0"}  # the word of a notice on stderr apart
    assert not stage.screen.styles


def test_hostile_text_is_only_text():
    """A step's name, an error or a message could take over the terminal, or end the display as broken markup."""
    bad = "\x1b[2J\x9b\u202e[/red]\ud800"
    stage = Stage(many=True)
    view = {
        "job": job(name=bad, error=bad),
        "steps": [step(bad, "running", text=bad, error=bad, progress=3), step("b" + bad)],
    }
    with stage.display as display:
        display.status(view)
        display.logs(logs([entry(1, bad, bad, step_name=bad, job_id=bad, fields={bad: bad})]))
        stage.pass_time(1)
        display.notice(bad)
        display.ended("7k3qm2xd", bad, 1)
    assert "\\x1b[2J\\x9b\\u202e[/red]\\ud800" in "\n".join(stage.screen.lines())


STATUSES = st.sampled_from(
    ["pending", "running", "completed", "warning", "failed", "cancelled", "skipped", "interrupted"]
)
SMALL = st.integers(0, 3000)
STEPS = st.builds(
    lambda name, status, progress, text, error, numbers, levels: step(
        name, status, at("10:30:46.000") if status != "pending" else None, progress=progress, text=text, error=error,
        workers=workers(*numbers), counts=counts(*levels),
    ),
    st.text(min_size=1, max_size=30), STATUSES, st.integers(0, 100), st.text(max_size=60), st.none() | st.text(),
    st.tuples(SMALL, SMALL, SMALL), st.tuples(SMALL, SMALL, SMALL, SMALL),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 200), st.integers(1, 60),
    st.lists(st.lists(STEPS, max_size=40, unique_by=lambda step: step["name"]), min_size=1, max_size=4),
)  # fmt: skip
def test_no_picture_is_too_large(columns, rows, jobs):
    """A line that wraps, or a picture higher than the screen, would leave pieces of itself behind."""
    stage = Stage(columns, rows, many=len(jobs) > 1)
    with stage.display as display:
        for number, steps in enumerate(jobs):
            display.status({"job": job(ident=f"job{number}", name="日本語 Job"), "steps": steps})
        stage.pass_time(TICK_S)
        assert len(stage.screen.rows) <= max(1, rows // 2)
        assert not any(row.wrapped for row in stage.screen.rows)
    assert stage.screen.lines() == []


def test_many_steps_are_folded_to_what_matters():
    """Of forty steps, those that run or failed would be out of sight."""
    stage = Stage(80, 20)
    steps = [step(f"s{number}", "completed", at("10:30:46.000"), at("10:30:47.000")) for number in range(20)]
    steps += [
        step("bad", "failed", at("10:30:47.000"), at("10:30:48.000"), error="no"),
        step("now", "running", at("10:31:00.000")),
    ]
    steps += [step(f"p{number}") for number in range(20)]
    with stage.display as display:
        display.status({"job": job(), "steps": steps})
        stage.pass_time(1)
        lines = stage.screen.lines()
    assert [line.split()[2] for line in lines[2:-1]] == ["bad", "now", "p0", "p1", "p2", "p3", "p4"]
    assert lines[-1] == "╰─ … 35 more steps: 20 completed, 15 pending"


def test_a_flood_costs_little_more_than_its_lines():
    """Ten thousand entries a second would slow down the job they come from."""
    batches = [logs([entry(n, f"Fetched /{n}.html", worker=n % 50, fields={"status": 200}) for n in range(s, s + 50)])
               for s in range(0, 50_000, 50)]  # fmt: skip
    view = running()

    def plainly():
        sink, form = io.StringIO(), LineFormat(Paint(color=True), clock="local", tz=UTC)
        start = time.thread_time()
        for batch in batches:
            sink.write(form.batch(batch["logs"]))
        return time.thread_time() - start

    def live():
        sink = io.StringIO()
        terminal = Terminal(sink, {"COLUMNS": "120", "LINES": "40"}, tty=True)
        with LiveDisplay(terminal, terminal, tz=UTC) as display:
            start = time.thread_time()
            for batch in batches:
                display.status(view)
                display.logs(batch)
                display.tick()
            took = time.thread_time() - start
        assert sink.getvalue().count("Fetched /") == 50_000
        return took

    live()  # Rich is imported by the first picture
    assert any(live() < 2 * plainly() for _ in range(6)), "other work disturbs one measurement, and not six"
