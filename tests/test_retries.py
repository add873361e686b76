"""Retries: when a failed step is tried again, what is told of it, and what is never tried again."""

import pytest
import trio

from quaero_cli.engine.attempts import pause_after
from quaero_cli.jobdef.model import Retries
from quaero_cli.model import Level, LogLine, Status, StepChanged, WorkerChanged


def warnings(stage):
    return [fact for fact in stage.facts if isinstance(fact, LogLine) and fact.level == Level.WARN]


@pytest.mark.parametrize(
    ("retries", "pauses"),
    [
        (Retries(4, delay=2, backoff=3, max_delay=30), [2, 6, 18, 30, None]),
        (Retries(3, delay=1), [1, 2, 4, None]),
        (Retries(2, delay=5, backoff=1), [5, 5, None]),
        (Retries(2, delay=0), [0, 0, None]),
        (Retries(0), [None]),
        (Retries(1, delay=3600), [3600, None]),
        (None, [None]),
    ],
    ids=repr,
)
def test_pauses_grow_to_their_bound(retries, pauses):
    """A service that is down would be hammered, or be looked at again after days."""
    assert [pause_after(retries, attempt, 0.5) for attempt in range(1, len(pauses) + 1)] == pauses


def test_pauses_far_out_are_no_overflow():
    """The thousandth attempt of a patient step would end it with an error of ours."""
    assert pause_after(Retries(1000, delay=1, backoff=10.0), 900, 0) == 600
    assert pause_after(Retries(1000, delay=0, backoff=10.0), 900, 0) == 0


def test_jitter_takes_up_to_a_half():
    """Workers that failed together would all come back at the same moment."""
    retries = Retries(3, delay=8, jitter=True)
    assert [pause_after(retries, 1, draw) for draw in (0, 0.5, 1)] == [4, 6, 8]


async def test_a_step_is_tried_until_it_does_well(stage, autojump_clock):
    """A flaky network must not fail the night's job."""
    status = await stage.play("""
        [step.a]
        type = "flaky"
        failures = 2
        retries = { limit = 3, delay = "2s", backoff = 3.0 }
    """)
    assert status is Status.COMPLETED
    assert [at for _, _, at in stage.order] == pytest.approx([0, 2, 8])
    assert [line.message for line in warnings(stage)] == [
        "Attempt 1 of 4 failed: no luck 1; next in 2.0 s",
        "Attempt 2 of 4 failed: no luck 2; next in 6.0 s",
    ]
    first = warnings(stage)[0]
    assert (first.step, first.originator, first.fields) == (
        "a", "step", {"attempt": 1, "delay_s": 2.0, "error": "no luck 1"},
    )  # fmt: skip
    changes = [(str(fact.status), fact.attempt) for fact in stage.facts if isinstance(fact, StepChanged)]
    assert changes == [("running", 1), ("running", 2), ("running", 3), ("completed", 3)]


async def test_the_last_failure_is_the_steps(stage, autojump_clock):
    """The reason of a failed step would not say how often it was tried."""
    status = await stage.play("""
        [step.a]
        type = "flaky"
        failures = 9
        retries = { limit = 1, delay = "1s" }
        [step.b]
        type = "work"
        depends = "a"
    """)
    assert status is Status.FAILED
    assert stage.states() == {"a": "failed", "b": "skipped"}
    assert stage.reason("a") == "no luck 2, after 2 attempts"


async def test_a_step_without_retries_is_tried_once(stage, autojump_clock):
    """Not everything may be done twice."""
    assert await stage.play("[step.a]\ntype = 'flaky'\n") is Status.FAILED
    assert stage.tries == {"a": 1}
    assert stage.reason("a") == "no luck 1"


async def test_a_timeout_holds_for_each_attempt(stage, autojump_clock):
    """A hanging first attempt would use up the time of the second."""
    status = await stage.play("""
        [step.a]
        type = "flaky"
        failures = 0
        seconds = 3
        timeout = "2s"
        retries = { limit = 2, delay = "1s", backoff = 1.0 }
        [step.b]
        type = "flaky"
        failures = 0
        seconds = 3
        idle_timeout = "2s"
        retries = { limit = 1, delay = "1s" }
    """)
    assert status is Status.FAILED
    assert [at for name, _, at in stage.order if name == "a"] == pytest.approx([0, 3, 6])
    assert stage.reason("a") == "timed out after 2 s, after 3 attempts"
    assert stage.reason("b") == "no output for 2 s, after 2 attempts"


@pytest.mark.parametrize("end", ["cancel", "timeout", "fatal"])
@pytest.mark.parametrize("moment", [5, 15])
async def test_what_was_stopped_is_not_tried_again(stage, autojump_clock, moment, end):
    """A cancelled job would come back to life; while a step waits for its next attempt as well as while it runs."""
    run = stage.prepare(f"""
        {f"timeout = '{moment}s'" if end == "timeout" else ""}
        [step.a]
        type = "flaky"
        failures = 9
        seconds = 10
        retries = {{ limit = 5, delay = "100s" }}
        [step.b]
        type = "work"
        on_error = "fatal"
        seconds = {moment}
        fail = "{"now" if end == "fatal" else ""}"
    """)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        if end == "cancel":
            await trio.sleep(moment)
            run.cancel("cancelled on request")
    assert stage.states()["a"] == "cancelled"
    assert stage.tries == {"a": 1}
    assert stage.seconds == pytest.approx(moment)


async def test_failed_workers_of_an_attempt_that_is_done_again_do_not_count(stage, autojump_clock):
    """A step that does well in the end would fail its job for what it did before."""
    status = await stage.play("""
        [error_tolerance]
        max_child_failures = 1
        [step.a]
        type = "flaky"
        failing = 2
        retries = { limit = 1, delay = "1s" }
        [step.b]
        type = "fan"
        depends = "a"
        failing = 1
    """)
    assert status is Status.WARNING
    assert stage.states() == {"a": "completed", "b": "warning"}
    numbers = [f.number for f in stage.facts if isinstance(f, WorkerChanged) and f.step == "a" and f.status.final]
    assert sorted(numbers) == list(range(1, 9)), "the second attempt's workers have numbers of their own"


async def test_tolerated_failures_are_not_tried_again(stage, autojump_clock):
    """A crawl that bears ten dead pages would be done four times."""
    status = await stage.play("""
        [error_tolerance]
        max_child_failures = 5
        [step.a]
        type = "flaky"
        failing = 1
        retries = { limit = 3 }
    """)
    assert (status, stage.tries) == (Status.WARNING, {"a": 1})


async def test_a_service_that_breaks_is_started_again(stage, autojump_clock):
    """A server that dies once in an hour would end the job that needs it."""
    status = await stage.play("""
        [step.site]
        type = "flaky"
        service = true
        failures = 1
        seconds = 2
        after_ready = true
        retries = { limit = 1, delay = "1s" }
        [step.slow]
        type = "work"
        depends = "site"
        seconds = 10
        [step.first]
        type = "work"
        depends = "site"
        seconds = 2.5
        [step.later]
        type = "work"
        depends = ["site", "first"]
        say = "{steps.site.outputs.tries}"
    """)
    assert status is Status.COMPLETED
    assert stage.states()["site"] == "completed"
    # When `first` ended the service was down: `later` waited for its second start.
    assert stage.messages("later")[1] == "2"
