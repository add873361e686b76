"""What a retry of what failed keeps, decided from the steps and how they ended."""

from jobfiles import define

from quaero_cli.plan.again import steps_to_keep

STEPS = """
    [step.site]
    type = "site"
    service = true
    [step.one]
    type = "shell"
    command = "x"
    depends = "site"
    [step.two]
    type = "shell"
    command = "x"
    depends = "one"
    on_error = "continue"
    [step.three]
    type = "shell"
    command = "x"
    depends = "two"
    [step.tidy]
    type = "shell"
    command = "x"
    depends = "two"
    always_run = true
    [step.note]
    type = "shell"
    command = "x"
    depends = "one"
    always_run = true
"""


def keep(**states: str) -> tuple[str, ...]:
    return steps_to_keep(define(STEPS).steps, states)


def test_completed_steps_are_kept_and_services_are_not():
    """A service of a job that has ended is not there any more."""
    done = dict.fromkeys(("site", "one", "two", "three", "tidy", "note"), "completed")
    assert keep(**done) == ("one", "two", "three", "tidy", "note")


def test_clean_up_of_what_runs_again_runs_again():
    """Else what the second run leaves behind stays."""
    states = {"site": "completed", "one": "completed", "two": "failed", "three": "completed", "tidy": "completed",
              "note": "completed"}  # fmt: skip
    assert keep(**states) == ("one", "three", "note")


def test_what_has_failures_or_never_ran_runs_again():
    """A warning is tolerated failures: what failed is what the retry is for."""
    for status in ("warning", "failed", "cancelled", "skipped", "interrupted"):
        assert "one" not in keep(site="completed", one=status)
