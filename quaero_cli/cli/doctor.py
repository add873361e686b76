"""`quaero doctor`: whether quaero can work here, and what to do where it cannot."""

from typing import TYPE_CHECKING

import typer

from quaero_cli.cli import common
from quaero_cli.cli.definitions import folders
from quaero_cli.errors import UsageError
from quaero_cli.settings import Settings

if TYPE_CHECKING:
    from quaero_cli.session.doctor import Finding

EPILOG = "Example: quaero doctor --json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", epilog=EPILOG, short_help="Look at everything that quaero needs, and say what to mend.")(
        doctor
    )


def doctor(json: common.Json = False, home: common.Home = None) -> None:
    """Look at everything that quaero needs, and say what to do about what is wrong. Changes nothing.

    Exit code 0 when there is no problem; else that of the first one: 2 settings or definitions, 6 home or store,
    7 server.
    """
    from quaero_cli.session.doctor import PROBLEM, Finding, examine
    from quaero_cli.steps.registry import load_step_types
    from quaero_cli.terminal.tables import json_array

    wrong: list[Finding] = []
    try:
        settings = common.settings(home)
    except UsageError as error:  # a mistake in a file of settings: look at the rest with the defaults
        wrong.append(Finding("settings", PROBLEM, error.message, error.hint, error.exit_code))
        settings = Settings(home=common.home_directory(home))
    found = examine(settings, folders(settings), load_step_types)
    found = [each for each in found if not (wrong and each.check == "settings")]
    found = [*wrong, *found]
    if json:
        common.out().write(json_array([each.view() for each in found]))
    else:
        _print(found)
    raise typer.Exit(next((each.exit_code for each in found if each.state == PROBLEM), 0))


def _print(found: "list[Finding]") -> None:
    import time

    from quaero_cli.terminal.page import Cell, Column, page_for, table

    out = common.out()
    page = page_for(out, time.time())
    styles = {"ok": "completed", "warning": "warning", "problem": "failed"}
    rows = []
    for each in found:
        sign = page.status(styles[each.state]).text.split()[0]
        state = Cell(f"{sign} {each.state}", styles[each.state])
        rows.append([state, Cell(each.check, "title"), Cell(each.message)])
        if each.hint:
            rows.append([Cell(""), Cell(""), Cell(f"hint: {each.hint}", "muted")])
    out.write(table(page, (Column(""), Column(""), Column("", least=20, wrap=True)), rows))
