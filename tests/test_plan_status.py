"""What a step and a job have come to, by what their workers and steps have."""

import pytest
from plans import DONE, FAILED, WARNING, step

from quaero_cli.jobdef.model import ErrorTolerance
from quaero_cli.model import Status
from quaero_cli.plan import job_status, judge_step

STATUSES = [
    # step statuses with their on_error, what the job is
    ("completed completed", "completed"),
    ("completed skipped", "completed"),
    ("skipped skipped", "completed"),
    ("completed warning", "warning"),
    ("completed failed:continue", "warning"),
    ("completed failed:fail", "failed"),
    ("failed:fail skipped", "failed"),
    ("failed:fatal cancelled", "failed"),
    ("failed:continue failed:fail", "failed"),
    ("completed cancelled", "cancelled"),
    ("warning interrupted", "cancelled"),
    ("failed:continue cancelled", "cancelled"),
]


@pytest.mark.parametrize(("words", "wanted"), STATUSES)
def test_a_job_is_what_its_steps_are(words, wanted):
    """No green job with a red step in it."""
    steps, states = [], {}
    for number, word in enumerate(words.split()):
        status, _, on_error = word.partition(":")
        steps.append(step(f"s{number}", on_error=on_error or "fail"))
        states[f"s{number}"] = Status(status)
    assert job_status(steps, states) == wanted
    assert job_status(steps, states, cancelled=True, stopped=True) == "cancelled"
    assert job_status(steps, states, stopped=True) == "failed"


NONE_TOLERATED = ErrorTolerance(0, "continue")


JUDGED = [
    # failed in the step, in the job, tolerance; status, stop
    (0, 0, None, DONE, False),
    (0, 99, ErrorTolerance(5, "stop_all"), DONE, False),
    (1, 1, None, FAILED, False),
    (1, 1, NONE_TOLERATED, FAILED, False),
    (1, 1, ErrorTolerance(0, "mark_warning"), FAILED, False),
    (1, 1, ErrorTolerance(0, "stop_all"), FAILED, True),
    (1, 5, ErrorTolerance(5, "continue"), WARNING, False),
    (5, 5, ErrorTolerance(5, "stop_all"), WARNING, False),
    (1, 6, ErrorTolerance(5, "continue"), FAILED, False),
    (1, 6, ErrorTolerance(5, "mark_warning"), WARNING, False),
    (6, 6, ErrorTolerance(5, "stop_all"), FAILED, True),
]


@pytest.mark.parametrize(("in_step", "in_job", "tolerance", "status", "stop"), JUDGED)
def test_failed_workers_fail_their_step_unless_tolerated(in_step, in_job, tolerance, status, stop):
    """The tolerance counts over the whole job, and each action beyond it does what it says."""
    assert judge_step(in_step, in_job, tolerance) == (status, stop)
