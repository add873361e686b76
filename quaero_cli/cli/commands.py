"""The commands by name, and how each stands in the list of `quaero --help`; their modules are imported when needed.

Typer looks at the signature of every command that it is handed, which takes longer than all the rest of `--help`. So
a command line gets the one command that it names, and the list of all gets names with a line each. A test holds the
lines to what the commands say of themselves.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module

import typer

COMMANDS: Mapping[str, str] = {
    "run": "Run a job and show it: entries above, the tree of its steps below.",
    "tail": "Follow jobs: their last entries, then live, to the end.",
    "serve": "Serve the viewer and the API; print the address to open.",
    "jobs": "List jobs, newest first.",
    "show": "Show one job with everything: steps, timings, outputs, errors.",
    "cancel": "Cancel jobs, wherever they run, and wait for their end.",
    "retry": "Run a job that has ended again, as a new job.",
    "rm": "Delete jobs that have ended.",
    "prune": "Delete old jobs with their entries, steps and files.",
    "defs": "List job definitions, and when each starts next.",
    "check": "Check definitions without running them.",
    "new": "Write a definition that runs as it is, to be changed.",
    "steps": "List the step types, or show the options of one.",
    "logs": "Write a job's whole log, as it is stored at this moment.",
    "search": "Look for a text in the entries of all jobs.",
    "docs": "List, search, show or export what crawlers collected.",
    "db": "Look after the store.",
    "token": "Print the server's token; it is made when there is none yet.",
    "doctor": "Look at everything that quaero needs, and say what to mend.",
    "worker": "Run the jobs of a cluster on this machine.",
    "workers": "List the workers of a cluster.",
}
# Options before the command that are followed by a value.
_WITH_VALUE = ("--home", "--config")


def named_in(words: Sequence[str]) -> str | None:
    """Return the command that a command line names; None when it names none, or one that is none."""
    rest = iter(words)
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word if word in COMMANDS else None
    return None


def register(app: typer.Typer, name: str) -> None:
    """Add a command, whole."""
    import_module(f"quaero_cli.cli.{name}").register(app)


def register_names(app: typer.Typer) -> None:
    """Add all commands as names with a line of help: enough to list them, and to find the nearest to a wrong one."""
    for name, line in COMMANDS.items():
        app.command(name, short_help=line)(_no_command)


def _no_command() -> None:
    """Stand for a command in a list."""
