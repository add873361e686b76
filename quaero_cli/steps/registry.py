"""Finds the step types: every module of this folder, and the entry points of other packages.

A step type describes itself: its options are the keyword-only arguments of its function, their help is the
docstring, and two module constants say the rest (see `contract`). This file reads that and refuses what it cannot
read, with the file and the argument: a type is either wholly understood or not there. Finding the types imports
their modules, so those import heavy libraries inside their functions.
"""

import importlib
import inspect
import pkgutil
import sys
import types
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from quaero_cli.errors import DefinitionError
from quaero_cli.jobdef.keys import RESERVED_OPTIONS
from quaero_cli.jobdef.model import Between, Checked, Duration, Excludes, Kind, Option, Size, StepType

ENTRY_POINT_GROUP = "quaero.steps"
_NOT_TYPES = frozenset({"contract", "registry"})

_KINDS: tuple[tuple[object, Kind], ...] = (
    (Duration, Kind.DURATION),
    (Size, Kind.SIZE),
    (str, Kind.STRING),
    (int, Kind.INT),
    (float, Kind.FLOAT),
    (bool, Kind.BOOL),
    (Path, Kind.PATH),
    (list[str], Kind.STRINGS),
    (dict[str, str], Kind.STRING_TABLE),
    (dict[str, Any], Kind.TABLE),
    (str | list[str], Kind.STRING_OR_STRINGS),
    (int | list[int], Kind.INT_OR_INTS),
    (object, Kind.VALUE),
)
_SUPPORTED = (
    "str, int, float, bool, Path, Duration, Size, list[str], str | list[str], int | list[int], dict[str, str], "
    "dict[str, Any], object (any value), Literal[...], each of them | None, and Annotated with Between, Checked or "
    "Excludes"
)


def load_step_types() -> dict[str, StepType]:
    """Return every step type by name, sorted. Raises DefinitionError for one that breaks the contract."""
    package = importlib.import_module(__package__)
    found = {name: _import_type(name) for name in _module_names(package.__path__)}
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        if point.name in found:
            known = _file_of(found[point.name].function)
            raise DefinitionError(f"{point.value}: the step type {point.name!r} is there already: {known}")
        found[point.name] = _load_entry_point(point)
    return dict(sorted(found.items()))


def read_step_type(name: str, module: types.ModuleType) -> StepType:
    """Return the step type that `module` defines in the function `name`. Raises DefinitionError."""
    function = getattr(module, name, None)
    if not inspect.isfunction(function):
        raise _bad(module, f"has no function {name!r}", hint=f"write async def {name}(ctx: StepContext, *, ...)")
    return describe(name, function, module)


def describe(name: str, function: types.FunctionType, module: types.ModuleType) -> StepType:
    """Return the step type `name` from its function and the constants of its module. Raises DefinitionError."""
    if not inspect.iscoroutinefunction(function):
        raise _bad(module, f"{function.__name__} must be an async function")
    text = inspect.cleandoc(function.__doc__ or "")
    if not text:
        raise _bad(module, f"{function.__name__} has no docstring", hint="its docstring is the type's help")
    arguments = _read_arguments(function, module)
    texts, words = _split_docstring(text, {argument.name for argument in arguments})
    return StepType(
        name=name,
        function=function,
        options=tuple(_read_option(argument, texts.get(argument.name, ""), module) for argument in arguments),
        summary=" ".join(words.split("\n\n")[0].split()),
        help=words,
        default_concurrency=_concurrency(module),
        service=_service(module) is not None,
        announces=_service(module) == "ready",
        workers=hasattr(module, "DEFAULT_CONCURRENCY"),
    )


def _module_names(folders: Iterable[str]) -> list[str]:
    names = [module.name for module in pkgutil.iter_modules(folders) if not module.ispkg]
    return sorted(name for name in names if name not in _NOT_TYPES and not name.startswith("_"))


def _import_type(name: str) -> StepType:
    try:
        module = importlib.import_module(f"{__package__}.{name}")
    except Exception as error:
        raise DefinitionError(f"step type {name!r} cannot be imported: {_told(error)}") from error
    return read_step_type(name, module)


