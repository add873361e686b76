"""`run --dry-run`: what would run, in the order in which it would."""

import pytest
from jobfiles import define
from shells import Shell

from quaero_cli.session.plan_view import plan_view
from quaero_cli.session.prepare import prepare

TEXT = """
    on_exit = "echo bye"
    schedule = "0 12 * * *"
    timezone = "UTC"
    [params.who]
    default = "it's me"
    [params.pages]
    type = "int"
    default = 3
    [config]
    rate = 2
    [step.last]
    type = "shell"
    depends = ["fetch", "greet"]
    command = "echo {steps.greet.outputs.x} {params.who}"
    [step.greet]
    type = "shell"
    command = "echo {params.who}"
    [step.fetch]
    type = "crawler"
    depends = ["greet"]
    condition = "{params.pages}"
    max_pages = "{params.pages}"
    since = "at {config.rate}"
"""


def plan(**given: object):
    return plan_view(prepare(define(TEXT), given, trigger="cli"), 0)


def test_steps_come_in_an_order_in_which_they_can_run():
    """A plan in the order of the file would show the last step first."""
    shown = plan()
    assert shown["order"] == ["greet", "fetch", "last"]
    assert {step["name"]: step["stage"] for step in shown["steps"]} == {"greet": 1, "fetch": 2, "last": 3}


def test_options_are_filled_as_far_as_they_are_known():
    """Who looks at the plan wants to see what would be done, not the names of it."""
    steps = {step["name"]: step["options"] for step in plan(pages="7")["steps"]}
    assert steps == {
        "last": {"command": "echo {steps.greet.outputs.x} {params.who}"},
        "greet": {"command": """echo 'it'"'"'s me'"""},
        "fetch": {"max_pages": 7, "since": "at 2"},
    }


def test_the_next_starts_are_part_of_the_plan():
    """Whether the expression says what was meant is best seen before the night."""
    assert plan()["next_fires"] == [f"1970-01-0{day}T12:00:00.000Z" for day in (1, 2, 3)]


def test_hooks_are_part_of_the_plan():
    """A dry run would not say that somebody is going to be called."""
    assert plan()["hooks"] == {"on_exit": {"command": "echo bye"}}


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_secret_is_in_no_option(tmp_path, words):
    """A plan that is pasted into a ticket would carry the password along."""
    shell = Shell(tmp_path)
    path = shell.define("job", """
        [params.password]
        secret = true
        [step.a]
        type = "shell"
        command = "login {params.password}"
    """)  # fmt: skip
    shown = shell.run("run", path, "-p", "password=hunter2-hunter2", "--dry-run", *words).stdout
    assert "login" in shown
    assert "hunter2" not in shown
