"""The manual page, made of the commands themselves; `docs/quaero.1` is its copy, and the wheel brings it along.

Options, arguments and examples come from the command line, exit codes and variables from the tables of the documents
that tests hold to the code.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer
from documents import document

from quaero_cli.cli.app import make_app

_ABOUT = "run jobs, store every line they write, and show them live"


def manual_page() -> str:
    """Return the page as roff."""
    group = typer.main.get_command(make_app())
    lines = [
        '.TH QUAERO 1 "" "" "User Commands"',
        ".SH NAME",
        f"quaero \\- {_ABOUT}",
        ".SH SYNOPSIS",
        ".B quaero",
        "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]",
        ".SH DESCRIPTION",
        _text(group.help or ""),
        ".PP",
        "A \\fIJOB\\fR is a job's ID, the beginning of one, a definition's id (its newest job), or \\fBlast\\fR. A"
        " \\fIDEF\\fR is a definition's id, or a path to a .toml file. Data goes to stdout, words go to stderr.",
        ".SH OPTIONS",
        *_options(group),
        ".SH COMMANDS",
    ]
    for name, command in group.commands.items():
        lines += _command(name, command)
    lines += [".SH EXIT STATUS", *_table("command-line.md", "Exit codes")]
    lines += [".SH ENVIRONMENT", *_table("configuration.md", "Other variables"), *_settings()]
    lines += [".SH SEE ALSO", "\\fBsqlite3\\fR(1), \\fBcrontab\\fR(5), \\fBjust\\fR(1)"]
    return "\n".join(lines) + "\n"


def _command(name: str, command: Any) -> Iterator[str]:
    pieces = " ".join(f"\\fI{_escaped(piece)}\\fR" for piece in command.collect_usage_pieces(typer.Context(command)))
    yield f".SS \\fBquaero {name}\\fR {pieces}"
    for number, paragraph in enumerate(inspect.cleandoc(command.help or "").split("\n\n")):
        if number:
            yield ".PP"
        yield _text(paragraph)
    yield from _options(command)
    example = (command.epilog or "").partition("Example: ")[2]
    if example:
        yield from (".PP", "Example:", ".PP", ".RS", ".nf", _escaped(example), ".fi", ".RE")


def _options(command: Any) -> Iterator[str]:
    """Yield arguments and options with their help; `--help` of every command is told once, with the root's."""
    context = typer.Context(command)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or ("--help" in record[0] and command.name != "quaero"):
            continue
        yield from (".TP", f"\\fB{_escaped(record[0])}\\fR", _text(record[1]))


def _table(name: str, heading: str) -> Iterator[str]:
    """Yield the rows of a document's table of two columns."""
    rows = re.findall(r"^\| (?!---)(.+?) \| (.+) \|$", document(name).section(heading), re.MULTILINE)
    for first, second in rows[1:]:
        yield from (".TP", f"\\fB{_text(first)}\\fR", _text(second))


def _settings() -> Iterator[str]:
    rows = re.findall(
        r"^\| `[^`]+` \| (`QUAERO_\w+`) \|[^|]+\| (.+) \|$", document("configuration.md").text, re.MULTILINE
    )
    for variable, meaning in rows:
        yield from (".TP", f"\\fB{_text(variable)}\\fR", _text(meaning))


def _text(text: str) -> str:
    """Return a paragraph of Markdown or help as roff: without marks, on one line."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", " ".join(text.split()))
    return _escaped(text.replace("`", ""))


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in (".", "'") else text
