"""`{params.X} {config.X} {env.X} {job.id} {steps.NAME.outputs.X} {item} {item.X}` in a step's options and condition.

They are checked when the file is loaded (`check_placeholders`) and filled when the step starts (`resolve`,
`resolve_options`). A string that is one placeholder keeps the value's type; inside a text the value becomes text.
What does not begin with one of these words and a dot is no placeholder and stays as it is: `{a,b}`, `{}`, `{name}`,
and the shell's `${item}`. In a shell line each value is quoted for the place where it stands (see `shellwords`).
"""

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.model import StepDefinition, StepType, Value
from quaero_cli.jobdef.place import MAX_SHOWN, Place, plain_name, shown, suggestion
from quaero_cli.jobdef.shellwords import Frame, Quote, check_neighbours, frames, quoted
from quaero_cli.jobdef.values import check_option, text_of

PLACEHOLDER = re.compile(
    r"\{(?P<path>(?:params|config|env|job|steps)(?:\.[A-Za-z0-9_-]+)+|(?<!\$\{)item(?:\.[A-Za-z0-9_-]+)*)\}"
)

# Options that are a line for a shell when they are a string: (step type, option).
SHELL_LINES = frozenset({("shell", "command")})

# What a hook may say of its job.
JOB_FACTS = ("id", "definition", "name", "status", "error")


@dataclass(frozen=True, slots=True)
class Scope:
    """What placeholders stand for when a step starts.

    `env`: the runner's environment with `[env]` over it; `outputs`: of the steps that ended or are ready, by name;
    `skipped`: the steps that were skipped by their condition.
    """

    job_id: str
    params: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    skipped: Collection[str] = ()
    facts: Mapping[str, Value] = field(default_factory=dict)  # of the job, for {job.NAME}, once it has ended
    item: Value = None  # that a worker of `for_each` works on


@dataclass(frozen=True, slots=True)
class Known:
    """What a step's placeholders may name. `before`: the steps that it depends on, over others, too."""

    params: Iterable[str]
    config: Iterable[str]
    steps: Iterable[str]
    before: Callable[[], set[str]]
    facts: Iterable[str] = ("id",)  # of the job
    items: Iterable[Value] | None = None  # those of `for_each` that the file names; None: there is no {item} here


# ------------------------------------------------------------------ when the file is loaded


def has_placeholder(text: str) -> bool:
    """Whether a text holds a placeholder."""
    return PLACEHOLDER.search(text) is not None


def strings_in(value: object) -> Iterator[str]:
    """Every string in a value; keys of tables are not looked at."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_in(item)


def check_placeholders(value: object, known: Known, place: Place, *, shell_line: bool = False) -> None:
    """Raise the place's error for a placeholder that can never be filled."""
    for text in strings_in(value):
        for match in PLACEHOLDER.finditer(text):
            _check(match["path"].split("."), known, place, match[0])
            if shell_line and isinstance(value, str):
                check_neighbours(text, match.start(), place)


def _check(parts: list[str], known: Known, place: Place, whole: str) -> None:
    match parts:
        case ["params", name]:
            _check_known(whole, name, known.params, "parameter", f"declare it in [params.{name}]", place)
        case ["config", name]:
            _check_known(whole, name, known.config, "constant", "declare it in [config]", place)
        case ["steps", name, "outputs", _]:
            _check_step(whole, name, known, place)
        case ["job", name] if name in known.facts:
            pass
        case ["job", name] if name in JOB_FACTS:
            raise place.error(f"{whole}: is known when the job has ended", hint="write {job.id}, or use a hook")
        case ["env", _]:
            pass  # which variables there are shows where the job runs
        case ["item", *path]:
            _check_item(whole, path, known.items, place)
        case [space, *_]:
            raise place.error(f"{whole} is no placeholder", hint=f"write {_FORMS[space]}")


_FORMS = {
    "params": "{params.NAME}",
    "config": "{config.NAME}",
    "env": "{env.NAME}",
    "job": "{job.id}",
    "steps": "{steps.NAME.outputs.KEY}",
}


def _check_item(whole: str, path: list[str], items: Iterable[Value] | None, place: Place) -> None:
    if items is None:
        raise place.error(f"{whole}: there is no item here", hint="{item} is for the options of a step with for_each")
    for item in items:
        if not _within(item, path)[0]:
            raise place.error(f"{whole}: the item {text_of(item)[:MAX_SHOWN]!r} has no {'.'.join(path)!r}")


def _check_known(whole: str, name: str, known: Iterable[str], what: str, declare: str, place: Place) -> None:
    names = list(known)
    if name not in names:
        raise place.error(f"unknown {what} in {whole}", hint=suggestion(name, names) or declare)