def _load_entry_point(point: EntryPoint) -> StepType:
    try:
        function = point.load()
    except Exception as error:
        raise DefinitionError(f"step type {point.name!r} ({point.value}) cannot be loaded: {_told(error)}") from error
    if not inspect.isfunction(function):
        raise DefinitionError(f"step type {point.name!r} ({point.value}) is not a function")
    return describe(point.name, function, sys.modules[function.__module__])


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _file_of(function: object) -> str:
    return str(getattr(sys.modules.get(getattr(function, "__module__", "")), "__file__", function))


def _bad(module: types.ModuleType, problem: str, *, hint: str | None = None) -> DefinitionError:
    return DefinitionError(f"{module.__file__ or module.__name__}: {problem}", hint=hint)


def _concurrency(module: types.ModuleType) -> int:
    value = getattr(module, "DEFAULT_CONCURRENCY", 1)
    if type(value) is not int or value < 0:
        raise _bad(module, f"DEFAULT_CONCURRENCY must be a whole number of at least 0, not {value!r}")
    return value


def _service(module: types.ModuleType) -> str | None:
    value = getattr(module, "SERVICE", None)
    if value not in (None, "ready", "started"):
        raise _bad(module, f"SERVICE must be 'ready' or 'started', not {value!r}")
    return None if value is None else str(value)


def _read_arguments(function: types.FunctionType, module: types.ModuleType) -> list[inspect.Parameter]:
    """The keyword-only arguments behind the context."""
    try:
        arguments = list(inspect.signature(function, eval_str=True).parameters.values())
    except Exception as error:  # an annotation in quotes may raise anything
        raise _bad(module, f"an annotation cannot be read: {_told(error)}") from error
    if not arguments or arguments[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise _bad(module, f"{function.__name__} must take the context first")
    for argument in arguments[1:]:
        if argument.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise _bad(module, f"option {argument.name!r} must be keyword-only", hint="put it after a *")
        if argument.name in RESERVED_OPTIONS:
            raise _bad(module, f"option {argument.name!r} has the name of a step's own key")
    return arguments[1:]


def _read_option(parameter: inspect.Parameter, text: str, module: types.ModuleType) -> Option:
    annotation, nullable = _without_none(parameter.annotation)
    limits: tuple[object, ...] = ()
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        limits = tuple(more)
    bounds = next((limit for limit in limits if isinstance(limit, Between)), None)
    checked = next((limit for limit in limits if isinstance(limit, Checked)), None)
    excludes = next((limit.other for limit in limits if isinstance(limit, Excludes)), None)
    choices: tuple[str | int, ...] = ()
    kind = next((kind for known, kind in _KINDS if annotation == known), None)
    if get_origin(annotation) is Literal and all(type(item) in (str, int) for item in get_args(annotation)):
        kind, choices = Kind.CHOICE, get_args(annotation)
    if kind is None:
        written = inspect.formatannotation(parameter.annotation)
        if parameter.annotation is inspect.Parameter.empty:
            raise _bad(module, f"option {parameter.name!r} has no annotation", hint=f"use one of {_SUPPORTED}")
        raise _bad(module, f"option {parameter.name!r} cannot be {written}", hint=f"use one of {_SUPPORTED}")
    required = parameter.default is inspect.Parameter.empty
    default = None if required else parameter.default
    return Option(parameter.name, kind, default, required, text, nullable, choices, bounds, checked, excludes)


def _without_none(annotation: object) -> tuple[object, bool]:
    """Take `| None` out of an annotation; say whether it was there."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    rest = tuple(item for item in get_args(annotation) if item is not types.NoneType)
    return Union[rest], len(rest) < len(get_args(annotation))  # noqa: UP007 - made at run time


def _split_docstring(text: str, names: set[str]) -> tuple[dict[str, str], str]:
    """Take the lines `option: text` out of a docstring; an indented line goes on with the one before."""
    texts: dict[str, str] = {}
    rest: list[str] = []
    current = None
    for line in text.splitlines():
        name, colon, words = line.partition(":")
        if colon and name in names:
            current = name
            texts[name] = words.strip()
        elif current and line[:1].isspace():
            texts[current] = f"{texts[current]} {line.strip()}".strip()
        else:
            current = None
            rest.append(line)
    return texts, "\n".join(rest).strip()
