"""The whole file: text -> `JobDefinition`, or one DefinitionError that names file, step, key, value and way out."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from quaero_cli.jobdef.declare import read_parameters
from quaero_cli.jobdef.hooks import read_hooks
from quaero_cli.jobdef.keys import (
    ROOT_KEYS,
    TOLERANCE_KEYS,
)
from quaero_cli.jobdef.model import (
    DEFAULT_PARALLEL_STEPS,
    ErrorTolerance,
    FailureAction,
    JobDefinition,
    StepType,
)
from quaero_cli.jobdef.oneline import holds_control
from quaero_cli.jobdef.place import Place, plain_name, shown
from quaero_cli.jobdef.placeholders import has_placeholder, strings_in
from quaero_cli.jobdef.scheduled import read_schedule
from quaero_cli.jobdef.secretsources import read_secret_sources
from quaero_cli.jobdef.source import read_document, read_text
from quaero_cli.jobdef.steps import read_steps
from quaero_cli.jobdef.table import Table, check_name
from quaero_cli.jobdef.values import check_plain, check_string
from quaero_cli.model import Overlap
from quaero_cli.model.taking import MAX_LABELS, is_label, is_queue

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_RESERVED_ID = "last"  # on the command line: the newest job
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OVERLAPS: tuple[Overlap, ...] = get_args(Overlap)
_FAILURE_ACTIONS: tuple[FailureAction, ...] = get_args(FailureAction)

# The type whose keys may stand at the root of a file without steps, and the name of the step that they make.
SHORTHAND_TYPE, SHORTHAND_STEP = "crawler", "crawl"
_ONE_LINE = "take line breaks and other control characters out"
_LABELS = 'write labels = { gpu = "a100" }'
SHORTHAND_STEP_KEYS = ("concurrency",)  # keys of the step itself that the shorthand takes along


def load(path: Path, step_types: Mapping[str, StepType]) -> JobDefinition:
    """Read and check a definition file. Raises DefinitionError."""
    return parse(read_text(path), path=path, step_types=step_types)


def parse(text: str, *, path: Path, step_types: Mapping[str, StepType]) -> JobDefinition:
    """Check a definition's text; `path` names it in errors and gives the default `id`. Raises DefinitionError."""
    place = Place(str(path))
    document = _expand_shorthand(Table(read_document(text, place), place), step_types)
    document.refuse_unknown(ROOT_KEYS)
    document.table("meta")
    job_id = read_id(document, path)
    parameters = read_parameters(document.table("params", hint="write a [params.NAME] table"))
    config, env = _read_config(document.table("config")), _read_env(document.table("env"))
    constants = {"params": tuple(item.name for item in parameters), "config": tuple(config)}
    return JobDefinition(
        id=job_id,
        name=_read_name(document) or job_id,
        path=path,
        text=text,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        description=document.string("description"),
        tags=_read_tags(document),
        timeout=document.duration("timeout"),
        enabled=document.boolean("enabled", True),
        overlap=document.choice("overlap", _OVERLAPS),
        max_parallel_steps=document.integer("max_parallel_steps", DEFAULT_PARALLEL_STEPS, minimum=1),
        queue=_read_queue(document),
        labels=_read_labels(document.table("labels", hint=_LABELS)),
        parameters=parameters,
        config=config,
        env=env,
        secrets=read_secret_sources(document.table("secrets"), env),
        error_tolerance=_read_tolerance(document),
        schedule=read_schedule(document, parameters),
        hooks=read_hooks(document, constants),
        steps=read_steps(document, step_types, constants),
    )


def read_id(document: Table, path: Path) -> str:
    """Return the definition's id: the key, else the file's name without `.toml`."""
    job_id = document.string("id", path.stem)
    if document.has("id"):
        return check_id(job_id, document.place.at("id"))
    return check_id(job_id, document.place, hint='add a line id = "NAME"')


def check_id(job_id: str, place: Place, *, hint: str = "use letters, digits, _ - and ., at most 100") -> str:
    """Return `job_id` when it can be the id of a definition. Raises the place's error."""
    if not _ID.fullmatch(job_id) or job_id.endswith(".toml") or job_id == _RESERVED_ID:
        raise place.error(f"{shown(job_id)} cannot be the id of a definition", hint=hint)
    return job_id


def _read_name(document: Table) -> str:
    """Return the name as lines of the log have it."""
    name = document.string("name")
    if holds_control(name):
        raise document.place.at("name").error(f"{shown(name)} is not one line of text", hint=_ONE_LINE)
    return name


def _read_tags(document: Table) -> tuple[str, ...]:
    tags = document.strings("tags")
    for number, tag in enumerate(tags, 1):
        place = document.place.at("tags", f"item {number}")
        if not tag.strip():
            raise place.error("is empty", hint='write tags = ["news"], or take it out')
        if holds_control(tag):
            raise place.error(f"{shown(tag)} is not one line of text", hint=_ONE_LINE)
    return tags


def _expand_shorthand(document: Table, step_types: Mapping[str, StepType]) -> Table:
    """Make the crawler's keys at the root of a file without steps its one step."""
    crawler = step_types.get(SHORTHAND_TYPE)
    if crawler is None or document.has("step"):
        return document
    names = {option.name for option in crawler.options}.union(SHORTHAND_STEP_KEYS) - set(ROOT_KEYS)
    step = {key: value for key, value in document.values.items() if key in names}
    if not step:
        return document
    rest = {key: value for key, value in document.values.items() if key not in names}
    return Table({**rest, "step": {SHORTHAND_STEP: {"type": SHORTHAND_TYPE, **step}}}, document.place)


def _read_queue(document: Table) -> str | None:
    if not document.has("queue"):
        return None
    name = document.string("queue")
    if not is_queue(name):
        raise document.place.at("queue").error(f"{shown(name)} is no name of a queue", hint='write queue = "gpu"')
    return name


def _read_labels(table: Table) -> dict[str, str]:
    for key, value in table.values.items():
        check_string(value, table.place.at(plain_name(key)))
        if not is_label(key, value):
            raise table.place.error(f"{shown(f'{key}={value}')} is no label", hint=_LABELS)
    if len(table.values) > MAX_LABELS:
        raise table.place.error(f"has {len(table.values)} labels, and {MAX_LABELS} are the most")
    return dict(table.values)


def _read_tolerance(document: Table) -> ErrorTolerance | None:
    if not document.has("error_tolerance"):
        return None
    table = document.table("error_tolerance")
    table.refuse_unknown(TOLERANCE_KEYS)
    return ErrorTolerance(
        max_child_failures=table.integer("max_child_failures", 0, minimum=0),
        failure_action=table.choice("failure_action", _FAILURE_ACTIONS),
    )


def _read_config(table: Table) -> dict[str, Any]:
    for name, value in table.values.items():
        check_name(name, "a constant", table.place)
        _refuse_placeholders(table, name)
        check_plain(value, table.place.at(name))
    return dict(table.values)


def _read_env(table: Table) -> dict[str, str]:
    for name, value in table.values.items():
        if not _VARIABLE.fullmatch(name):
            raise table.place.error(f"{shown(name)} cannot be the name of a variable")
        check_string(value, table.place.at(plain_name(name)))
        _refuse_placeholders(table, name)
    return dict(table.values)


def _refuse_placeholders(table: Table, name: str) -> None:
    """Constants are what they are: a placeholder in one would be handed on unfilled."""
    if any(has_placeholder(text) for text in strings_in(table.values[name])):
        problem = f"a placeholder is not filled here: {shown(table.values[name])}"
        raise table.place.at(name).error(problem, hint="use it in an option of a step")
