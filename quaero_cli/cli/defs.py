"""`quaero defs`: the job definitions that can be run."""

from typing import Annotated, Any

import typer

from quaero_cli.cli import common
from quaero_cli.cli.definitions import folders

EPILOG = "Example: quaero defs --json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("defs", epilog=EPILOG, short_help="List job definitions, and when each starts next.")(defs)


def defs(
    all_: Annotated[bool, typer.Option("--all", help="Also those that another file of the same id hides.")] = False,
    json: common.Json = False,
    home: common.Home = None,
) -> None:
    """List job definitions: where each is read from, when it starts next, and why one cannot be used.

    They are looked for in ./jobdefs, the data directory's jobdefs, then those shipped with quaero; the first wins.
    """
    from quaero_cli.jobdef.find import listing
    from quaero_cli.resources import shipped
    from quaero_cli.session.definition_view import definition_view
    from quaero_cli.steps.registry import load_step_types
    from quaero_cli.store.queue import now_us
    from quaero_cli.terminal.tables import json_array, write_definitions

    found = listing(folders(common.settings(home)), load_step_types())
    now = now_us()
    views = [definition_view(each, now) for each in found if all_ or each.shadowed_by is None]
    out = common.out()
    if json:
        out.write(json_array(views))
        return
    own = str(shipped("jobdefs"))
    rows: list[Any] = [{**view, "shipped": view["path"].startswith(own)} for view in views]
    write_definitions(out, rows)
