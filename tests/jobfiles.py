"""Step types that do nothing, and a way to check a definition's text against them."""

from pathlib import Path
from textwrap import dedent

from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.model import JobDefinition, Kind, Option, StepType

PATH = Path("job.toml")


async def nothing(ctx: object, **options: object) -> None:
    """Do nothing."""


def _type(name: str, *options: Option, service: bool = False, workers: bool = False) -> StepType:
    return StepType(name, nothing, options, summary="Does nothing", service=service, workers=workers)


TYPES = {
    "shell": _type(
        "shell",
        Option("command", Kind.STRING_OR_STRINGS, required=True, help="what to run"),
        Option("env", Kind.STRING_TABLE),
        Option("working_dir", Kind.PATH, nullable=True),
    ),
    "crawler": _type(
        "crawler",
        Option("start_urls", Kind.STRINGS, default=[]),
        Option("max_pages", Kind.INT, default=100),
        Option("delay", Kind.DURATION, default=0.0),
        Option("rate", Kind.FLOAT, default=0.5),
        Option("follow_links", Kind.BOOL, default=True),
        Option("recrawl", Kind.CHOICE, default="never", choices=("never", "always", 3)),
        Option("since", Kind.STRING, nullable=True),
        workers=True,
    ),
    "python": _type("python", Option("call", Kind.STRING, required=True), Option("args", Kind.TABLE)),
    "site": _type("site", Option("port", Kind.INT, default=0), service=True),
}


def define(text: str, path: Path = PATH) -> JobDefinition:
    """Check a definition, written as an indented block."""
    return parse(dedent(text), path=path, step_types=TYPES)


def shell(command: str, more: str = "") -> JobDefinition:
    """A definition of one step `a`, of type shell."""
    return define(f"{more}\n[step.a]\ntype = 'shell'\ncommand = {command}\n")
