"""Starting a prepared job for `run` and `retry`: shown in the foreground, or detached."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import typer

from quaero_cli.cli import common
from quaero_cli.cli.loop import run_loop
from quaero_cli.errors import UsageError

if TYPE_CHECKING:
    from quaero_cli.jobdef.model import StepType
    from quaero_cli.model import LogQuery
    from quaero_cli.session.prepare import Prepared
    from quaero_cli.session.run import Beside, RunResult
    from quaero_cli.settings import Settings
    from quaero_cli.terminal.display import Display


@dataclass(frozen=True, slots=True)
class View:
    """How a job is shown. `port` and `open_`: of the server beside it; `queue`: None is the definition's."""

    query: "LogQuery"
    quiet: bool = False
    json: bool = False
    detach: bool = False
    serve: bool = False
    port: int | None = None
    open_: bool = False
    on_cluster: bool = False
    queue: str | None = None


def launch(settings: "Settings", prepared: "Prepared", types: "Mapping[str, StepType]", view: View) -> NoReturn:
    """Start the job and leave with its exit code, or with 0 once it is stored when it is detached."""
    with_viewer = view.serve or view.open_
    if view.detach and with_viewer:
        raise UsageError("--detach: a viewer would not outlive this command", hint="start one: quaero serve")
    if view.port is not None and not with_viewer:
        raise UsageError("--port: nothing is served", hint="add --serve, or --open")
    if view.on_cluster:
        _launch_elsewhere(settings, prepared, view)
    if view.detach:
        from quaero_cli.cli.detach import detach

        detach(settings, prepared, json=view.json)
        raise typer.Exit(0)
    from quaero_cli.session.run import RunOptions
    from quaero_cli.session.run import run as run_job

    check_steps(view.query.steps, [each.name for each in prepared.definition.steps])
    beside = _server_beside(settings, view.port, view.open_) if with_viewer else None
    display, query = _display(view)

    async def main() -> "RunResult":
        options = RunOptions(query, beside)
        return await run_job(settings, prepared, display, options, environment=dict(os.environ), step_types=types)

    result = run_loop(main)
    with suppress(BrokenPipeError):  # nobody reads any more; the code still tells how the job ended
        _summarise(settings, result, json=view.json)
    raise typer.Exit(result.code)


def _display(view: View) -> "tuple[Display, LogQuery]":
    """Return what shows the job, and what it needs to read."""
    from quaero_cli.model import Level
    from quaero_cli.terminal.display import choose_mode, open_display

    out = common.out()
    mode = choose_mode(out, json=view.json, quiet=view.quiet)
    # A quiet display shows no entry, and so need not read the many.
    query = replace(view.query, level=Level.ERROR) if mode == "quiet" else view.query
    return open_display(mode=mode, out=out, err=common.err(), announce_end=False), query


def _launch_elsewhere(settings: "Settings", prepared: "Prepared", view: View) -> NoReturn:
    """Make the job for a cluster's workers and show it, or print its ID."""
    from quaero_cli.session.elsewhere import check_queue, follow_elsewhere, submit_elsewhere
    from quaero_cli.stream.nudge import nudge

    if view.serve or view.open_:
        raise UsageError("--serve: the cluster has its viewer", hint="quaero serve --engine prints its address")
    check_steps(view.query.steps, [each.name for each in prepared.definition.steps])
    job_id = submit_elsewhere(settings, prepared, None if view.queue is None else check_queue(view.queue)).job
    nudge(settings.wake, errand=True)
    if view.detach:
        from quaero_cli.terminal.tables import json_object

        common.out().write(json_object({"job_id": job_id, "status": "pending"}) if view.json else f"{job_id}\n")
        if not view.json:
            common.err().write(f"hint: follow it with: quaero tail {job_id}\n")
        raise typer.Exit(0)
    display, query = _display(view)

    async def main() -> "RunResult":
        return await follow_elsewhere(settings, job_id, display, query)

    result = run_loop(main)
    with suppress(BrokenPipeError):
        _summarise(settings, result, json=view.json)
    raise typer.Exit(result.code)


def check_steps(wanted: tuple[str, ...], known: list[str]) -> None:
    """Raise UsageError for a `--step` that the definition does not have."""
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
    from quaero_cli.terminal.summary import Summary, what_failed, write_summary

    with open_reader(settings.database) as reader:
        details = reader.details(result.job_id)
        failed = what_failed(details["steps"], details["workers"])
        last_lines = {worker or step: reader.last_entries(result.job_id, step, worker) for step, worker in failed}
        # The way out stands in the step's own last entries, also where only its workers' lines are shown.
        own = [reader.last_entries(result.job_id, step) for step in dict.fromkeys(step for step, _ in failed)]
    err = common.err()
    write_summary(err, Summary(details, last_lines))
    hints = [entry.get("fields", {}).get("hint") for lines in (*last_lines.values(), *own) for entry in lines]
    for hint in dict.fromkeys(filter(None, hints)):
        err.write(f"hint: {clean(str(hint))}\n")
