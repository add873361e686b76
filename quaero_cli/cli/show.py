"""`quaero show`: one job with everything but its log."""

import typer

from quaero_cli.cli import common

EPILOG = "Example: quaero show last"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show", epilog=EPILOG, short_help="Show one job with everything: steps, timings, outputs, errors.")(
        show
    )


def show(job: common.JobArgument, json: common.Json = False, home: common.Home = None) -> None:
    """Show one job: steps, workers, timings, counts, parameters, outputs, why it failed, its first errors."""
    from quaero_cli.store.reader import open_reader
    from quaero_cli.terminal.tables import json_object, write_job

    settings = common.swept_settings(home)
    with open_reader(settings.database) as reader:
        job_id = reader.find_job(job)
        details, errors = reader.details(job_id), reader.first_errors(job_id)
    if json:
        common.out().write(json_object({**details, "first_errors": errors}))
    else:
        write_job(common.out(), details, errors)
