"""Does a value fit an option, and what does the step function get for it? One small check per kind.

TOML is typed and so are options: `true` is no integer, `"5"` is no number. Two things are eased: an integer is
accepted where a number is wanted, and once placeholders are filled (`resolved`), a number or truth value may stand
where text is wanted, because `["head", "-n", "{params.count}"]` can mean only one thing.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.durations import parse_duration
from quaero_cli.jobdef.model import Kind, Option, Value
from quaero_cli.jobdef.place import Place, plain_name, shown, suggestion
from quaero_cli.jobdef.sizes import parse_size

MIN_INT, MAX_INT = -(2**63), 2**63 - 1  # TOML's own range, and JSON encoders'
MAX_NESTING = 32  # levels of lists and tables in one value; the JSON encoders downstream stop at 254


def check_option(option: Option, value: object, place: Place, *, resolved: bool = False, final: bool = True) -> Value:
    """Return what the step function gets for `value`. Raises the place's error when it does not fit.

    `final` false: there are placeholders in it, so that nothing but its type can be checked yet.
    """
    if value is None and option.nullable:
        return None
    if option.kind is Kind.CHOICE:
        return check_choice(option.choices, value, place)
    if resolved and option.kind in _TEXTUAL:
        value = _with_text(value)
    found = _CHECKS[option.kind](value, place)
    if final:
        _check_limits(option, found, place)
    return found


def _check_limits(option: Option, value: Value, place: Place) -> None:
    for number in value if isinstance(value, list) else [value]:
        if option.bounds is not None and isinstance(number, int | float) and not isinstance(number, bool):
            least, most = option.bounds.least, option.bounds.most
            if number < least or (most is not None and number > most):
                words = f"at least {least:g}" if most is None else f"{least:g} to {most:g}"
                raise place.mismatch(words, number)
    if option.checked is not None:
        try:
            option.checked.function(option.name, value)
        except StepFailed as error:
            raise place.error(error.message.removeprefix(f"{option.name}: "), hint=error.hint) from error


def check_choice(choices: tuple[Any, ...], value: object, place: Place) -> Value:
    """Return `value` when it is one of the choices, in type as well."""
    for choice in choices:
        if value == choice and isinstance(value, bool) == isinstance(choice, bool):
            return choice
    names = [str(choice) for choice in choices]
    hint = suggestion(value, names) if isinstance(value, str) else None
    raise place.error(f"must be one of {', '.join(map(shown, choices))}, not {shown(value)}", hint=hint)


def check_string(value: object, place: Place) -> str:
    """Return a string that can be stored and handed to a process."""
    if not isinstance(value, str):
        raise place.mismatch("a string", value, hint="put it in quotes" if _is_scalar(value) else None)
    if "\0" in value:
        raise place.error(f"holds a NUL character: {shown(value)}")
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise place.error(f"is not valid Unicode: {shown(value)}")
    return value


def check_int(value: object, place: Place) -> int:
    """Return an integer of 64 bits; a truth value is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise place.mismatch("an integer", value)
    if not MIN_INT <= value <= MAX_INT:
        raise place.mismatch("an integer of 64 bits", value)
    return value


def check_float(value: object, place: Place) -> float:
    """Return a finite number as a float; an integer is one, too."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise place.mismatch("a finite number", value)
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return float(check_int(value, place))
    raise place.mismatch("a number", value)


def check_bool(value: object, place: Place) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise place.mismatch("true or false", value)
    return value


def check_path(value: object, place: Place) -> Path:
    """Return a path; whoever uses it decides where a relative one begins."""
    if isinstance(value, Path):
        return value
    if not check_string(value, place):
        raise place.mismatch("a path", value)
    return Path(str(value))


def check_strings(value: object, place: Place) -> list[str]:
    """Return a list of strings."""
    if not isinstance(value, list):
        raise place.mismatch("a list of strings", value)
    return [check_string(item, place.at(f"item {number}")) for number, item in enumerate(value, 1)]


def check_plain(value: object, place: Place, *, depth: int = 0) -> Value:
    """Return `value` when it is data that JSON knows: strings, numbers, truth values, lists and tables of them."""
    if depth > MAX_NESTING:
        raise place.error(f"nested deeper than {MAX_NESTING} levels")
    if isinstance(value, list):
        return [check_plain(item, place, depth=depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            check_string(key, place): check_plain(item, place.at(plain_name(str(key))), depth=depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, date | time):
        raise place.error(f"a date cannot be used here: {shown(value)}", hint="put it in quotes")
    if isinstance(value, float):
        return check_float(value, place)
    if isinstance(value, int) and not isinstance(value, bool):
        return check_int(value, place)
    return value if isinstance(value, bool) or value is None else check_string(value, place)


def text_of(value: object) -> str:
    """A value inside a text: `true`, `5`, nothing for null, JSON for lists and tables."""
    if isinstance(value, str | Path):
        return str(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _check_int_or_ints(value: object, place: Place) -> int | list[int]:
    if isinstance(value, list):
        return [check_int(item, place.at(f"item {number}")) for number, item in enumerate(value, 1)]
    if isinstance(value, bool) or not isinstance(value, int):
        raise place.mismatch(Kind.INT_OR_INTS.value, value)
    return check_int(value, place)


def _is_scalar(value: object) -> bool:
    return isinstance(value, bool | int | float | date | time)


def _with_text(value: object) -> object:
    if isinstance(value, list):
        return [text_of(item) if _is_scalar(item) else item for item in value]
    if isinstance(value, Mapping):
        return {key: text_of(item) if _is_scalar(item) else item for key, item in value.items()}
    return text_of(value) if _is_scalar(value) else value


def _check_string_or_strings(value: object, place: Place) -> str | list[str]:
    if isinstance(value, list):
        return check_strings(value, place)
    if not isinstance(value, str):
        raise place.mismatch(Kind.STRING_OR_STRINGS.value, value)
    return check_string(value, place)


def _check_table(value: object, place: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise place.mismatch("a table", value)
    return {str(key): check_plain(item, place.at(plain_name(str(key)))) for key, item in value.items()}


def _check_string_table(value: object, place: Place) -> dict[str, str]:
    if not isinstance(value, dict):
        raise place.mismatch("a table of strings", value)
    return {str(key): check_string(item, place.at(plain_name(str(key)))) for key, item in value.items()}


_TEXTUAL = frozenset({Kind.STRING, Kind.STRINGS, Kind.STRING_OR_STRINGS, Kind.STRING_TABLE})

_CHECKS: Mapping[Kind, Callable[[object, Place], Any]] = {
    Kind.STRING: check_string,
    Kind.INT: check_int,
    Kind.FLOAT: check_float,
    Kind.BOOL: check_bool,
    Kind.PATH: check_path,
    Kind.DURATION: parse_duration,
    Kind.SIZE: parse_size,
    Kind.STRINGS: check_strings,
    Kind.STRING_OR_STRINGS: _check_string_or_strings,
    Kind.STRING_TABLE: _check_string_table,
    Kind.TABLE: _check_table,
    Kind.INT_OR_INTS: _check_int_or_ints,
    Kind.VALUE: check_plain,
}
