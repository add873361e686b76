"""`quaero serve`: the viewer and the API."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quaero_cli.cli import common
from quaero_cli.cli.definitions import folders
from quaero_cli.cli.loop import run_loop
from quaero_cli.errors import UsageError

if TYPE_CHECKING:
    from quaero_cli.server.serve import Bound
    from quaero_cli.session.serve import ServeOptions
    from quaero_cli.settings import Settings

EPILOG = "Example: quaero serve --open"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve", epilog=EPILOG)(serve)


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Address to listen on [default: 127.0.0.1].",
            callback=common.not_empty,
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", help="Port to listen on; 0 picks one [default: 8420].")
    ] = None,
    uds: Annotated[Path | None, typer.Option("--uds", metavar="PATH", help="Listen on a Unix socket.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the viewer in the browser.")] = False,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Ask for no token (loopback only).")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse everything that changes something.")] = False,
    engine: common.EngineOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the address and the token as a JSON object.")] = False,
    home: common.Home = None,
) -> None:
    """Serve the viewer and the API; print the address to open. Ctrl-C stops it and cancels the jobs it runs.

    With --engine it is a view of a cluster: workers run what is started here, and it shows all that they say.
    """
    settings = common.with_engine(common.prepared_settings(home), engine)
    options = serve_options(settings, host=host, port=port, uds=uds, no_auth=no_auth, read_only=read_only)
    from quaero_cli.session.serve import serve as serve_until_stopped
    from quaero_cli.steps.registry import load_step_types

    types = load_step_types()

    async def main() -> None:
        await serve_until_stopped(
            settings,
            options,
            lambda bound: announce(bound, open_browser=open_, json=json),
            common.err().write,
            environment=dict(os.environ),
            step_types=types,
        )

    run_loop(main)


# Entries that the viewer and `tail --server` ask for at once, at most.
CLIENT_PAGE = 500


def serve_options(
    settings: "Settings",
    *,
    host: str | None = None,
    port: int | None = None,
    uds: Path | None = None,
    no_auth: bool = False,
    read_only: bool = False,
) -> "ServeOptions":
    """Return how to serve, as the settings say where nothing is given; makes the token when there is none.

    Raises UsageError and ServerError.
    """
    from quaero_cli.server.serve import ServeOptions as ListenOptions
    from quaero_cli.server.token import load_or_create
    from quaero_cli.session.serve import ServeOptions

    if settings.stream.max_limit < CLIENT_PAGE:
        common.err().write(
            f"warning: logging.stream.max_limit = {settings.stream.max_limit} is less than the viewer and"
            f" `quaero tail --server` ask for at once: they cannot go back in a log\nhint: {CLIENT_PAGE} is enough\n"
        )
    given = settings.server
    port = given.port if port is None else port
    if not 0 <= port <= 65535:
        raise UsageError(f"--port: {port} is no port", hint="a number from 0 (any free one) to 65535")
    token = None if no_auth else load_or_create(settings.token_file)
    listen = ListenOptions(
        host=host or given.host, port=port, token=token, read_only=read_only, hosts=given.hosts, unix_socket=uds
    )
    return ServeOptions(listen, tuple(folders(settings)))


def announce(bound: "Bound", *, open_browser: bool, to_stderr: bool = False, json: bool = False) -> None:
    """Print the address to open, its token in the fragment: on stdout where it is what the command is for."""
    from quaero_cli.resources import missing_vendor_files

    said = f"{bound.viewer_url}\n"
    if json:
        from quaero_cli.terminal.tables import json_object

        facts = {"url": bound.url, "viewer_url": bound.viewer_url, "host": bound.host, "port": bound.port}
        said = json_object({**facts, "token": bound.token})
    (common.err() if to_stderr else common.out()).write(said)
    if not (to_stderr or json) and common.err().tty:
        common.err().write("Ctrl-C stops it, and the jobs that it has started\n")
    if bound.public:
        common.err().write(
            "warning: other machines can reach this server, and what it sends is not encrypted\n"
            "hint: put a proxy with TLS in front of it, or serve on 127.0.0.1 and use ssh -L\n"
        )
    missing = missing_vendor_files()
    if missing:
        common.err().write(f"warning: the viewer lacks {', '.join(missing)}\nhint: run: npm ci --prefix viewer\n")
    if open_browser:
        import webbrowser

        if not webbrowser.open(bound.viewer_url):
            common.err().write("no browser could be opened; the address is above\n")
