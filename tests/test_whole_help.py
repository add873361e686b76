"""What `--help` and mistakes tell somebody who has never seen quaero: words, not the parser's names for them."""

import inspect
import re

import pytest
from shells import Shell

from quaero_cli.cli.app import make_app
from quaero_cli.cli.commands import COMMANDS, named_in


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


def test_the_list_of_commands_is_whole(shell):
    """Half a sentence behind a command says nothing of it."""
    text = shell.run("--help").stdout
    assert "doctor" in text
    assert "..." not in text.partition("Commands:")[2]


def test_the_list_says_what_the_commands_say_of_themselves():
    """The list is kept apart from the commands, for speed: it would promise what they no longer do."""
    whole = {info.name: info for info in make_app().registered_commands}
    assert list(whole) == list(COMMANDS)
    for name, line in COMMANDS.items():
        said = whole[name].short_help or inspect.getdoc(whole[name].callback).partition("\n\n")[0].replace("\n", " ")
        assert said.startswith(line.removesuffix(".")), name


@pytest.mark.parametrize(
    ("words", "name"),
    [("jobs --json", "jobs"), ("--home x jobs", "jobs"), ("--config=x --debug run jobs", "run"), ("", None),
     ("--help", None), ("--home jobs", None), ("nope jobs", None)],
)  # fmt: skip
def test_the_named_command_is_found(words, name):
    """A command would be unknown, because another word stands before it."""
    assert named_in(words.split()) == name


def test_options_and_arguments_have_names_for_people(shell):
    """`--limit <int range>` and a pair of empty brackets would be all that a reader gets."""
    listed = shell.run("--help").stdout.partition("Commands:\n")[2]
    commands = re.findall(r"^  ([a-z]+)  ", listed, re.MULTILINE)
    assert len(commands) > 15
    for command in commands:
        text = shell.run(command, "--help").stdout
        assert not re.search(r"<\w+( \w+)?>|\[\]|\{\}", text), f"quaero {command}"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["docs", "show"], "docs show: give the document's ID"),
        (["docs", "search"], "docs search: give what to look for"),
        (["docs", "export"], "docs export: name the folder"),
        (["docs", "show", "1", "2"], "docs show: takes no '2'"),
        (["docs", "list", "17"], "docs list: takes no '17'"),
        (["docs", "frob"], "docs: no action 'frob'"),
    ],
)
def test_a_word_that_is_missing_or_too_much_is_named(shell, words, says):
    """`docs: cannot show` would leave open why not."""
    error = shell.run(*words, code=2).stderr
    assert error.startswith(f"error: {says}\nhint: ")


def test_a_filter_that_fits_nothing_is_named_as_the_option(shell):
    """What the API calls `step` is `--step` for whoever has typed that."""
    shell.run("run", "hello")
    error = shell.run("tail", "last", "--step", "nope", code=2).stderr
    assert error == "error: --step: no step nope\nhint: --step takes one of: greet\n"
    assert "error: --worker: " in shell.run("tail", "last", "--worker", "nope", code=2).stderr


def test_a_plan_shows_hooks_as_they_were_written(shell):
    """A person would have to read JSON to see what runs at the end."""
    path = shell.define(
        "with-hooks",
        """
        on_success = { job = "hello", params = { who = "Ada" } }
        on_failure = "echo it broke"
        on_exit = ["echo", "done"]
        [step.a]
        type = "shell"
        command = "true"
        """,
    )
    text = shell.run("run", path, "--dry-run").stdout
    assert '  on_success: job hello -p who="Ada"\n' in text
    assert "  on_failure: echo it broke\n" in text
    assert '  on_exit: ["echo","done"]\n' in text
