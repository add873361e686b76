"""Placeholders: what is refused when a file is loaded, and what stands in their place when a step starts."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobfiles import TYPES, define, shell

from quaero_cli.errors import DefinitionError, StepFailed
from quaero_cli.jobdef.conditions import is_met, is_truthy
from quaero_cli.jobdef.placeholders import Scope, resolve, resolve_options

SCOPE = Scope(
    job_id="k3x9",
    params={"text": "a b", "n": 5, "x": 1.5, "yes": True, "items": ["a", 1], "none": None, "num": "7"},
    config={"pages": 7, "table": {"a": [1]}},
    env={"LANG": "C"},
    outputs={"site": {"url": "http://h", "ports": [1, 2]}, "mute": {}},
    skipped={"idle"},
)

VALUES = [
    ("{params.text}", "a b"),
    ("{params.n}", 5),
    ("{params.yes}", True),
    ("{params.items}", ["a", 1]),
    ("{params.none}", None),
    ("{config.table}", {"a": [1]}),
    ("{env.LANG}", "C"),
    ("{job.id}", "k3x9"),
    ("{steps.site.outputs.ports}", [1, 2]),
    (" {params.n}", " 5"),
    ("{params.n}{params.n}", "55"),
    ("<{params.text}|{params.x}|{params.yes}|{params.none}>", "<a b|1.5|true|>"),
    ("v={params.items};{config.table}", 'v=["a", 1];{"a": [1]}'),
    (["{params.n}", "-{params.n}", ["{job.id}"]], [5, "-5", ["k3x9"]]),
    ({"a": "{params.n}", "{job.id}": 1}, {"a": 5, "{job.id}": 1}),
    (5, 5),
    (True, True),
]


@pytest.mark.parametrize(("written", "value"), VALUES)
def test_a_placeholder_alone_keeps_its_type(written, value):
    """A list parameter reaches an option as a list, and reads as text inside a text."""
    found = resolve(written, SCOPE)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{a,b}",
        "{1..3}",
        "{name}",
        "{params}",
        "{job}",
        "{ params.n }",
        "{{}}",
        "${item}",
        "{Params.n}",
        "{x.y}",
    ],
)
def test_other_braces_are_left_alone(text):
    """Shell, JSON and Python texts keep their braces."""
    assert resolve(text, SCOPE) == text
    assert shell(f"'''{text}'''").steps[0].options == {"command": text}


@given(st.text(alphabet="{}.$ abparmsjobidenvitem", max_size=40))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_text_without_placeholders_is_untouched(text):
    """What looks a little like a placeholder does not change."""
    if not any(f"{{{word}." in text for word in ("params", "env", "job")) and "{item" not in text:
        assert resolve(text, SCOPE) == text


DECLARED = "[params.who]\n[params.n]\ntype = 'int'\n[config]\npages = 1\n[env]\nA = ''\n"
UNKNOWN = [
    ("{params.wo}", "unknown parameter in {params.wo}", "did you mean 'who'?"),
    ("{config.page}", "unknown constant in {config.page}", "did you mean 'pages'?"),
    ("{job.name}", "{job.name}: is known when the job has ended", "{job.id}"),
    ("{params.a.b}", "{params.a.b} is no placeholder", "{params.NAME}"),
    ("{steps.b}", "{steps.b} is no placeholder", "{steps.NAME.outputs.KEY}"),
    ("{steps.b.output.x}", "{steps.b.output.x} is no placeholder", "{steps.NAME.outputs.KEY}"),
    ("{steps.x.outputs.y}", "unknown step in {steps.x.outputs.y}", None),
    ("{steps.b.outputs.y}", "{steps.b.outputs.y} names a step that need not have ended", "add 'b' to depends"),
    ("{steps.a.outputs.y}", "names a step that need not have ended", "add 'a' to depends"),
    ("{item}", "{item}: there is no item here", "for_each"),
    ("{item.name}", "{item.name}: there is no item here", "for_each"),
    ("echo ${params.who}", "a placeholder cannot follow a $", "without the $"),
    ("echo \\\\{params.who}", "a placeholder cannot follow a backslash", "take the backslash out"),
]


@pytest.mark.parametrize(("text", "message", "hint"), UNKNOWN)
def test_a_placeholder_that_cannot_be_filled_is_refused_at_load(text, message, hint):
    """A typing error shows before the job has run for an hour."""
    other = "\n[step.b]\ntype = 'shell'\ncommand = 'x'"
    with pytest.raises(DefinitionError) as caught:
        define(f'{DECLARED}[step.a]\ntype = "shell"\ncommand = "{text}"{other}')
    assert caught.value.message.startswith("job.toml: step a: command: ")
    assert message in caught.value.message
    assert hint is None or hint in caught.value.hint


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("condition = '{params.x}'\ncommand = 'x'", "condition"),
        ("command = ['a', '{params.x}']", "command"),
        ("command = 'x'\nenv = { A = '{params.x}' }", "env"),
    ],
)
def test_placeholders_are_checked_in_conditions_lists_and_tables(where, place):
    """No corner of a step is overlooked."""
    with pytest.raises(DefinitionError, match=rf"step a: {place}: unknown parameter in \{{params.x\}}"):
        define(f"[step.a]\ntype = 'shell'\n{where}")


def test_outputs_of_any_step_before_may_be_used():
    """A dependency over another step is one, too."""
    step = "[step.{}]\ntype = 'shell'\ncommand = '{}'\ndepends = '{}'\n"
    job = define(step.format("c", "{steps.a.outputs.x}", "b") + step.format("b", "", "a") + step.format("a", "", ""))
    assert job.steps[0].options == {"command": "{steps.a.outputs.x}"}


def step_options(text, scope=SCOPE):
    """What the function of the one step gets; parameters and steps of SCOPE are declared around it."""
    declared = "".join(f"[params.{name}]\n" for name in SCOPE.params) + "[config]\npages = 1\n[env]\nLANG = ''\n"
    steps = "".join(f"[step.{name}]\ntype = 'shell'\ncommand = ''\n" for name in ("site", "mute", "idle"))
    job = define(f"{declared}{steps}[step.a]\ndepends = 'site, mute, idle'\n{text}")
    return resolve_options(job.step("a"), TYPES[job.step("a").type], scope)


RESOLVED = [
    ("type = 'crawler'", {}),
    ("type = 'crawler'\nmax_pages = '{params.n}'", {"max_pages": 5}),
    ("type = 'crawler'\nrate = '{params.n}'", {"rate": 5.0}),
    ("type = 'crawler'\nrate = 2\ndelay = '1m30s'", {"rate": 2.0, "delay": 90.0}),
    ("type = 'crawler'\ndelay = '{params.n}s'", {"delay": 5.0}),
    ("type = 'crawler'\nrecrawl = 3", {"recrawl": 3}),
    ("type = 'crawler'\nmax_pages = '{params.none}'", {}),
    ("type = 'crawler'\nsince = '{params.n}'", {"since": "5"}),
    (
        "type = 'crawler'\nstart_urls = ['{steps.site.outputs.url}/a', '{params.n}']",
        {"start_urls": ["http://h/a", "5"]},
    ),
    ("type = 'crawler'\nstart_urls = '{params.items}'", {"start_urls": ["a", "1"]}),
    ("type = 'shell'\ncommand = 'x'\nworking_dir = 'd'", {"command": "x", "working_dir": Path("d")}),
    ("type = 'shell'\ncommand = 'x'\nenv = { N = '{params.yes}' }", {"command": "x", "env": {"N": "true"}}),
    (
        "type = 'shell'\ncommand = ['head', '-n', '{params.n}', '{params.text}']",
        {"command": ["head", "-n", "5", "a b"]},
    ),
    ("type = 'shell'\ncommand = 'head -n {params.n} {params.text}'", {"command": "head -n 5 'a b'"}),
    ("type = 'shell'\ncommand = '{params.text}'", {"command": "'a b'"}),
    ("type = 'shell'\ncommand = '{params.items}'", {"command": ["a", "1"]}),
    ("type = 'python'\ncall = 'f'\nargs = { n = '{params.n}' }", {"call": "f", "args": {"n": 5}}),
]


@pytest.mark.parametrize(("text", "wanted"), RESOLVED)
def test_a_step_gets_its_options_filled_and_typed(text, wanted):
    """The function sees numbers, seconds and paths, and only what was written."""
    found = step_options(text)
    assert found == wanted
    assert {key: type(value) for key, value in found.items()} == {key: type(value) for key, value in wanted.items()}


MISFITS = [
    (
        "type = 'crawler'\nmax_pages = '{params.num}'",
        DefinitionError,
        "step a: max_pages: must be an integer, not '7'",
    ),
    (
        "type = 'crawler'\nmax_pages = '{params.yes}'",
        DefinitionError,
        "step a: max_pages: must be an integer, not true",
    ),
    ("type = 'crawler'\ndelay = '{params.n}'", DefinitionError, "step a: delay: must be a duration, not 5"),
    ("type = 'crawler'\nstart_urls = '{params.text}'", DefinitionError, "must be a list of strings, not 'a b'"),
    (
        "type = 'crawler'\nrecrawl = '{params.text}'",
        DefinitionError,
        "must be one of 'never', 'always', 3, not 'a b'",
    ),
    ("type = 'python'\ncall = '{params.items}'", DefinitionError, "step a: call: must be a string, not a list"),
    ("type = 'python'\ncall = '{params.none}'", DefinitionError, "step a: call: is required, but '{params.none}'"),
    ("type = 'shell'\ncommand = 'echo `echo {params.text}`'", DefinitionError, "step a: command: the value 'a b'"),
    ("type = 'crawler'\nsince = '{steps.site.outputs.ur}'", StepFailed, "step site left no output 'ur'"),
    ("type = 'crawler'\nsince = '{env.LANGUAGE}'", StepFailed, "the variable LANGUAGE is not set"),
    ("type = 'crawler'\nsince = '{steps.mute.outputs.x}'", StepFailed, "step mute left no output 'x'"),
]


@pytest.mark.parametrize(("text", "error", "message"), MISFITS)
def test_a_filled_value_that_does_not_fit_is_told(text, error, message):
    """The step fails with the option's name and the value, not somewhere inside its function."""
    with pytest.raises(error) as caught:
        step_options(text)
    assert message in caught.value.message


