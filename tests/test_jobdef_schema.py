"""The JSON Schema: what it takes, and that it is the format that the check knows."""

import json
import tomllib

import pytest
from documents import documents
from jsonschema import Draft202012Validator
from shells import Shell

from quaero_cli.jobdef.keys import ROOT_KEYS, STEP_KEYS
from quaero_cli.jobdef.schema import definition_schema
from quaero_cli.resources import shipped
from quaero_cli.steps.registry import load_step_types

TYPES = load_step_types()
SCHEMA = definition_schema(TYPES)
VALIDATOR = Draft202012Validator(SCHEMA)
STEP = "\n[step.a]\ntype = 'shell'\ncommand = 'true'\n"


def faults(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def test_it_is_a_schema():
    """Editors would refuse it."""
    Draft202012Validator.check_schema(SCHEMA)
    json.dumps(SCHEMA)


def test_it_has_every_key_and_every_option():
    """A key that is new would be marked as an error by every editor."""
    with_steps, shorthand = SCHEMA["anyOf"]
    assert set(with_steps["properties"]) == set(ROOT_KEYS)
    assert set(shorthand["properties"]) > set(ROOT_KEYS) - {"step"}
    for name, kind in TYPES.items():
        options = {option.name for option in kind.options}
        assert set(SCHEMA["$defs"][f"step-{name}"]["properties"]) == options | set(STEP_KEYS)


@pytest.mark.parametrize("path", sorted(shipped("jobdefs").glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_definitions_pass(path):
    """The examples would be full of marks in an editor."""
    assert faults(path.read_text()) == []


def test_the_examples_of_the_documentation_pass():
    """What the check takes, the schema takes."""
    blocks = [block for each in documents() for block in each.blocks("toml") if "[step." in block]
    assert len(blocks) > 10
    for block in blocks:
        assert faults(block) == [], block


@pytest.mark.parametrize(
    "text",
    [
        "[step]",
        "nam = 'x'" + STEP,
        "timeout = 5" + STEP,
        "timeout = '5'" + STEP,
        "overlap = 'refuze'" + STEP,
        "schedule = '* * * *'" + STEP,
        "schedule = []" + STEP,
        "max_parallel_steps = 0" + STEP,
        "enabled = 'yes'" + STEP,
        "on_exit = {}" + STEP,
        "on_exit = { command = 'a', job = 'b' }" + STEP,
        STEP + "retry = 3",
        STEP + "retries = { delay = '1s' }",
        STEP + "on_error = 'ignore'",
        STEP + "for_each = 3",
        STEP + "levels = 'maybe'",
        "[step.a]\ntype = 'shell'",
        "[step.a]\ncommand = 'true'",
        "[step.a]\ntype = 'shel'\ncommand = 'true'",
        "[step.'a b']\ntype = 'shell'\ncommand = 'true'",
        "[params.x]\ntype = 'number'" + STEP,
        "[params]\nx = 3" + STEP,
        "[secrets]\nA = 'hunter2'" + STEP,
        "[error_tolerance]\nmax_failures = 1" + STEP,
        "start_urls = 3",
        "max_pages = 10\n" + STEP,
    ],
)
def test_a_bad_definition_is_marked(text):
    """An editor would let a typo pass, which the check then refuses."""
    assert faults(text)


@pytest.mark.parametrize(
    "text",
    [
        "start_urls = ['https://example.org/']\nmax_pages = 20\nconcurrency = 4\nname = 'Example'",
        STEP + "levels = '{params.levels}'\nconcurrency = 3\nfor_each = '{params.items}'",
        STEP + "for_each = { glob = '*.csv' }\nretries = { limit = 3, delay = '2s', backoff = 2 }",
        "on_exit = ['a', 'b']\non_failure = { job = 'tell', params = { x = 1 }, timeout = '1m' }" + STEP,
        "schedule = ['*/30 7-19 * * 1-5', '0 10 * * 6']\ntimezone = 'Europe/Berlin'\ncatchup = 'last'" + STEP,
    ],
)
def test_a_good_definition_is_not(text):
    """An author would take what is right for a mistake."""
    assert faults(text) == []


def test_it_is_printed(tmp_path):
    """`quaero check --schema` is how an editor gets it."""
    shell = Shell(tmp_path)
    assert json.loads(shell.run("check", "--schema").stdout) == SCHEMA
    assert "name the definitions" in shell.run("check", code=2).stderr
    assert "name the definitions" in shell.run("check", "hello", "--schema", code=2).stderr


def test_several_are_checked_at_once(tmp_path):
    """A script would have to call it for each file, or miss one that is broken."""
    shell = Shell(tmp_path)
    good, bad = shell.define("good", STEP), shell.define("bad", "nam = 1" + STEP)
    results = shell.json("check", good, bad, "hello", code=2)
    assert [(each["definition"], each["ok"]) for each in results] == [(good, True), (bad, False), ("hello", True)]
    assert "unknown key 'nam'" in results[1]["error"]
