"""Values for a job's declared parameters: from `-p KEY=VALUE` words, or typed ones from TOML and JSON.

Each value is checked against its declaration before a job is made, so that a job that starts has all it needs. A
path stays text here: parameters are kept with the job as JSON.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from quaero_cli.errors import ParameterError, UsageError
from quaero_cli.jobdef.model import JobDefinition, Parameter, ParameterType, Value
from quaero_cli.jobdef.place import Place, shown, suggestion
from quaero_cli.jobdef.values import check_bool, check_choice, check_float, check_int, check_path, check_string
from quaero_cli.masking.forms import MIN_SECRET
from quaero_cli.masking.mask import MASK

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


def split_assignment(text: str) -> tuple[str, str]:
    """Split `KEY=VALUE`; the value may hold more `=`. Raises UsageError."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"a parameter must be KEY=VALUE, not {shown(text)}", hint="for example: -p max_pages=20")
    return key.strip(), value


def resolve_parameters(
    definition: JobDefinition, given: Mapping[str, object], *, parse_text: bool = True
) -> dict[str, Any]:
    """Return a value for every declared parameter, in the order of the file; JSON-able.

    `given` holds strings as they were typed (a list of them when KEY was given more than once), which are parsed by
    the declared type, or values that have their type already. With `parse_text` false a string is never parsed: for
    callers whose values all come from JSON or TOML. A parameter that was neither given nor has a default is None.
    Raises ParameterError: unknown, missing, or a value that does not fit.
    """
    declared = {parameter.name: parameter for parameter in definition.parameters}
    for name in given:
        if name not in declared:
            hint = suggestion(name, declared) or "the definition declares no parameters"
            raise ParameterError(f"{definition.id}: unknown parameter {shown(name)}", hint=hint)
    return {name: _value_of(definition.id, item, given, parse_text) for name, item in declared.items()}


def _value_of(job: str, parameter: Parameter, given: Mapping[str, object], parse_text: bool) -> Value:
    try:
        return _value(job, parameter, given, parse_text)
    except ParameterError as error:
        error.parameter = parameter.name  # so that a form can show it at its field
        raise


def _value(job: str, parameter: Parameter, given: Mapping[str, object], parse_text: bool) -> Value:
    place = Place(f"{job}: parameter {parameter.name}", ParameterError)
    value = given.get(parameter.name)
    if value is None:  # not given, or null in JSON
        if parameter.required:
            raise place.error("is required", hint=f"give it with -p {parameter.name}=VALUE")
        return parameter.default
    if parameter.secret:
        return _secret_value(parameter, value, parse_text, place)
    if parse_text:
        value = _parsed(parameter.type, value, place)
    return check_value(parameter, value, place)


def _secret_value(parameter: Parameter, value: object, parse_text: bool, place: Place) -> Value:
    """As for any other, but an error must not show the value."""
    if value == MASK:  # what is stored of it: somebody gives a job's parameters to another
        raise place.error("is secret, and its value was not kept", hint=f"give it with -p {parameter.name}=VALUE")
    try:
        checked = check_value(parameter, _parsed(parameter.type, value, place) if parse_text else value, place)
    except ParameterError:
        problem = "the value does not fit its declaration (it is secret, and not shown)"
        raise place.error(problem) from None
    check_maskable(checked, place)
    return checked


def check_maskable(value: object, place: Place) -> None:
    """Raise the place's error for a secret that is too short to be masked."""
    if any(0 < len(text) < MIN_SECRET and text != MASK for text in secret_texts(value)):
        raise place.error(f"is shorter than {MIN_SECRET} characters, and could not be masked")


def secret_texts(value: object) -> list[str]:
    """Return what must not be seen of a secret parameter's value."""
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def masked_parameters(definition: JobDefinition, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as they may be stored and shown; a secret that was not given shows as such."""
    secret = {parameter.name for parameter in definition.parameters if parameter.secret}
    return {name: MASK if name in secret and value else value for name, value in values.items()}


def check_value(parameter: Parameter, value: object, place: Place) -> Value:
    """Return `value` in the parameter's type when it fits the whole declaration. Raises the place's error."""
    if parameter.type == "list":
        if not isinstance(value, list):
            raise place.mismatch("a list", value)
        return [_check_item(parameter, item, place.at(f"item {n}")) for n, item in enumerate(value, 1)]
    checked = check_type(parameter.type, value, place)
    _check_limits(parameter, checked, place)
    return checked


def check_type(kind: ParameterType, value: object, place: Place) -> Value:
    """Return a single value of the type (for `list`: one item)."""
    match kind:
        case "string":
            return check_string(value, place)
        case "path":
            return str(check_path(value, place))
        case "int":
            return check_int(value, place)
        case "float":
            return check_float(value, place)
        case "bool":
            return check_bool(value, place)
        case "list":
            return _check_scalar(value, place)


def _check_scalar(value: object, place: Place) -> str | int | float | bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return check_int(value, place)
    if isinstance(value, float):
        return check_float(value, place)
    if not isinstance(value, str):
        raise place.mismatch("a string, a number or a truth value", value)
    return check_string(value, place)


def _check_item(parameter: Parameter, item: object, place: Place) -> object:
    checked = _check_scalar(item, place)
    _check_limits(parameter, checked, place)
    return checked


def _check_limits(parameter: Parameter, value: object, place: Place) -> None:
    if parameter.choices:
        check_choice(parameter.choices, value, place)
    if parameter.pattern is not None and not (isinstance(value, str) and re.fullmatch(parameter.pattern, value)):
        raise place.error(f"must match the pattern {shown(parameter.pattern)}, not {shown(value)}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if parameter.min is not None and value < parameter.min:
            raise place.mismatch(f"at least {parameter.min}", value)
        if parameter.max is not None and value > parameter.max:
            raise place.mismatch(f"at most {parameter.max}", value)


def _parsed(kind: ParameterType, value: object, place: Place) -> object:
    """Give words their type; leave what is typed already."""
    if kind == "list":
        return _parsed_list(value, place) if isinstance(value, str) else value
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        raise place.error(f"given {len(value)} times", hint="only a parameter of type list takes several values")
    if not isinstance(value, str):
        return value
    word = value.strip()
    match kind:
        case "int" if re.fullmatch(r"[+-]?[0-9]{1,20}", word):
            return int(word)
        case "float" if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", word):
            return float(word)
        case "bool" if word.lower() in _TRUE + _FALSE:
            return word.lower() in _TRUE
    return value


def _parsed_list(text: str, place: Place) -> object:
    """A JSON array, or words between commas; blanks around words and empty words go."""
    if not text.lstrip().startswith("["):
        return [word.strip() for word in text.split(",") if word.strip()]
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        hint = 'write ["a", "b"] in quotes for the shell, or a,b'
        raise place.error(f"not a JSON array: {shown(text)}", hint=hint) from error
