"""The documentation of the command line: every command, option and exit code, and lines that can be typed."""

import re

import pytest
import typer
from documents import DOCUMENTS, document, each_document, first_cells

from quaero_cli import errors
from quaero_cli.cli.app import make_app
from quaero_cli.model import Status
from quaero_cli.terminal.codes import CTRL_C, TIMEOUT, exit_code

COMMANDS = typer.main.get_command(make_app())


def options(command) -> set[str]:
    """Return every option of a command but those that all have."""
    named = {opt for parameter in command.params for opt in parameter.opts if opt.startswith("-")}
    return named - {"--home"}


def written_options(section: str) -> set[str]:
    """Return the options in a section's tables."""
    return {code.split()[0] for cells in first_cells(section) for code in cells if code.startswith("-")}


def test_every_command_has_its_section():
    """A command would be there and nobody would know, or be promised and not there."""
    headings = document("command-line.md").headings()
    assert [words[1] for each in headings if (words := each.split())[0] == "quaero"] == list(COMMANDS.commands)


@pytest.mark.parametrize("command", COMMANDS.commands)
def test_every_option_is_in_its_commands_section(command):
    """A user would look for an option in vain, or type one that is not there."""
    page = document("command-line.md")
    heading = next(each for each in page.headings() if each.split()[:2] == ["quaero", command])
    assert written_options(page.section(heading)) == options(COMMANDS.commands[command])


def test_the_options_before_the_command_are_there():
    """`quaero --debug` would be known to the source alone."""
    wanted = options(COMMANDS) | {"--home", "-h", "--help"}
    assert written_options(document("command-line.md").section("Options of all commands")) == wanted


def test_every_exit_code_is_there():
    """A script would meet a code that no table explains."""
    known = {
        each.exit_code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "exit_code")
    }
    of_jobs = {exit_code(status) for status in Status if status.final and status is not Status.SKIPPED}
    table = document("command-line.md").section("Exit codes")
    written = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert written == known | of_jobs | {TIMEOUT, CTRL_C}


@each_document
def test_every_command_line_can_be_typed(name):
    """An example would end with "no such option"."""
    for words, whole in DOCUMENTS[name].calls():
        if not words or words[0] in options(COMMANDS) or words[0] == "COMMAND":
            continue
        assert words[0] in COMMANDS.commands, words
        command = COMMANDS.commands[words[0]]
        context = command.context_class(command, info_name=words[0])
        try:
            values, rest, _ = command.make_parser(context).parse_args(words[1:])
        except Exception as error:  # a class of Typer's whose home depends on its version
            pytest.fail(f"quaero {' '.join(words)}: {error}")
        missing = [each.name for each in command.params if each.required and not values.get(each.name)]
        assert not rest, words
        assert not (whole and missing), words
