"""`quaero workers`: the worker machines of a cluster, as a view heard of them."""

import typer

from quaero_cli.cli import common

EPILOG = "Example: quaero workers"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("workers", epilog=EPILOG, short_help="List the workers of a cluster.")(workers)


def workers(json: common.Json = False, home: common.Home = None) -> None:
    """List the workers of a cluster, and the jobs that they run, as this data directory's view heard of them."""
    from quaero_cli.store.dispatch import nodes
    from quaero_cli.store.queue import now_us
    from quaero_cli.terminal.tables import json_array, write_nodes

    settings = common.prepared_settings(home)
    found = nodes(settings.database, now_us())
    if json:
        common.out().write(json_array(found))
    elif found:
        write_nodes(common.out(), found)
    else:
        common.err().write(
            "no worker was heard of\n"
            "hint: each says every 10 seconds that it is there; start one: quaero worker --engine URL\n"
        )
