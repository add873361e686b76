"""`quaero new`: write a definition to begin with."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.errors import UsageError

if TYPE_CHECKING:
    from quaero_cli.jobdef.scaffold import Files

EPILOG = "Example: quaero new nightly-report --type shell"
_KINDS = ("shell", "python", "crawler")
_ABOUT = "shell: commands; python: functions in a file beside it; crawler: pages of a site"


def _complete(incomplete: str) -> list[str]:
    return [kind for kind in _KINDS if kind.startswith(incomplete)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("new", epilog=EPILOG)(new)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The definition's id, and its file's name.")],
    type_: Annotated[
        str | None,
        typer.Option(
            "--type", metavar="TYPE", help=f"What to begin with: {', '.join(_KINDS)}.", autocompletion=_complete
        ),
    ] = None,
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where to write it; made when it is missing.")
    ] = Path("jobdefs"),
    json: common.Json = False,
) -> None:
    """Write a definition that runs as it is, to be changed. Nothing that is there already is overwritten.

    Without --type a terminal is asked, and anything else gets shell.
    """
    from quaero_cli.jobdef.scaffold import scaffold

    if type_ is not None and type_ not in _KINDS:
        raise UsageError(f"--type: no type {type_!r} to begin with", hint="one of: " + ", ".join(_KINDS))
    scaffold(name, _KINDS[0])  # a bad name is told before anything is asked
    written = _write(scaffold(name, type_ or _ask()), folder)
    if json:
        from quaero_cli.terminal.tables import json_object

        paths = [str(path) for path in written]
        common.out().write(json_object({"definition": name, "path": paths[0], "files": paths}))
        return
    common.out().write("".join(f"{path}\n" for path in written))
    # In ./jobdefs it is found by its id, anywhere else by its path.
    reference = name if folder == Path("jobdefs") else str(written[0])
    common.err().write(f"next: quaero check {reference}\n      quaero run {reference}\n")


def _ask() -> str:
    """Return what a person at the terminal chooses; where there is none, the first type."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return _KINDS[0]
    common.err().write(f"{_ABOUT}\n")
    while True:
        common.err().write(f"begin with [{_KINDS[0]}]: ")
        chosen = sys.stdin.readline().strip().lower() or _KINDS[0]  # the end of the input is no choice either
        matches = [kind for kind in _KINDS if kind.startswith(chosen)]
        if len(matches) == 1:
            return matches[0]
        common.err().write(f"one of: {', '.join(_KINDS)}\n")


def _write(files: "Files", folder: Path) -> list[Path]:
    """Write all files, or none. Raises UsageError when one is there, or cannot be written."""
    written: list[Path] = []
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
        for name, text in files.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                written.append(folder / name)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError) and folder.is_dir():
            raise UsageError(f"{error.filename}: is there already", hint="choose another name, or --dir") from error
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{folder}: cannot be written: {reason}", hint="choose another folder with --dir") from error
    return written
