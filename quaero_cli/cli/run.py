"""`quaero run`: run a job in the foreground and show it."""

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quaero_cli.cli import common
from quaero_cli.cli.definitions import load_definition
from quaero_cli.cli.loop import run_loop
from quaero_cli.errors import UsageError

if TYPE_CHECKING:
    from quaero_cli.session.run import Beside, RunResult
    from quaero_cli.settings import Settings

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
    from quaero_cli.model import Level, LogQuery
    from quaero_cli.session.prepare import prepare

    settings = common.settings(home)
    query = LogQuery(steps=tuple(step or ()), level=common.level(level))
    found, types = load_definition(definition, settings)
    prepared = prepare(found, _given(parameters or [], params_file), trigger="cli")
    if dry_run:
        from quaero_cli.cli.dry_run import show_plan

        show_plan(prepared, json=json)
        return
    from quaero_cli.session.run import RunOptions
    from quaero_cli.session.run import run as run_job
    from quaero_cli.terminal.display import choose_mode, open_display

    _check_steps(query.steps, [each.name for each in found.steps])
    settings = common.prepared_settings(home)
    beside = _server_beside(settings, port, open_) if serve or open_ else None
    out, err = common.out(), common.err()
    mode = choose_mode(out, json=json, quiet=quiet)
    if mode == "quiet":  # shows no entry, and so need not read the many
        query = replace(query, level=Level.ERROR)
    display = open_display(mode=mode, out=out, err=err, announce_end=False)

    async def main() -> "RunResult":
        options = RunOptions(query, beside)
        return await run_job(settings, prepared, display, options, environment=dict(os.environ), step_types=types)

    result = run_loop(main)
    with suppress(BrokenPipeError):  # nobody reads any more; the code still tells how the job ended
        _summarise(settings, result, json=json)
    raise typer.Exit(result.code)


def _given(assignments: list[str], file: Path | None) -> dict[str, Any]:
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
        raise UsageError(f"--params {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # the latter: nested a thousand deep
        raise UsageError(f"--params {file}: {error}", hint="a .json file holds JSON, any other TOML") from error
    if not isinstance(values, dict):
        raise UsageError(f"--params {file}: not a table of parameters")
    return values


def _check_steps(wanted: tuple[str, ...], known: list[str]) -> None:
    for name in wanted:
        if name not in known:
            raise UsageError(f"--step: no step {name}", hint="the definition's steps are: " + ", ".join(known))


def _server_beside(settings: "Settings", port: int | None, open_browser: bool) -> "Beside":
    from quaero_cli.cli.serve import announce, serve_options
    from quaero_cli.session.run import Beside

    options = serve_options(settings, port=port)
    return Beside(options, lambda bound: announce(bound, open_browser=open_browser, to_stderr=True))


def _summarise(settings: "Settings", result: "RunResult", *, json: bool) -> None:
    """Say on stderr what ran and how it ended; a script that reads JSON has been told."""
    if json:
        return
    from quaero_cli.store.reader import open_reader
    from quaero_cli.terminal.clean import clean
    from quaero_cli.terminal.summary import Summary, write_summary

    with open_reader(settings.database) as reader:
        details = reader.details(result.job_id)
        failed = [step["name"] for step in details["steps"] if step["status"] == "failed"]
        last_lines = {name: reader.last_entries(result.job_id, name) for name in failed}
    err = common.err()
    write_summary(err, Summary(details, last_lines))
    hints = [entry.get("fields", {}).get("hint") for lines in last_lines.values() for entry in lines]
    for hint in dict.fromkeys(filter(None, hints)):
        err.write(f"hint: {clean(str(hint))}\n")
