"""Fits a table of arguments to a function's signature; a mismatch names the argument. Pure."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from quaero_cli.errors import StepFailed

CONTEXT = "ctx"  # a parameter of this name gets the step's context

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def fit(call: str, function: Callable[..., Any], args: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Return the keyword arguments for `function`: `args`, and the context where it takes one.

    Raises StepFailed for an argument that is missing, unknown, or cannot be given by name.
    """
    if CONTEXT in args:
        raise StepFailed(f"argument {CONTEXT!r} is the step's context and cannot be given", hint="rename it")
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions written in C tell nothing: they have to judge by themselves
        return dict(args)
    known = [name for name, parameter in parameters.items() if parameter.kind in _BY_NAME]
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    for name in args:
        if name not in known and not takes_any:
            raise StepFailed(f"{call} has no argument {name!r}", hint=_listed(known))
    for name, parameter in parameters.items():
        if parameter.default is not inspect.Parameter.empty or name in args or name == CONTEXT:
            continue
        if parameter.kind in _BY_NAME:
            raise StepFailed(f"{call} needs the argument {name!r}", hint=f"write it under args: {name} = ...")
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise StepFailed(f"{call} takes {name!r} only by its place", hint="call a function of your own around it")
    return {**args, CONTEXT: context} if CONTEXT in known else dict(args)


def _listed(names: Iterable[str]) -> str:
    given = [name for name in names if name != CONTEXT]
    return f"its arguments are {', '.join(given)}" if given else "it takes no arguments"
