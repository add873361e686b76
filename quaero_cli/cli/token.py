"""`quaero token`: the server's token, for scripts."""

import typer

from quaero_cli.cli import common

EPILOG = 'Example: curl -N -H "Authorization: Bearer $(quaero token)" "http://127.0.0.1:8420/api/jobs"'


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("token", epilog=EPILOG)(token)


def token(json: common.Json = False, home: common.Home = None) -> None:
    """Print the server's token; it is made when there is none yet."""
    from quaero_cli.server.token import load_or_create

    settings = common.prepared_settings(home)
    found = load_or_create(settings.token_file)
    if json:
        from quaero_cli.terminal.tables import json_object

        common.out().write(json_object({"token": found, "file": str(settings.token_file)}))
    else:
        common.out().write(f"{found}\n")
