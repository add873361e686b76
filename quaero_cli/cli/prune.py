"""`quaero prune`: retention, by age, number and size."""

from typing import TYPE_CHECKING, Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.cli.amounts import parse_age, parse_size, shown_size
from quaero_cli.cli.loop import run_loop
from quaero_cli.errors import UsageError

if TYPE_CHECKING:
    from quaero_cli.session.prune import Pruned
    from quaero_cli.store.retention import Bounds

EPILOG = "Example: quaero prune --older-than 30d --keep 20 --max-size 2GB --dry-run"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("prune", epilog=EPILOG)(prune)


def prune(
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Delete jobs that ended before: 12h, 30d, 4w.")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", metavar="N", min=0, help="Keep each definition's N newest jobs in any case."),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", metavar="SIZE", help="Delete the oldest jobs until the store is smaller."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")
    ] = False,
    json: common.Json = False,
    home: common.Home = None,
) -> None:
    """Delete old jobs with their entries, steps and files. Jobs that run and collected documents stay.

    With --older-than, jobs that are older go; with --keep alone, all but the newest. Together: what is older and not
    among the newest. --max-size then deletes the oldest of the rest, but for those that --keep protects.
    """
    from quaero_cli.session.prune import prune as prune_store
    from quaero_cli.store.retention import Bounds

    bounds = Bounds(
        older_than=None if older_than is None else parse_age(older_than, "--older-than"),
        keep=keep,
        max_size=None if max_size is None else parse_size(max_size, "--max-size"),
    )
    if bounds == Bounds():
        raise UsageError("prune: say what may go", hint="give --older-than 30d, --keep 20 or --max-size 2GB")
    settings = common.swept_settings(home)
    pruned = run_loop(lambda: prune_store(settings, bounds, dry_run=dry_run))
    _print(pruned, bounds, dry_run=dry_run, json=json)


def _print(pruned: "Pruned", bounds: "Bounds", *, dry_run: bool, json: bool) -> None:
    if json:
        import orjson

        common.out().write(orjson.dumps(pruned.view(dry_run=dry_run)).decode() + "\n")
        return
    from quaero_cli.store.encode import timestamp
    from quaero_cli.terminal import words
    from quaero_cli.terminal.tables import RemovedJob, write_removed

    out, err = common.out(), common.err()
    write_removed(
        out,
        [
            RemovedJob(job.id, job.definition, str(job.status), timestamp(job.finished_at), job.entries)
            for job in pruned.removed
        ],
    )
    word = "would be deleted" if dry_run else "deleted"
    sizes = f"the store has {shown_size(pruned.bytes_before)}"
    if not dry_run:
        sizes = f"the store had {shown_size(pruned.bytes_before)} and has {shown_size(pruned.bytes_after)}"
    err.write(f"{words.count(len(pruned.removed), 'job')} {word}; {sizes}\n")
    if pruned.memos:
        err.write(
            f"{words.count(pruned.memos, 'page')} {'would be' if dry_run else 'were'} forgotten by the crawler\n"
        )
    if bounds.max_size is not None and pruned.bytes_after > bounds.max_size and not dry_run:
        err.write("hint: it is still larger than --max-size: what is left is kept, runs, or is documents\n")
