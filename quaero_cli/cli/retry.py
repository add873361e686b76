"""`quaero retry`: run a job again, all of it or what did not complete."""

from typing import Annotated

import typer

from quaero_cli.cli import common

EPILOG = "Example: quaero retry last --failed"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("retry", epilog=EPILOG, short_help="Run a job that has ended again, as a new job.")(retry)


def retry(
    job: common.JobArgument,
    failed: Annotated[
        bool, typer.Option("--failed", help="Keep completed steps and workers, and run the rest.")
    ] = False,
    parameters: Annotated[
        list[str] | None,
        typer.Option("-p", "--param", metavar="KEY=VALUE", help="Set a parameter anew (repeatable)."),
    ] = None,
    level: common.LevelOption = "info",
    step: common.StepOption = None,
    quiet: common.Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    detach: common.Detach = False,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="PLACE", help="Where it runs: here, or cluster [default: where it ran]."),
    ] = None,
    queue: common.QueueOption = None,
    home: common.Home = None,
) -> None:
    """Run a job that has ended again, as a new job: its definition as it was then, with the same parameters.

    It runs where that one ran, on the workers of the cluster or here. Shown like `run`, with its exit codes. Ctrl-C
    cancels the new job.
    """
    from quaero_cli.cli.launch import View, launch
    from quaero_cli.cli.run import given_parameters
    from quaero_cli.model import LogQuery
    from quaero_cli.session.again import prepare_retry
    from quaero_cli.steps.registry import load_step_types
    from quaero_cli.store.reader import open_reader

    settings, types = common.swept_settings(home), load_step_types()
    query = LogQuery(steps=tuple(step or ()), level=common.level(level))
    with open_reader(settings.database) as reader:
        job_id = reader.find_job(job)
    given = given_parameters(parameters or [], None)
    prepared = prepare_retry(settings, job_id, types, failed=failed, given=given)
    on_cluster = common.is_on_cluster(on, queue, default=prepared.job.queue is not None)
    view = View(query, quiet=quiet, json=json, detach=detach, on_cluster=on_cluster, queue=queue)
    launch(settings, prepared, types, view)
