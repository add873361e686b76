"""What the engine promises as a whole, with real step types on a virtual clock: counts, tolerance, cancel, order."""

from collections import Counter
from pathlib import Path

import pytest
import trio
from stage import Stage

from quaero_cli.errors import DefinitionError
from quaero_cli.model import JobChanged, Level, LogLine, Status, StepChanged, WorkerChanged
from quaero_cli.steps.registry import load_step_types

JOBDEFS = Path(__file__).resolve().parent.parent / "jobdefs"


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path, more_types=load_step_types())


async def test_the_generator_writes_exactly_what_it_says(stage, autojump_clock):
    """A load test could not tell a lost entry from one that was never written."""
    await stage.play((JOBDEFS / "test-job-generator.toml").read_text())
    lines = [fact for fact in stage.facts if isinstance(fact, LogLine) and fact.worker is not None]
    assert Counter(line.step for line in lines if line.level >= Level.INFO) == {
        "fast_generator": 265, "high_volume_generator": 3609, "slow_generator": 606, "recursive_generator": 204,
    }  # fmt: skip
    workers = {(fact.step, fact.number) for fact in stage.facts if isinstance(fact, WorkerChanged)}
    assert len(workers) == 25
    assert stage.job_status() in ("completed", "warning"), "its own tolerance bears what fails on purpose"


TOLERANT = """
    [error_tolerance]
    max_child_failures = 5
    failure_action = "{action}"
    [step.load]
    type = "test_job_generator"
    worker_count = 20
    log_count = 4
    log_delay_ms = 100
    failure_rate = 0.8
    child_count = 0
    seed = 3
    on_error = "{on_error}"
    concurrency = 4
    [step.after]
    type = "test_job_generator"
    depends = "load"
    worker_count = 1
    failure_rate = 0
    child_count = 0
    log_count = 1
"""


@pytest.mark.parametrize(
    ("action", "on_error", "steps", "job"),
    [
        ("stop_all", "fail", ("cancelled", "skipped"), "failed"),
        ("stop_all", "continue", ("cancelled", "skipped"), "failed"),
        ("continue", "fail", ("failed", "skipped"), "failed"),
        ("continue", "continue", ("failed", "completed"), "warning"),
        ("mark_warning", "fail", ("warning", "completed"), "warning"),
    ],
)
async def test_twenty_workers_of_which_most_fail(stage, autojump_clock, action, on_error, steps, job):
    """Green for a job that lost sixteen of twenty workers, or red for one that says it bears them."""
    status = await stage.play(TOLERANT.format(action=action, on_error=on_error))
    assert str(status) == job == stage.job_status()
    assert (stage.states()["load"], stage.states()["after"]) == steps
    ended = Counter(stage.workers("load").values())
    if action == "stop_all":
        assert ended["failed"] == 6, "it stops at the very worker that is one too many"
        assert ended["cancelled"] >= 10
        assert "6 workers failed, 5 are tolerated" in (stage.job_error() or "")
    else:
        assert ended["cancelled"] == 0
        assert ended["failed"] > 5
        assert sum(ended.values()) == 20


async def test_workers_that_end_in_the_same_moment_stop_at_the_one_too_many(stage, autojump_clock):
    """Without a bound all twenty work at one pace: all of them had ended before the stop was heard."""
    text = TOLERANT.format(action="stop_all", on_error="fail").replace("concurrency = 4", "")
    # All of them fail: of those that succeed, any number may come before the sixth failure.
    assert await stage.play(text.replace("failure_rate = 0.8", "failure_rate = 1")) is Status.FAILED
    assert stage.states()["load"] == "cancelled"
    assert Counter(stage.workers("load").values()) == {"failed": 6, "cancelled": 14}


async def test_a_cancel_in_the_second_of_four_steps(stage, autojump_clock):
    """The origin's cancelled jobs went on with their third step, and came back as completed."""
    step = """
        [step.s{0}]
        type = "test_job_generator"
        {1}
        worker_count = 5
        log_count = 20
        log_delay_ms = 500
        failure_rate = 0
        child_count = 2
    """
    second_runs = trio.Event()

    def emit(fact):
        stage.facts.append(fact)
        if isinstance(fact, StepChanged) and (fact.step, fact.status) == ("s2", Status.RUNNING):
            second_runs.set()

    text = "".join(step.format(n, f'depends = "s{n - 1}"' if n > 1 else "") for n in (1, 2, 3, 4))
    run = stage.prepare(text, emit=emit)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await second_runs.wait()
        await trio.sleep(1.2)
        cancelled_at, told = trio.current_time(), len(stage.facts)
        run.cancel("cancelled on request")
    assert trio.current_time() - cancelled_at < 1
    assert stage.states() == {"s1": "completed", "s2": "cancelled", "s3": "skipped", "s4": "skipped"}
    assert stage.job_status() == "cancelled"
    assert set(stage.workers("s2").values()) == {"cancelled"}
    after = [fact for fact in stage.facts[told:] if isinstance(fact, LogLine)]
    assert not [line for line in after if line.worker is not None], "no worker says anything more"
    assert not [fact for fact in stage.facts if isinstance(fact, LogLine) and fact.step in ("s3", "s4")]
    assert isinstance(stage.facts[-1], JobChanged)


async def test_the_middle_of_a_diamond_runs_at_the_same_time(stage, autojump_clock):
    """Two imports of an hour each would take two hours."""
    await stage.play("""
        [step.top]
        type = "work"
        seconds = 1
        [step.left]
        type = "work"
        depends = "top"
        seconds = 10
        [step.right]
        type = "work"
        depends = "top"
        seconds = 10
        [step.bottom]
        type = "work"
        depends = ["left", "right"]
        seconds = 1
    """)
    assert stage.seconds == pytest.approx(12)
    assert set(stage.order[2:4]) == {"left begins", "right begins"}
    assert stage.order[-2:] == ["bottom begins", "bottom ends"]


async def test_a_cycle_is_refused_with_its_names(stage):
    """Whoever wrote forty steps would look for the two that wait for each other."""
    text = "".join(f"[step.{name}]\ntype = 'work'\ndepends = '{other}'\n" for name, other in ("ab", "bc", "ca", "da"))
    with pytest.raises(DefinitionError, match="the steps wait for each other: a -> b -> c -> a"):
        stage.prepare(text)


async def test_a_skipped_step_ends_at_once(stage, autojump_clock):
    """It would be pending for as long as the job runs, though nothing can start it any more."""
    moments = {}

    def emit(fact):
        if isinstance(fact, StepChanged):
            moments[fact.step, str(fact.status)] = stage.seconds
        stage.facts.append(fact)

    status = await stage.play(
        """
        [step.a]
        type = "work"
        seconds = 1
        fail = "no"
        [step.b]
        type = "work"
        depends = "a"
        [step.c]
        type = "work"
        depends = "b"
        [step.unwanted]
        type = "work"
        condition = ""
        [step.long]
        type = "work"
        seconds = 100
        """,
        emit=emit,
    )
    assert status is Status.FAILED
    assert moments["b", "skipped"] == moments["c", "skipped"] == pytest.approx(1)
    assert moments["unwanted", "skipped"] == 0
    assert moments["long", "completed"] == pytest.approx(100)