def _check_step(whole: str, name: str, known: Known, place: Place) -> None:
    names = list(known.steps)
    if name not in names:
        raise place.error(f"unknown step in {whole}", hint=suggestion(name, names))
    if name not in known.before():
        raise place.error(f"{whole} names a step that need not have ended", hint=f"add {name!r} to depends")


# ------------------------------------------------------------------ when the step starts


def resolve(value: Value, scope: Scope, *, quote: Quote | None = None, place: Place | None = None) -> Value:
    """Return `value` with every placeholder filled, through lists and tables.

    With `quote` a string is a line for a shell: each value in it becomes part of one word, whatever it holds. What
    a step that was skipped by its condition would have left is None where it stands alone, so that an option is as if
    it were not written; inside a text, where nothing might be read as something else (`rm -r DIR/*`), it is an error.
    Raises StepFailed when a step left no such output or a variable is not set, the place's error when a value cannot
    stand in a shell line.
    """
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    if isinstance(value, dict):
        return {key: resolve(item, scope) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    whole = PLACEHOLDER.fullmatch(value)
    if whole:
        found = _left_or_nothing(whole["path"], scope)
        if quote is None or isinstance(found, list):
            return found
    if quote is not None:
        return _resolve_line(value, scope, quote, place or Place("command"))
    return PLACEHOLDER.sub(lambda match: text_of(_lookup(match["path"], scope)), value)


def _resolve_line(line: str, scope: Scope, quote: Quote, place: Place) -> str:
    matches = list(PLACEHOLDER.finditer(line))
    where = frames(line, {match.start(): match.end() for match in matches})
    parts, last = [], 0
    for match in matches:
        text = text_of(_lookup(match["path"], scope))
        frame = where.get(match.start(), Frame.RAW)
        parts += [line[last : match.start()], quoted(text, frame, line[match.end() :], place, quote)]
        last = match.end()
    return "".join([*parts, line[last:]])


def _lookup(path: str, scope: Scope) -> Value:
    """The value of a placeholder that was checked when the file was loaded."""
    match path.split("."):
        case ["params", name]:
            return scope.params[name]
        case ["config", name]:
            return scope.config[name]
        case ["env", name] if name in scope.env:
            return scope.env[name]
        case ["env", name]:
            raise StepFailed(f"the variable {name} is not set", hint="set it in [env], or where the job is started")
        case ["job", "id"]:
            return scope.job_id
        case ["job", name]:
            return scope.facts[name]
        case ["steps", name, _, key]:
            return _output(name, key, scope)
        case ["item", *parts]:
            return _item(parts, scope.item)
    raise AssertionError(path)


def _left_or_nothing(path: str, scope: Scope) -> Value:
    match path.split("."):
        case ["steps", name, *_] if name in scope.skipped:
            return None
    return _lookup(path, scope)


def _output(name: str, key: str, scope: Scope) -> Value:
    outputs = scope.outputs.get(name, {})
    if key in outputs:
        return outputs[key]
    left = ", ".join(plain_name(str(known)) for known in outputs)
    problem = f"step {name} left no output {key!r}"
    if name in scope.skipped:
        raise StepFailed(problem, hint=f"step {name} was skipped by its condition: let the placeholder stand alone")
    raise StepFailed(problem, hint=suggestion(key, outputs) if left else f"step {name} left no outputs at all")


def _item(path: list[str], item: Value) -> Value:
    found, value = _within(item, path)
    if not found:
        known = suggestion(path[0], item) if isinstance(item, dict) else "the items of this step are no tables"
        raise StepFailed(f"the item has no {'.'.join(path)!r}", hint=known)
    return value


def _within(value: Value, path: list[str]) -> tuple[bool, Value]:
    """Whether there is a way of keys (and places in lists, from 0) into a value, and what is at its end."""
    for key in path:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return False, None
    return True, value


def resolve_options(step: StepDefinition, step_type: StepType, scope: Scope) -> dict[str, Any]:
    """Return what the step function gets: placeholders filled, types checked again, text made paths and seconds.

    An option that is not written is not in the result, and neither is one whose value is null (a parameter that was
    not given): the function's own default holds. Raises DefinitionError, or StepFailed as `resolve` does.
    """
    found: dict[str, Any] = {}
    for option in step_type.options:
        if option.name not in step.options:
            continue
        place = Place(f"step {step.name}").at(option.name)
        written = step.options[option.name]
        quote = shlex.quote if (step.type, option.name) in SHELL_LINES else None
        value = resolve(written, scope, quote=quote, place=place)
        if value is not None:
            found[option.name] = check_option(option, value, place, resolved=True)
        elif option.required:
            raise place.error(f"is required, but {shown(written)} stands for nothing")
    return found
