"""The engine: what a definition says is what happens, and every state tells the truth.

Facts go to a list; steps are small functions of the tests (see `stage`). No thread is entered, so the clock may jump.
"""

import pytest
import trio
import trio.testing
from stage import Stage

from quaero_cli.jobdef.model import StepType
from quaero_cli.model import JobChanged, LogLine, Status, StepOutput, StepProgressed, WorkerChanged
from quaero_cli.steps.contract import StepFailed


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


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


async def test_outputs_reach_later_steps_with_their_type(stage, autojump_clock):
    """A list stays a list on its way to the next step."""
    status = await stage.play("""
        [step.a]
        type = "work"
        output = { count = 3, word = "x y" }
        [step.b]
        type = "fan"
        depends = "a"
        count = "{steps.a.outputs.count}"
    """)
    assert status is Status.COMPLETED
    assert {fact.number for fact in stage.facts if isinstance(fact, WorkerChanged)} == {1, 2, 3}
    assert next(f.outputs for f in stage.facts if isinstance(f, StepOutput)) == {"count": 3, "word": "x y"}


async def test_a_condition_that_is_not_met_skips_the_step_alone(stage, autojump_clock):
    """What comes after an optional step still runs."""
    status = await stage.play(
        """
        [params.extra]
        type = "bool"
        default = false
        [step.a]
        type = "work"
        condition = "{params.extra}"
        [step.b]
        type = "work"
        depends = "a"
        """,
        {"extra": False},
    )
    assert status is Status.COMPLETED
    assert stage.states() == {"a": "skipped", "b": "completed"}


async def test_an_option_that_cannot_be_filled_fails_its_step_with_the_reason(stage, autojump_clock):
    """A missing output must be told, not raised through the nursery."""
    status = await stage.play("""
        [step.a]
        type = "work"
        [step.b]
        type = "work"
        depends = "a"
        say = "{steps.a.outputs.missing}"
    """)
    assert status is Status.FAILED
    assert "missing" in (stage.reason("b") or "")


async def test_max_parallel_steps_bounds_what_runs_at_once(stage, autojump_clock):
    """A laptop is not to start twenty steps at once."""
    text = "max_parallel_steps = 2\n" + "".join(f"[step.s{n}]\ntype = 'work'\nseconds = 1\n" for n in range(6))
    assert await stage.play(text) is Status.COMPLETED
    assert stage.seconds == pytest.approx(3)


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


async def test_progress_is_a_number_and_a_short_text(stage, autojump_clock):
    """A float or an object would end the runner when it is stored; a long text would be sent with every status."""

    async def report(ctx):
        ctx.report(progress=33.7, text=5)
        ctx.report(progress=10**30, text="t" * 100_000)

    stage.prepare("[step.a]\ntype = 'crash'\n")
    stage.run._job.ground.step_types["crash"] = StepType("crash", report)
    assert await stage.run.run() is Status.COMPLETED
    told = [(fact.progress, fact.text) for fact in stage.facts if isinstance(fact, StepProgressed)]
    assert told == [(33, "5"), (100, "t" * 500)]


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


async def test_a_traceback_shows_the_authors_own_lines(stage, autojump_clock):
    """38 lines of our nurseries around one line of theirs help nobody."""
    await stage.play("[step.a]\ntype = 'crash'\n")
    failed = next(f for f in stage.facts if isinstance(f, LogLine) and f.message.startswith("Status changed: failed"))
    text = failed.fields["traceback"]
    assert "ValueError: oops" in text
    assert "Nursery" not in text
    assert text.count("File ") == 1


@pytest.mark.parametrize(
    "wrong", [{"title": None}, {"status": 2**70}, {"authors": (1,)}, {"published": 5}, {"fetched_at": 1.5}], ids=repr
)
def test_a_document_of_the_wrong_types_fails_its_step(wrong):
    """A step's mistake must not become the recorder's, which would end every job of the process."""
    from dataclasses import replace

    from quaero_cli.engine.documents import check_document
    from quaero_cli.model import Document

    good = Document("http://x/", "http://x/", "Title", "Text", "hash", 200, 1)
    check_document(good)
    with pytest.raises(StepFailed, match=f"a document's {next(iter(wrong))} must be"):
        check_document(replace(good, **wrong))
