"""What steps hand over: outputs, conditions, options that are filled, progress, documents."""

import pytest

from quaero_cli.jobdef.model import StepType
from quaero_cli.model import Status, StepOutput, StepProgressed, WorkerChanged
from quaero_cli.steps.contract import StepFailed


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
