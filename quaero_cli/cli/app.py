"""The command line's root: its commands, the options before them, and how an error looks."""

import errno
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from quaero_cli import __version__
from quaero_cli.cli import commands
from quaero_cli.cli.common import before_command
from quaero_cli.cli.mistakes import usage_error
from quaero_cli.cli.streams import open_standard_streams
from quaero_cli.cli.welcome import say
from quaero_cli.errors import FilterError, QuaeroError

_ABOUT = "Runs jobs, stores every line they write, and shows them live in the terminal and in the browser."
EPILOG = "Try: quaero run hello, then quaero tail last, then quaero serve --open"


def make_app(name: str | None = None) -> typer.Typer:
    """Return the command line with the command `name` alone, or with all of them, whole."""
    app = _root()
    for each in [name] if name else commands.COMMANDS:
        commands.register(app, each)
    for command in app.registered_commands:
        command.cls = _Command
        if command.callback is not None:
            command.callback = _quiet_in_pipes(command.callback)
    return app


def _app_for(words: Sequence[str]) -> typer.Typer:
    """Return as much of the command line as these words need."""
    if "_QUAERO_COMPLETE" in os.environ:  # a shell asks, and `words` are not what was typed
        return make_app()
    if name := commands.named_in(words):
        return make_app(name)
    app = _root()
    commands.register_names(app)
    return app


def _root() -> typer.Typer:
    app = typer.Typer(
        name="quaero",
        help=_ABOUT,
        epilog=EPILOG,
        rich_markup_mode=None,  # rich help costs more than all the rest of `--help`
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(before)
    return app


def _quiet_in_pipes(command: Callable[..., None]) -> Callable[..., None]:
    """`quaero jobs | head`: the reader has seen enough, and that is no failure. (Typer would make it one.)"""

    @wraps(command)
    def quiet(*args: object, **options: object) -> None:
        try:
            command(*args, **options)
        except BrokenPipeError:
            _mute_stdout()
            raise SystemExit(0) from None

    return quiet


class _Command(TyperCommand):
    """A command whose usage has its arguments as they are typed: `quaero run DEF`, where Typer writes `{DEF}`."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 - the parser's own, which moves about
        pieces = super().collect_usage_pieces(ctx)
        return [piece[1:-1] if piece.startswith("{") and piece.endswith("}") else piece for piece in pieces]


def _version(wanted: bool) -> None:
    if wanted:
        say(f"quaero {__version__}\n")
        raise typer.Exit


def before(
    home: Annotated[
        str | None,
        typer.Option("--home", metavar="DIR", help="Data directory [env: QUAERO_HOME; default: the platform's]."),
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Settings, instead of quaero.toml.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Runs jobs, stores every line they write, and shows them live in the terminal and in the browser."""
    before_command.home = home
    before_command.config = config
    before_command.debug = debug


def run_command_line() -> int:
    """Run the command and return its exit code; every error of ours is one line, and one with a hint."""
    open_standard_streams()
    try:
        code = _app_for(sys.argv[1:])(args=sys.argv[1:], prog_name="quaero", standalone_mode=False)
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # the parser's way out when nobody reads its help
            _mute_stdout()
            return 0
        return leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
    except QuaeroError as error:
        if before_command.debug:
            raise
        return _fail(error)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if type(error).__name__ == "Abort":  # Typer's name for Ctrl-C
            return 130
        usage = usage_error(error)
        if usage is None and before_command.debug:
            raise
        return _fail(usage or _our_fault(error))
    return code if isinstance(code, int) else 0


def _our_fault(error: Exception) -> QuaeroError:
    """Return what can be said of an error that nobody expected."""
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return QuaeroError(
            "no more files can be opened", hint="raise the limit with ulimit -n, or run fewer things at once"
        )
    return QuaeroError(f"{type(error).__name__}: {error}", hint="to see where: quaero --debug, before the command")


def _fail(error: QuaeroError) -> int:
    from quaero_cli.terminal.clean import clean

    # Filters are named as the API names them; here each is an option.
    dashes = "--" if isinstance(error, FilterError) else ""
    with suppress(OSError):  # stderr may be what cannot be written
        print(f"error: {dashes}{clean(error.message)}", file=sys.stderr)
        if error.hint:
            print(f"hint: {dashes}{clean(error.hint)}", file=sys.stderr)
    return error.exit_code


def _mute_stdout() -> None:
    """Let Python flush into nothing at exit: the pipe is closed, and it would complain."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
