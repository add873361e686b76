"""New definitions to begin with, one for each kind: they pass the check and run as they are. Pure: text only."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from quaero_cli.jobdef.load import check_id
from quaero_cli.jobdef.place import Place

# File name -> text; the definition is the first.
Files = dict[str, str]

_HEAD = """\
# {name}: what it is for.
#   quaero check {name}     quaero run {name}     quaero tail {name}
# All keys: docs/definitions.md, or the schema for editors: quaero check --schema

name = "{title}"
description = ""
# schedule = "30 7 * * 1-5"     # minute hour day month weekday; started by `quaero serve`
# timeout = "1h"
# on_failure = "echo job $QUAERO_JOB_ID: $QUAERO_JOB_ERROR"
"""

_SHELL = """
[params.who]
type = "string"
default = "world"
description = "Whom to greet"

[step.prepare]
type = "shell"
command = '''
echo "started=$(date +%H:%M)" >>"$QUAERO_OUTPUT"
'''

[step.work]
type = "shell"
depends = ["prepare"]
timeout = "10m"
command = "echo Hello, {params.who}, since {steps.prepare.outputs.started}"
"""

_PYTHON = """
[params.count]
type = "int"
default = 3
min = 1

[step.work]
type = "python"
call = "{name}.py:work"                 # a function in the file beside this one
args = { count = "{params.count}" }

[step.report]
type = "shell"
depends = ["work"]
command = "echo {steps.work.outputs.total} in all"
"""

_PYTHON_FILE = '''\
"""What the job {name} does: a function that is not async runs in a thread."""

import logging


def work(ctx, count: int) -> dict[str, int]:
    """Return a mapping: it becomes the step's outputs."""
    for number in range(1, count + 1):
        logging.info("item %d", number)
        ctx.report(progress=100 * number // count)
    return {"total": count}
'''

_CRAWLER = """
[params.max_pages]
type = "int"
default = 30
min = 1

[error_tolerance]
max_child_failures = 10

# The built-in news site, to try it on. For a real one: take this step out, name its pages in start_urls,
# and take out depends and allow_private.
[step.site]
type = "demo_site"
service = true

[step.crawl]
type = "crawler"
depends = ["site"]
start_urls = "{steps.site.outputs.url}"
allow_private = ["127.0.0.1"]
max_pages = "{params.max_pages}"
max_depth = 3
"""


def _shell(name: str) -> Files:
    return {f"{name}.toml": _head(name) + _SHELL}


def _python(name: str) -> Files:
    text = _head(name) + _PYTHON.replace("{name}", name)
    return {f"{name}.toml": text, f"{name}.py": _PYTHON_FILE.replace("{name}", name)}


def _crawler(name: str) -> Files:
    return {f"{name}.toml": _head(name) + _CRAWLER}


def _head(name: str) -> str:
    title = name.replace("-", " ").replace("_", " ").strip()
    return _HEAD.replace("{name}", name).replace("{title}", title[:1].upper() + title[1:] or name)


KINDS: Mapping[str, Callable[[str], Files]] = MappingProxyType(
    {"shell": _shell, "python": _python, "crawler": _crawler}
)


def scaffold(name: str, kind: str) -> Files:
    """Return the files of a new definition, the definition first. Raises DefinitionError for a bad name."""
    check_id(name, Place("quaero new"))
    return KINDS[kind](name)