def test_a_missing_output_names_what_there_is():
    """A typing error in an output's name shows the right one."""
    with pytest.raises(StepFailed) as caught:
        resolve("{steps.site.outputs.ur}", SCOPE)
    assert caught.value.hint == "did you mean 'url'?"
    with pytest.raises(StepFailed) as caught:
        resolve("{steps.absent.outputs.x}", SCOPE)
    assert caught.value.hint == "step absent left no outputs at all"


@pytest.mark.parametrize("value", ["", "  ", "false", "False", "0", False, 0, 0.0, None, [], {}])
def test_what_a_condition_takes_for_false(value):
    """Empty, zero and "false" skip the step."""
    assert not is_truthy(value)


@pytest.mark.parametrize("value", ["a", "true", "no", "00", "[]", True, 1, -1, [""], {"a": 0}])
def test_what_a_condition_takes_for_true(value):
    """Anything else runs it."""
    assert is_truthy(value)


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("not {params.none}", True),
        (" not\t{params.n} ", False),
        ("not {steps.idle.outputs.x}", True),
        ("not not {params.n}", True),
        ("not", True),
        ("nothing", True),
        ("not false", True),
        ("{params.denial}", True),
    ],
)
def test_a_condition_can_be_turned_round(condition, met):
    """A step that makes up for something that is missing would run although it is there; or a value could say so."""
    assert is_met(condition, replace(SCOPE, params={**SCOPE.params, "denial": "not a"})) is met


def test_what_a_skipped_step_would_have_left_is_nothing_where_it_stands_alone():
    """A step could not do without an optional one; or a line for the shell would be run with a hole in it."""
    assert resolve({"a": ["{steps.idle.outputs.x}"]}, SCOPE) == {"a": [None]}
    assert step_options("type = 'crawler'\nsince = '{steps.idle.outputs.x}'") == {}
    for options in (
        "type = 'crawler'\nsince = 'a{steps.idle.outputs.x}'",
        "type = 'shell'\ncommand = 'rm {steps.idle.outputs.x}/*'",
    ):
        with pytest.raises(StepFailed, match="step idle left no output 'x'") as caught:
            step_options(options)
        assert "skipped by its condition" in (caught.value.hint or "")
