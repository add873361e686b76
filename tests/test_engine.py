"""How a job runs: its steps in order, their failures, their workers, their services; what is told of them."""

import pytest

from quaero_cli.model import LogLine, Status, WorkerChanged


async def test_steps_run_in_the_order_of_what_they_depend_on(stage, autojump_clock):
    """Independent steps run at the same time, dependents after them."""
    status = await stage.play("""
        [step.last]
        type = "work"
        depends = ["a", "b"]
        [step.a]
        type = "work"
        seconds = 2
        [step.b]
        type = "work"
        seconds = 1
    """)
    assert status is Status.COMPLETED
    assert sorted(stage.order[:2]) == ["a begins", "b begins"]
    assert stage.order[2:] == ["b ends", "a ends", "last begins", "last ends"]
    assert stage.seconds >= 2


async def test_every_status_says_whose_it_is(stage, autojump_clock):
    """A line `Status changed: running` without a subject helps nobody."""
    await stage.play("""
        name = "News"
        [step.a]
        type = "work"
    """)
    assert stage.messages() == ["Status changed: running (job: News)", "Status changed: completed (job: News)"]
    assert stage.messages("a") == [
        "Status changed: running (step: a, type: work)", "Status changed: completed (step: a, type: work)",
    ]  # fmt: skip


async def test_a_failed_step_fails_its_job_and_skips_what_depends_on_it(stage, autojump_clock):
    """Green lies are the worst a job runner can tell."""
    status = await stage.play("""
        [step.a]
        type = "work"
        fail = "no such table"
        [step.b]
        type = "work"
        depends = "a"
        [step.c]
        type = "work"
        seconds = 5
        [step.clean]
        type = "work"
        depends = "b"
        always_run = true
    """)
    assert status is Status.FAILED
    assert stage.states() == {"a": "failed", "b": "skipped", "c": "completed", "clean": "completed"}
    assert stage.job_error() == "step a failed: no such table"


async def test_what_step_code_raises_harms_only_its_own_step(stage, autojump_clock):
    """A `sys.exit` in a worker, or whatever else is no Exception, would end a server with all its jobs."""
    text = "[step.a]\ntype = 'leave'\n[step.b]\ntype = 'lose_workers'\n[step.c]\ntype = 'work'\nseconds = 1\n"
    assert await stage.play(text) is Status.FAILED
    assert stage.states() == {"a": "failed", "b": "failed", "c": "completed"}
    assert (stage.reason("a"), stage.reason("b")) == ("KeyboardInterrupt", "2 workers failed")


async def test_on_error_continue_lets_dependents_run_and_tells_of_it(stage, autojump_clock):
    """Tolerated is not completed."""
    status = await stage.play("""
        [step.a]
        type = "crash"
        on_error = "continue"
        [step.b]
        type = "work"
        depends = "a"
    """)
    assert status is Status.WARNING
    assert stage.states() == {"a": "failed", "b": "completed"}
    failed = next(f for f in stage.facts if isinstance(f, LogLine) and f.message.startswith("Status changed: failed"))
    assert failed.fields["error"] == "ValueError: oops"
    assert 'raise ValueError("oops")' in failed.fields["traceback"]


async def test_on_error_fatal_stops_everything_but_clean_up(stage, autojump_clock):
    """`fatal` is for when going on would do harm."""
    status = await stage.play("""
        [step.a]
        type = "work"
        seconds = 1
        fail = "disk is gone"
        on_error = "fatal"
        [step.b]
        type = "work"
        seconds = 100
        [step.c]
        type = "work"
        depends = "b"
        [step.clean]
        type = "work"
        depends = "c"
        always_run = true
    """)
    assert status is Status.FAILED
    assert stage.states() == {"a": "failed", "b": "cancelled", "c": "skipped", "clean": "completed"}
    assert stage.seconds < 10


async def test_workers_run_at_most_so_many_at_once(stage, autojump_clock):
    """`concurrency` is a promise to whoever is at the other end."""
    await stage.play("""
        [step.a]
        type = "fan"
        count = 7
        concurrency = 3
    """)
    running = most = 0
    for fact in stage.facts:
        if isinstance(fact, WorkerChanged):
            running += (fact.status is Status.RUNNING) - fact.status.final
            most = max(most, running)
    assert most == 3
    assert stage.seconds == pytest.approx(3)


@pytest.mark.parametrize(
    ("tolerance", "step", "job"),
    [
        ("", "failed", "failed"),
        ("max_child_failures = 0", "failed", "failed"),
        ("max_child_failures = 2", "warning", "warning"),
        ("max_child_failures = 1", "failed", "failed"),
        ("max_child_failures = 1\nfailure_action = 'mark_warning'", "warning", "warning"),
        ("max_child_failures = 1\nfailure_action = 'stop_all'", "cancelled", "failed"),
    ],
)
async def test_failed_workers_are_judged_by_the_tolerance(stage, autojump_clock, tolerance, step, job):
    """A step with failed workers is never just completed."""
    table = f"[error_tolerance]\n{tolerance}" if tolerance else ""
    status = await stage.play(f"{table}\n[step.a]\ntype = 'fan'\ncount = 6\nfailing = 2\n")
    assert (stage.states()["a"], str(status)) == (step, job)


async def test_a_service_runs_while_it_is_needed(stage, autojump_clock):
    """The demo site is up before the crawl begins, and gone after it."""
    status = await stage.play("""
        [step.site]
        type = "service"
        service = true
        [step.use]
        type = "work"
        depends = "site"
        say = "{steps.site.outputs.url}"
        seconds = 3
    """)
    assert status is Status.COMPLETED
    assert stage.states() == {"site": "completed", "use": "completed"}
    assert "http://x/" in stage.messages("use")
    assert stage.seconds == pytest.approx(4)


async def test_a_service_that_ends_by_itself_fails_the_job(stage, autojump_clock):
    """What needs it would wait for ever."""
    status = await stage.play("""
        [step.site]
        type = "service"
        service = true
        works = false
        [step.use]
        type = "work"
        depends = "site"
    """)
    assert status is Status.FAILED
    assert stage.states() == {"site": "failed", "use": "skipped"}


async def test_max_parallel_steps_bounds_what_runs_at_once(stage, autojump_clock):
    """A laptop is not to start twenty steps at once."""
    text = "max_parallel_steps = 2\n" + "".join(f"[step.s{n}]\ntype = 'work'\nseconds = 1\n" for n in range(6))
    assert await stage.play(text) is Status.COMPLETED
    assert stage.seconds == pytest.approx(3)


async def test_a_traceback_shows_the_authors_own_lines(stage, autojump_clock):
    """38 lines of our nurseries around one line of theirs help nobody."""
    await stage.play("[step.a]\ntype = 'crash'\n")
    failed = next(f for f in stage.facts if isinstance(f, LogLine) and f.message.startswith("Status changed: failed"))
    text = failed.fields["traceback"]
    assert "ValueError: oops" in text
    assert "Nursery" not in text
    assert text.count("File ") == 1
