"""`quaero db`: the store: facts, a backup, whether it is sound, and giving room back to the disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quaero_cli.cli import common
from quaero_cli.cli.amounts import shown_size
from quaero_cli.cli.loop import run_loop
from quaero_cli.errors import StoreError, UsageError

if TYPE_CHECKING:
    from quaero_cli.settings import Settings
    from quaero_cli.terminal.console import Terminal

EPILOG = "Example: quaero db backup /backups/quaero-monday.db"
_HINT = "quaero db info, quaero db backup FILE, quaero db check, or quaero db compact"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("db", epilog=EPILOG)(db)


def db(
    action: Annotated[
        str,
        typer.Argument(
            metavar="info|backup|check|compact",
            help="Facts; a copy, to FILE; is it sound (exit code 6 if not); give free room back to the disk.",
        ),
    ],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", hidden=True)] = None,
    json: common.Json = False,
    home: common.Home = None,
) -> None:
    """Look after the store. All of it may be done while jobs run; a backup overwrites nothing."""
    actions = {"info": _info, "check": _check, "compact": _compact}
    if action not in actions and action != "backup":
        raise UsageError(f"db: no action {action!r}", hint=_HINT)
    if (file is not None) != (action == "backup"):
        raise UsageError(f"db {action}: " + ("name the file" if file is None else f"takes no {file}"), hint=_HINT)
    settings = common.prepared_settings(home)
    result = _backup(settings, file) if file is not None else actions[action](settings)
    if json:
        import orjson

        common.out().write(orjson.dumps(result).decode() + "\n")
    else:
        _print(action, result)
    if result.get("problems"):
        raise StoreError(
            f"{settings.database}: is damaged: {result['problems'][0]}",
            hint="stop all jobs, move the file aside, and restore a backup; it was not changed",
        )


def _info(settings: "Settings") -> dict[str, Any]:
    from quaero_cli.store.maintenance import info

    return dict(info(settings.database))


def _backup(settings: "Settings", file: Path) -> dict[str, Any]:
    from quaero_cli.store.maintenance import backup

    return {"file": str(file.absolute()), "bytes": backup(settings.database, file.absolute())}


def _check(settings: "Settings") -> dict[str, Any]:
    from quaero_cli.store.maintenance import check, info

    problems = check(settings.database)
    known = None if problems else info(settings.database)
    return {
        "ok": not problems,
        "problems": problems,
        "jobs": None if known is None else known["jobs"],
        "entries": None if known is None else known["entries"],
    }


def _compact(settings: "Settings") -> dict[str, Any]:
    from quaero_cli.session.clearing import clear_deleted
    from quaero_cli.store.maintenance import compact_log, info

    before = info(settings.database)
    run_loop(lambda: clear_deleted(settings))
    emptied = compact_log(settings.database)
    after = info(settings.database)
    return {
        "bytes_before": before["bytes"] + before["wal_bytes"],
        "bytes_after": after["bytes"] + after["wal_bytes"],
        "wal_emptied": emptied,
    }


def _print(action: str, result: dict[str, Any]) -> None:
    out, err = common.out(), common.err()
    if action == "info":
        _print_info(out, result)
    elif action == "backup":
        out.write(f"{result['file']}\n")
        err.write(f"{shown_size(result['bytes'])} written\n")
    elif action == "check":
        for problem in result["problems"]:
            out.write(f"{problem}\n")
        if result["ok"]:
            from quaero_cli.terminal import words

            out.write(f"ok: {words.count(result['jobs'], 'job')}, {words.entries(result['entries'])}\n")
    else:
        out.write(f"{shown_size(result['bytes_before'])} before, {shown_size(result['bytes_after'])} after\n")
        if not result["wal_emptied"]:
            err.write("hint: somebody reads from the write-ahead log, so it stays for now\n")


def _print_info(out: "Terminal", facts: dict[str, Any]) -> None:
    from quaero_cli.terminal.page import Cell, Column, page_for, table

    shown = {
        name.replace("_", " "): f"{value} ({shown_size(value)})" if name.endswith("bytes") else str(value)
        for name, value in facts.items()
    }
    rows = [[Cell(name, "muted"), Cell(value)] for name, value in shown.items()]
    out.write(table(page_for(out, 0), (Column(""), Column("", least=20, wrap=True)), rows))
