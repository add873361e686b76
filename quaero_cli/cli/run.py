"""`quaero run`: run a job in the foreground and show it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from quaero_cli.cli import common
from quaero_cli.cli.definitions import load_definition
from quaero_cli.errors import UsageError

EPILOG = "Example: quaero run news-crawler -p max_pages=50 --serve"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run", epilog=EPILOG)(run)


def run(
    definition: common.DefinitionArgument,
    parameters: Annotated[
        list[str] | None, typer.Option("-p", "--param", metavar="KEY=VALUE", help="Set a parameter (repeatable).")
    ] = None,
    params_file: Annotated[
        Path | None, typer.Option("--params", metavar="FILE", help="Read parameters from a TOML or JSON file.")
    ] = None,
    level: common.LevelOption = "info",
    step: common.StepOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no entries, only the summary.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    detach: common.Detach = False,
    on: common.On = None,
    queue: common.QueueOption = None,
    serve: Annotated[bool, typer.Option("--serve", help="Serve the viewer for as long as the job runs.")] = False,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", help="Port of the viewer; 0 picks one [default: 8420].")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Serve the viewer, and open it in the browser.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run, and run nothing.")] = False,
    home: common.Home = None,
) -> None:
    """Run a job and show it: entries above, the tree of its steps below.

    Ctrl-C cancels the job, a second one kills it, a third leaves at once. Ends with the job's exit code.
    """
    from quaero_cli.model import LogQuery
    from quaero_cli.session.prepare import prepare

    settings = common.settings(home)
    query = LogQuery(steps=tuple(step or ()), level=common.level(level))
    found, types = load_definition(definition, settings)
    prepared = prepare(found, given_parameters(parameters or [], params_file), trigger="cli")
    if dry_run:
        from quaero_cli.cli.dry_run import show_plan

        show_plan(prepared, json=json)
        return
    from quaero_cli.cli.launch import View, check_steps, launch

    check_steps(query.steps, [each.name for each in found.steps])
    view = View(
        query, quiet=quiet, json=json, detach=detach, serve=serve, port=port, open_=open_,
        on_cluster=common.is_on_cluster(on, queue), queue=queue,
    )  # fmt: skip
    launch(common.prepared_settings(home), prepared, types, view)


def given_parameters(assignments: list[str], file: Path | None) -> dict[str, Any]:
    """Return the parameters of `-p` and `--params`. Raises UsageError."""
    from quaero_cli.jobdef.parameters import split_assignment

    given: dict[str, Any] = {} if file is None else _read_parameters(file)
    typed: dict[str, Any] = {}
    for assignment in assignments:
        key, value = split_assignment(assignment)
        if key in typed:
            before = typed[key]
            typed[key] = [*(before if isinstance(before, list) else [before]), value]
        else:
            typed[key] = value
    return {**given, **typed}


def _read_parameters(file: Path) -> dict[str, Any]:
    import json
    import tomllib

    try:
        text = file.read_text()
        values = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise UsageError(
            f"--params {file}: {(error.strerror or str(error)).lower()}", hint="name a TOML or a .json file"
        ) from error
    except (ValueError, RecursionError) as error:  # the latter: nested a thousand deep
        raise UsageError(f"--params {file}: {error}", hint="a .json file holds JSON, any other TOML") from error
    if not isinstance(values, dict):
        raise UsageError(f"--params {file}: not a table of parameters", hint='write KEY = VALUE, or {"KEY": "VALUE"}')
    return values
