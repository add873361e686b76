"""Reads `[params.X]` tables: each declaration whole and free of contradictions, its default included."""

import re
import warnings
from dataclasses import replace
from typing import Any, get_args

from quaero_cli.jobdef.keys import PARAMETER_KEYS
from quaero_cli.jobdef.model import Parameter, ParameterType
from quaero_cli.jobdef.parameters import check_maskable, check_type, check_value
from quaero_cli.jobdef.place import Place, shown
from quaero_cli.jobdef.table import Table, check_name
from quaero_cli.jobdef.values import check_float, check_int

_TYPES: tuple[ParameterType, ...] = get_args(ParameterType)


def read_parameters(params: Table) -> tuple[Parameter, ...]:
    """Return the declared parameters in the order of the file."""
    found = []
    for name in params.values:
        check_name(name, "a parameter", params.place)
        table = params.table(name, hint=f"write a [params.{name}] table with type and default")
        found.append(_read(name, Table(table.values, Place(f"{params.place.words}.{name}"))))
    return tuple(found)


def _read(name: str, table: Table) -> Parameter:
    table.refuse_unknown(PARAMETER_KEYS)
    kind: ParameterType = table.choice("type", _TYPES)
    parameter = Parameter(
        name=name,
        type=kind,
        required=table.boolean("required", False),
        description=table.string("description"),
        choices=_read_choices(kind, table),
        pattern=_read_pattern(kind, table),
        min=_read_bound("min", kind, table),
        max=_read_bound("max", kind, table),
        secret=table.boolean("secret", False),
    )
    if parameter.secret and kind == "bool":
        raise table.place.at("secret").error("does not go with type 'bool'", hint="true and false cannot be masked")
    if parameter.min is not None and parameter.max is not None and parameter.min > parameter.max:
        raise table.place.error(f"min {parameter.min} is greater than max {parameter.max}")
    if not table.has("default"):
        return parameter
    if parameter.required:
        hint = "take one of them out: a parameter with a default is never missing"
        raise table.place.error("has both required and default", hint=hint)
    place = table.place.at("default")
    default = check_value(parameter, table.values["default"], place)
    if parameter.secret:
        if kind in ("int", "float"):
            raise place.error("a secret number has none", hint="give it when the job is started")
        check_maskable(default, place)
    return replace(parameter, default=default)


def _read_choices(kind: ParameterType, table: Table) -> tuple[Any, ...]:
    if not table.has("choices"):
        return ()
    place = table.place.at("choices")
    values = table.values["choices"]
    if not isinstance(values, list) or not values:
        raise place.mismatch("a list of at least one value", values)
    return tuple(check_type(kind, value, place.at(f"item {n}")) for n, value in enumerate(values, 1))


def _read_pattern(kind: ParameterType, table: Table) -> str | None:
    if not table.has("pattern"):
        return None
    place = table.place.at("pattern")
    pattern = table.string("pattern")
    _only_for(("string", "path", "list"), kind, place)
    try:
        # A pattern that a later Python may read differently is the author's to judge, not every reader's noise.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        problem = f"not a regular expression: {shown(pattern)}: {error}"
        raise place.error(problem) from error
    return pattern


def _read_bound(key: str, kind: ParameterType, table: Table) -> float | None:
    if not table.has(key):
        return None
    place = table.place.at(key)
    _only_for(("int", "float"), kind, place)
    check = check_int if kind == "int" else check_float
    return check(table.values[key], place)


def _only_for(kinds: tuple[str, ...], kind: str, place: Place) -> None:
    if kind not in kinds:
        raise place.error(f"does not go with type {shown(kind)}", hint=f"it is for {', '.join(kinds)}")
