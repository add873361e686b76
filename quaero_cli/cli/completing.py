"""What the shell is offered at Tab: definitions, jobs, steps, workers, levels, statuses, step types.

A completion has no place for words and no time: what cannot be read offers nothing, and nothing heavy is imported.
The home is that of the command line which is being typed, as far as it has come.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from quaero_cli.errors import QuaeroError

if TYPE_CHECKING:
    from quaero_cli.settings import Settings
    from quaero_cli.store.reader import Reader

# As many as a person looks through; a store may hold a hundred thousand.
_NEWEST_JOBS = 100


def complete_level(incomplete: str) -> list[str]:
    """Complete a level."""
    return _matching(("debug", "info", "warn", "error"), incomplete)


def complete_status(incomplete: str) -> list[str]:
    """Complete the status of a job."""
    from quaero_cli.model import JOB_STATUSES

    return _matching(JOB_STATUSES, incomplete)


def complete_step_type(incomplete: str) -> list[str]:
    """Complete a step type."""
    from quaero_cli.steps.registry import load_step_types

    return _matching(load_step_types(), incomplete)


def complete_job(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a job ID or a definition's id, the newest first."""
    names = ["last"]
    with suppress(QuaeroError), _reader(ctx) as reader:
        jobs = reader.list_jobs(limit=_NEWEST_JOBS)
        names += [job["id"] for job in jobs] + [job["definition"] for job in jobs]
    typed = _arguments(ctx, "jobs")
    return [name for name in _matching(dict.fromkeys(names), incomplete) if name not in typed]


def complete_definition(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a definition's id from the file names, which is its id unless the file says otherwise."""
    names: set[str] = set()
    with suppress(QuaeroError):
        names = {path.stem for folder in _folders(ctx) for path in folder.glob("*.toml")}
    return _matching(sorted(names), incomplete)


def complete_step(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a step: of the definition that is to run, or of the jobs that are looked at."""
    names: dict[str, None] = {}
    with suppress(QuaeroError):
        if ctx.info_name == "run":
            for definition in _arguments(ctx, "definition")[:1]:
                names |= dict.fromkeys(_steps_of_file(ctx, definition))
        else:
            with _reader(ctx) as reader:
                for job in _arguments(ctx, "jobs"):
                    names |= dict.fromkeys(step["name"] for step in reader.status(reader.find_job(job))["steps"])
    return _matching(names, incomplete)


def complete_worker(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a worker of the jobs that are looked at."""
    names: dict[str, None] = {}
    with suppress(QuaeroError), _reader(ctx) as reader:
        for job in _arguments(ctx, "jobs"):
            names |= dict.fromkeys(worker["name"] for worker in reader.details(reader.find_job(job))["workers"])
    return _matching(names, incomplete)


def _matching(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _arguments(ctx: typer.Context, name: str) -> list[str]:
    """Return the command's arguments so far. Behind an option that waits for its value they are not named yet."""
    found: Any = ctx.params.get(name) or [word for word in ctx.args if not word.startswith("-")]
    return [found] if isinstance(found, str) else list(found)


def _settings(ctx: typer.Context) -> "Settings":
    """Return the settings as the options that stand already in the line say. Raises UsageError."""
    import os

    from quaero_cli.cli.common import home_directory
    from quaero_cli.cli.configuration import configured

    before = {} if ctx.parent is None else ctx.parent.params
    home: str | None = ctx.params.get("home") or before.get("home")
    return configured(home_directory(home), before.get("config"), os.environ)


@contextmanager
def _reader(ctx: typer.Context) -> "Iterator[Reader]":
    """Open the store. Raises StoreError when there is none."""
    from quaero_cli.store.reader import open_reader

    with open_reader(_settings(ctx).database) as reader:
        yield reader


def _folders(ctx: typer.Context) -> list[Path]:
    from quaero_cli.resources import shipped

    return [*_settings(ctx).definitions, shipped("jobdefs")]


def _steps_of_file(ctx: typer.Context, reference: str) -> list[str]:
    """Return the names of a definition's steps; checked it will be when it is run."""
    import tomllib

    if reference.endswith(".toml"):
        files = [Path(reference)]
    else:
        files = [folder / f"{reference}.toml" for folder in _folders(ctx)]
    for file in files:
        with suppress(OSError, ValueError, RecursionError):
            steps = tomllib.loads(file.read_text()).get("step", {})
            return list(steps) if isinstance(steps, dict) else []
    return []
