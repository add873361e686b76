"""`quaero steps`: the step types and their options."""

from typing import TYPE_CHECKING, Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.cli.completing import complete_step_type
from quaero_cli.errors import NotFoundError

if TYPE_CHECKING:
    from quaero_cli.jobdef.model import Option, StepType
    from quaero_cli.terminal.tables import StepTypeHelp

EPILOG = "Example: quaero steps shell"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("steps", epilog=EPILOG)(steps)


def steps(
    type_: Annotated[
        str | None,
        typer.Argument(
            metavar="[TYPE]", help="Show this type's options.", show_default=False, autocompletion=complete_step_type
        ),
    ] = None,
    json: common.Json = False,
) -> None:
    """List the step types, or show the options of one."""
    from quaero_cli.steps.registry import load_step_types
    from quaero_cli.terminal.tables import json_array, json_object, write_step_type, write_step_types

    types, out = load_step_types(), common.out()
    if type_ is None:
        views = [_help(each) for each in types.values()]
        if json:
            out.write(json_array(views))
        else:
            write_step_types(out, views)
        return
    if type_ not in types:
        raise NotFoundError(f"no step type {type_}", hint="one of: " + ", ".join(types))
    view = _help(types[type_])
    if json:
        out.write(json_object(view))
    else:
        write_step_type(out, view)


def _help(kind: "StepType") -> "StepTypeHelp":
    return {
        "type": kind.name,
        "summary": kind.summary,
        "description": kind.help,
        "options": [
            {
                "name": option.name,
                "type": option.expects,
                "default": None if option.required else _toml(option),
                "description": option.help,
            }
            for option in kind.options
        ],
    }


def _toml(option: "Option") -> str:
    """Return an option's default as it would be written in TOML; nothing where there is none."""
    import json

    from quaero_cli.jobdef.model import Kind

    value = option.default
    if value is None:
        return ""
    if option.kind is Kind.DURATION:
        return f'"{value:g}s"'
    if option.kind is Kind.SIZE:
        return f'"{value >> 20}MiB"' if value and value % (1 << 20) == 0 else str(value)
    if isinstance(value, tuple | list):
        return json.dumps(list(value))
    if isinstance(value, bool | str | int | float):
        return json.dumps(value)
    return json.dumps(value, default=str)
