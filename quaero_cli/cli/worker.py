"""`quaero worker`: run the jobs of a cluster on this machine."""

import os
import socket
from collections.abc import Iterable
from typing import Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.cli.loop import run_loop
from quaero_cli.errors import UsageError

EPILOG = "Example: quaero worker --engine nats://queue.example --home /var/lib/quaero-worker"
MAX_SLOTS = 256


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker", epilog=EPILOG, short_help="Run the jobs of a cluster on this machine.")(worker)


def worker(
    engine: common.EngineOption = None,
    queue: Annotated[
        list[str] | None,
        typer.Option("--queue", metavar="NAME", help="Queue to take jobs from (repeatable) [default: default]."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="KEY=VALUE", help="What this machine has: jobs may ask for it (repeatable)."),
    ] = None,
    slots: Annotated[int, typer.Option("--slots", metavar="N", min=1, max=MAX_SLOTS, help="Jobs at once.")] = 1,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of this worker [default: the machine's].")
    ] = None,
    home: common.Home = None,
) -> None:
    """Run the jobs of a cluster on this machine, until SIGTERM or Ctrl-C: then those that run come to their end.

    A second signal cancels them. Each worker has a data directory of its own, which keeps what the views lack yet.
    """
    from quaero_cli.model.taking import DEFAULT_QUEUE, Offer, labels_as_words
    from quaero_cli.session.elsewhere import check_queue
    from quaero_cli.session.worker import WorkerOptions, work
    from quaero_cli.steps.registry import load_step_types

    settings = common.with_engine(common.prepared_settings(home), engine)
    queues = tuple(dict.fromkeys(map(check_queue, queue or [DEFAULT_QUEUE])))
    name = name if name is not None else settings.cluster.name or socket.gethostname()
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise UsageError(f"--name: {name[:60]!r} is no name", hint="a word that tells this worker from the others")
    offer = Offer(queues, {**_labels(settings.cluster.labels, "cluster.labels"), **_labels(label or (), "--label")})
    options = WorkerOptions(name, offer, slots)
    having = f" with {' '.join(labels_as_words(offer.labels))}" if offer.labels else ""
    types = load_step_types()

    def announce() -> None:
        common.err().write(
            f"worker {name}: takes jobs of {', '.join(queues)}{having}, {slots} at once; Ctrl-C stops it\n"
        )

    tell = common.err().write
    run_loop(lambda: work(settings, options, announce, tell, environment=dict(os.environ), step_types=types))


def _labels(words: Iterable[str], source: str) -> dict[str, str]:
    from quaero_cli.model.taking import labels_of_words

    try:
        return labels_of_words(words)
    except ValueError as error:
        raise UsageError(
            f"{source}: {str(error)[:60]!r} is no label", hint="key=value, for example gpu=a100"
        ) from None
