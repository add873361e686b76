"""How a job and its steps end: out of time, silent, cancelled; what cleans up then, and that this is the end."""

import pytest
import trio
import trio.testing

from quaero_cli.jobdef.model import StepType
from quaero_cli.model import JobChanged, Status, WorkerChanged


async def test_a_step_out_of_time_fails_with_the_reason(stage, autojump_clock):
    """A hanging step must not hang the job."""
    status = await stage.play("""
        [step.a]
        type = "work"
        seconds = 100
        timeout = "2s"
    """)
    assert status is Status.FAILED
    assert stage.reason("a") == "timed out after 2 s"


async def test_a_silent_step_fails(stage, autojump_clock):
    """`idle_timeout` finds what still lives but does nothing."""
    status = await stage.play("""
        [step.a]
        type = "work"
        say = "hello"
        seconds = 100
        idle_timeout = "3s"
    """)
    assert status is Status.FAILED
    assert stage.reason("a") == "no output for 3 s"


async def test_a_job_out_of_time_fails_and_ends_its_steps(stage, autojump_clock):
    """The timeout of the whole job holds for all of its steps."""
    status = await stage.play("""
        timeout = "5s"
        [step.a]
        type = "work"
        seconds = 100
        [step.b]
        type = "work"
        depends = "a"
    """)
    assert status is Status.FAILED
    assert stage.states() == {"a": "cancelled", "b": "skipped"}
    assert stage.job_error() == "timed out after 5 s"


async def test_a_cancelled_job_stays_cancelled_and_starts_nothing_more(stage, autojump_clock):
    """The origin's cancelled jobs came back to life as completed."""
    run = stage.prepare("""
        [step.a]
        type = "fan"
        count = 5
        seconds = 100
        [step.b]
        type = "work"
        depends = "a"
    """)
    ended = []
    async with trio.open_nursery() as nursery:

        async def play():
            ended.append(await run.run())

        nursery.start_soon(play)
        await trio.sleep(1)
        run.cancel("cancelled on request")
    assert ended == [Status.CANCELLED]
    assert stage.states() == {"a": "cancelled", "b": "skipped"}
    workers = {fact.number: str(fact.status) for fact in stage.facts if isinstance(fact, WorkerChanged)}
    assert set(workers.values()) == {"cancelled"}
    assert isinstance(stage.facts[-1], JobChanged)


async def test_nothing_is_said_after_the_end_of_the_job(stage, autojump_clock):
    """A thread that a step left behind would write below the job's last line, where no reader looks any more."""
    logs = []

    async def keep(ctx):
        logs.append(ctx.log)

    stage.prepare("[step.a]\ntype = 'crash'\n")
    stage.run._job.ground.step_types["crash"] = StepType("crash", keep)
    assert await stage.run.run() is Status.COMPLETED
    told = len(stage.facts)
    logs[0].info("late")
    assert len(stage.facts) == told


CLEANED = """
    timeout = "50s"
    [step.site]
    type = "service"
    service = true
    [step.a]
    type = "work"
    depends = "site"
    seconds = 100
    [step.b]
    type = "work"
    depends = "a"
    [step.clean]
    type = "work"
    depends = ["a", "site"]
    always_run = true
    seconds = 5
    say = "{steps.site.outputs.url}"
"""


@pytest.mark.parametrize("end", ["cancel", "timeout", "abandon"])
async def test_clean_up_runs_whatever_ended_the_job(stage, autojump_clock, end):
    """A cancelled backup must still let go of its lock; a second Ctrl-C means now."""
    run = stage.prepare(CLEANED)
    ended = []

    async def play():
        ended.append(await run.run())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        await trio.sleep(3)
        if end != "timeout":
            run.cancel("cancelled on request")
            run.cancel("cancelled again")
        if end == "abandon":
            await trio.sleep(1)
            run.abandon()
    cleaned = "cancelled" if end == "abandon" else "completed"
    assert ended == [Status.FAILED if end == "timeout" else Status.CANCELLED]
    assert stage.states() == {"site": stage.states()["site"], "a": "cancelled", "b": "skipped", "clean": cleaned}
    assert "http://x/" in stage.messages("clean")
    assert stage.reason("b").startswith(("the job is stopping", "depends on a"))
