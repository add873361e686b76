"""`quaero check`: say whether definitions can be run, and what is wrong with those that cannot."""

from typing import Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.cli.definitions import folders
from quaero_cli.errors import DefinitionError, QuaeroError, UsageError

EPILOG = "Example: quaero check jobdefs/nightly.toml"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", epilog=EPILOG)(check)


def check(
    definitions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DEF]...", help="Definitions' ids, or paths to .toml files.",
            autocompletion=common.complete_definition, show_default=False,
        ),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the file format as a JSON Schema, for editors.")
    ] = False,
    json: common.Json = False,
    home: common.Home = None,
) -> None:  # fmt: skip
    """Check definitions without running them. Exit code 2: one cannot be used; 4: there is none of that id."""
    if schema == bool(definitions):
        raise UsageError("name the definitions to check, or ask for --schema", hint="list them with: quaero defs")
    if schema:
        _print_schema()
        return
    from quaero_cli.jobdef.find import find
    from quaero_cli.steps.registry import load_step_types
    from quaero_cli.terminal.tables import json_array

    types, places = load_step_types(), folders(common.settings(home))
    results: list[dict[str, object]] = []
    worst: QuaeroError | None = None
    for reference in definitions or ():
        result: dict[str, object] = {"definition": reference, "path": None, "ok": True, "error": None, "hint": None}
        try:
            result["path"] = str(find(reference, places, types).path)
        except QuaeroError as error:
            result |= {"ok": False, "error": error.message, "hint": error.hint}
            worst = error if worst is None or isinstance(error, DefinitionError) else worst
        results.append(result)
    if json:
        common.out().write(json_array(results))
    else:
        _print(results)
    if worst is not None:
        raise typer.Exit(worst.exit_code)


def _print_schema() -> None:
    import json

    from quaero_cli.jobdef.schema import definition_schema
    from quaero_cli.steps.registry import load_step_types

    common.out().write(json.dumps(definition_schema(load_step_types()), indent=2) + "\n")


def _print(results: list[dict[str, object]]) -> None:
    from quaero_cli.terminal.clean import clean

    for result in results:
        if result["ok"]:
            common.out().write(f"{clean(str(result['path']))}: ok\n")
            continue
        common.err().write(f"error: {clean(str(result['error']))}\n")
        if result["hint"]:
            common.err().write(f"hint: {clean(str(result['hint']))}\n")
