"""`quaero rm`: delete jobs that have ended, with their entries."""

from typing import Any

import typer

from quaero_cli.cli import common
from quaero_cli.cli.loop import run_loop
from quaero_cli.errors import QuaeroError

EPILOG = "Example: quaero rm last"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rm", epilog=EPILOG, short_help="Delete jobs that have ended.")(rm)


def rm(jobs: common.JobArguments, json: common.Json = False, home: common.Home = None) -> None:
    """Delete jobs that have ended: their entries, steps, workers and files. Collected documents stay.

    A job that still runs is refused (exit code 2), and the others are deleted.
    """
    from quaero_cli.session.clearing import clear_deleted
    from quaero_cli.store.deletion import discard
    from quaero_cli.store.reader import open_reader
    from quaero_cli.stream.nudge import nudge
    from quaero_cli.terminal import words
    from quaero_cli.terminal.tables import json_array

    settings = common.swept_settings(home)
    with open_reader(settings.database) as reader:
        ids = list(dict.fromkeys(reader.find_job(job) for job in jobs))
    deleted: list[dict[str, Any]] = []
    refused: list[QuaeroError] = []
    for job_id in ids:
        try:
            deleted.append({"job_id": job_id, "entries": discard(settings.database, job_id)})
        except QuaeroError as error:  # the others are still to be deleted
            refused.append(error)
    nudge(settings.wake)
    run_loop(lambda: clear_deleted(settings))
    if json:
        common.out().write(json_array(deleted))
    else:
        for job in deleted:
            common.err().write(f"{job['job_id']}: deleted, {words.entries(job['entries'])}\n")
    if refused:
        raise refused[0]
