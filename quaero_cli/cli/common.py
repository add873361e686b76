"""What every command shares: the settings, the terminals, options with one spelling, and completions.

Imports here are those that every command pays for: Typer and the standard library. Everything else is imported where
it is used, so that `--help` and completion answer at once.
"""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from quaero_cli.cli.completing import complete_definition, complete_job, complete_level, complete_step
from quaero_cli.errors import UsageError
from quaero_cli.settings import Settings

if TYPE_CHECKING:
    from quaero_cli.model import Level
    from quaero_cli.terminal.console import Terminal


@dataclass(slots=True)
class BeforeCommand:
    """The options that stand before the command, as `app` found them."""

    home: str | None = None
    config: str | None = None
    debug: bool = False


before_command = BeforeCommand()

_Given = TypeVar("_Given", str, list[str], None)


def not_empty(param: typer.CallbackParam, value: _Given) -> _Given:
    """Return an option's value as it is. Raises UsageError for an empty one, which names nothing."""
    if "" in ([value] if isinstance(value, str) else value or ()):
        raise UsageError(f"{param.opts[0]}: is empty", hint="is the variable in it set?")
    return value


Home = Annotated[
    str | None,
    typer.Option("--home", metavar="DIR", help="Data directory [env: QUAERO_HOME; default: the platform's]."),
]
Detach = Annotated[
    bool, typer.Option("--detach", help="Print the job's ID and leave; the job goes on without the terminal.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no entries, only the summary.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


LevelOption = Annotated[
    str, typer.Option("--level", metavar="LEVEL", help="Lowest level: debug, info, warn, error.",
                      autocompletion=complete_level),
]  # fmt: skip
StepOption = Annotated[
    list[str] | None,
    typer.Option("--step", metavar="STEP", help="Only entries of this step (repeatable).",
                 autocompletion=complete_step, callback=not_empty),
]  # fmt: skip
JobArgument = Annotated[
    str, typer.Argument(metavar="JOB", help="A job ID, its beginning, a definition's id, or `last`.",
                        autocompletion=complete_job),
]  # fmt: skip
JobArguments = Annotated[
    list[str], typer.Argument(metavar="JOB...", help="Job IDs, their beginnings, definitions' ids, or `last`.",
                              autocompletion=complete_job),
]  # fmt: skip
DefinitionArgument = Annotated[
    str, typer.Argument(metavar="DEF", help="A definition's id, or a path to a .toml file.",
                        autocompletion=complete_definition),
]  # fmt: skip


On = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="PLACE", help="Where it runs: here, or on the workers of the cluster [default: here]."
    ),
]
QueueOption = Annotated[
    str | None,
    typer.Option("--queue", metavar="NAME", help="The cluster's queue [default: the definition's]."),
]
EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine", metavar="URL", help="The cluster's engine: nats://HOST, or sqlite:///FILE [default: none]."
    ),
]


def is_on_cluster(on: str | None, queue: str | None, *, default: bool = False) -> bool:
    """Return whether a cluster is to run the job; `default` where nothing was said. Raises UsageError."""
    if on not in (None, "here", "cluster"):
        raise UsageError(f"--on: no place {on!r}", hint="one of: here, cluster")
    if not (default if on is None else on == "cluster"):
        if queue is not None:
            raise UsageError("--queue: the job runs here", hint="add --on cluster")
        return False
    return True


def with_engine(settings: Settings, engine: str | None) -> Settings:
    """Return the settings with the engine of `--engine`, if it was given."""
    return settings if engine is None else replace(settings, cluster=replace(settings.cluster, engine=engine))


def settings(home: str | None) -> Settings:
    """Return the settings. Raises UsageError for what cannot be one, with its place."""
    from quaero_cli.cli.configuration import configured

    return configured(home_directory(home), before_command.config, os.environ)


def home_directory(home: str | None) -> Path:
    """Return the data directory: the command's own `--home`, the one before the command, QUAERO_HOME, the platform's.

    Raises UsageError for an empty `--home`, which is what a shell makes of an unset variable.
    """
    if home is None:
        home = before_command.home
    if home is not None and not home.strip():
        raise UsageError("--home: names no directory", hint="is the variable in it set?")
    home = home or os.environ.get("QUAERO_HOME")
    if not home:
        from platformdirs import user_data_path

        return user_data_path("quaero", appauthor=False)
    return Path(home).expanduser().absolute()


def prepared_settings(home: str | None) -> Settings:
    """Return the settings with the data directory made and the database brought up to date. Raises StoreError."""
    from quaero_cli.store.schema import prepare

    found = settings(home)
    prepare(found.database)
    return found


def swept_settings(home: str | None) -> Settings:
    """Like `prepared_settings`, for commands that look at jobs: those whose runner died are marked and ended."""
    from quaero_cli.store.queue import mark_interrupted
    from quaero_cli.stream.nudge import nudge

    found = prepared_settings(home)
    if dead := mark_interrupted(found.database, found.locks):
        nudge(found.wake)
        _end_survivors(dead)
    return found


def _end_survivors(jobs: list[str]) -> None:
    from quaero_cli.cli.loop import run_loop
    from quaero_cli.session.sweep import end_survivors
    from quaero_cli.terminal.clean import clean

    run_loop(lambda: end_survivors(jobs, lambda text: err().write(f"{clean(text)}\n")))


def level(name: str) -> "Level":
    """Return the level of that name. Raises UsageError."""
    from quaero_cli.model import LEVELS

    found = LEVELS.get(name.lower())
    if found is None:
        raise UsageError(f"--level: no level {name!r}", hint="one of: " + ", ".join(LEVELS))
    return found


def out() -> "Terminal":
    """Return stdout: data."""
    from quaero_cli.terminal.console import Terminal

    return Terminal(sys.stdout, os.environ)


def err() -> "Terminal":
    """Return stderr: words."""
    from quaero_cli.terminal.console import Terminal

    return Terminal(sys.stderr, os.environ)
