"""Step types that do nothing, and a way to check a definition's text against them."""

from pathlib import Path
from textwrap import dedent

from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.model import JobDefinition, Kind, Option, StepType

PATH = Path("job.toml")

# Every key of the format but those of a crawler at the root.
FULL = """
id = "news"
name = "News"
description = "Crawls"
tags = ["a", "b"]
timeout = "1h30m"
enabled = false
overlap = "allow"
max_parallel_steps = 2

[params.urls]
type = "list"
default = ["http://a"]

[config]
pages = 7

[env]
LANG = "C"

[error_tolerance]
max_child_failures = 100
failure_action = "stop_all"

[meta]
anything = { goes = 1979-05-27 }

[step.site]
type = "site"
service = true
ready = { url = "http://127.0.0.1/{config.pages}", timeout = "5s" }

[step.crawl]
type = "crawler"
description = "Fetch"
depends = "site"
on_error = "continue"
timeout = "10m"
idle_timeout = "500ms"
concurrency = 32
condition = "{params.urls}"
start_urls = "{params.urls}"
max_pages = "{config.pages}"
rate = 1
follow_links = false

[step.clean]
type = "shell"
depends = ["crawl", "crawl"]
on_error = "fatal"
always_run = true
command = ["rm", "-r", "{env.LANG}"]
env = { JOB = "{job.id}" }

[step.load]
type = "shell"
for_each = [1, "b", { c = "{params.urls}" }]
worker_timeout = "1m"
retries = { limit = 3, delay = "2s", backoff = 1.5, max_delay = "1m", jitter = true }
command = "echo {item}"

[step.files]
type = "shell"
for_each = { glob = "*.csv" }
retries = { limit = 1 }
command = "echo {item}"
"""


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
