"""What `--help` and mistakes tell somebody who has never seen quaero: words, not the parser's names for them."""

import inspect
import os
import re
import subprocess
import sys

import pytest
from shells import PATIENCE

from quaero_cli.cli.app import make_app
from quaero_cli.cli.commands import COMMANDS, named_in


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


@pytest.mark.parametrize(
    ("words", "code", "error", "hint"),
    [
        ("jobs --status skipped", 2, "--status: only steps and workers are skipped", "one of: pending, "),
        ("jobs --status nope", 2, "--status: no status 'nope'", "one of: pending, "),
        ("jobs --definition nope", 4, "no definition with the id 'nope'", "known: "),
        ("jobs --definition helo", 4, "no definition with the id 'helo'", "did you mean 'hello'?"),
        ("search x --definition nope", 4, "no definition with the id 'nope'", "known: "),
        ("jobs --limit 0", 2, "--limit: 0 is not from 1 to 10000", "see: quaero jobs --help"),
        ("jobs --limit x", 2, "--limit: 'x' is not a whole number", "see: quaero jobs --help"),
        ("prune --keep -1", 2, "--keep: -1 is below 0", "see: quaero prune --help"),
        ("jobs --limt 3", 2, "no such option: --limt", "did you mean '--limit'?"),
        ("jobs --limit", 2, "--limit: needs a value", "see: "),
        ("jobs --json=3", 2, "--json: takes no value", "see: "),
        ("jobs x", 2, "unexpected argument 'x'", "see: quaero jobs --help"),
        ("run hello x=1", 2, "unexpected argument 'x=1'", "parameters are given with -p"),
        ("run none.toml", 4, "no such file: 'none.toml'", "list the definitions with: quaero defs"),
        ("run hello --params none", 2, "--params none: no such file or directory", "name a TOML or a .json file"),
        ("tail last --step=", 2, "--step: is empty", "is the variable in it set?"),
        ("tail last --step hello --step=", 2, "--step: is empty", "is the variable in it set?"),
        ("tail last --worker=", 2, "--worker: is empty", "is the variable in it set?"),
        ("tail last --grep=", 2, "--grep: is empty", "is the variable in it set?"),
        ("docs --site=", 2, "--site: is empty", "is the variable in it set?"),
        ("serve --host=", 2, "--host: is empty", "is the variable in it set?"),
        ("tail --service --step x", 2, "--step: no step x", "--step takes nothing: the service log has no steps"),
    ],
)
def test_a_mistake_is_told_with_its_option_and_a_way_out(shell, words, code, error, hint):
    """The parser's own words, `is not in the range x>=1`, or a way out that is none."""
    told = shell.run(*words.split(), code=code).stderr
    assert told.startswith(f"error: {error}\nhint: {hint}"), told
    assert told.count("\n") == 2


def test_a_definition_that_has_not_run_is_no_mistake(shell):
    """Somebody would be told that the definition does not exist, or nothing at all."""
    assert shell.run("jobs", "--definition", "hello").stderr == (
        "no jobs of hello yet\nhint: run one with: quaero run hello\n"
    )
    assert shell.json("jobs", "--definition", "hello") == []
    shell.run("run", "hello", "-q")
    assert "no failed jobs of hello\n" in shell.run("jobs", "--definition", "hello", "--status", "failed").stderr


@pytest.mark.parametrize("words", ["--version", "--home x --version", "--help", "run --help", "db --help", ""])
def test_a_reader_that_has_gone_is_no_mistake(shell, words):
    """`quaero --version | true` would end with a traceback, and `--help | head -1` with an exit code in scripts."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "quaero_cli", *words.split()], env=shell.environment(), cwd=shell.folder,
            stdout=writing, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
