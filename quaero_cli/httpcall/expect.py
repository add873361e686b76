"""Is an answer what the author expects? The first difference in words. Pure.

`expect_status`: a number or a list of them, else any of 200 to 299. `expect_json`: a table of which every key must be
in the answer with an equal value; the answer may hold more. A key is a name, or a path through tables and lists with
dots between: `"items.0.id"`. A table is compared in the same way, a list element by element and in length.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

# Characters of a value in a message.
_SHOWN = 80


def status_difference(status: int, expected: Sequence[int]) -> str | None:
    """Return why the status is not what is expected; None when it is."""
    if status in expected or (not expected and 200 <= status < 300):
        return None
    return f"status {status}, not {' or '.join(map(str, expected)) or '2xx'}"


def json_difference(found: object, expected: Mapping[str, Any], at: str = "") -> str | None:
    """Return the first place where `found` is not what is expected; None when it is."""
    for key, wanted in expected.items():
        place = f"{at}.{key}" if at else key
        try:
            value = _at(found, key)
        except LookupError:
            return f"{place} is not there"
        difference = _difference(value, wanted, place)
        if difference is not None:
            return difference
    return None


def _difference(found: object, wanted: object, place: str) -> str | None:
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return f"{place} is {_shown(found)}, not a table"
        return json_difference(found, wanted, place)
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return f"{place} is {_shown(found)}, not {_shown(wanted)}"
        parts = zip(found, wanted, strict=True)
        told = (_difference(value, item, f"{place}.{number}") for number, (value, item) in enumerate(parts))
        return next((each for each in told if each is not None), None)
    # True is 1 for Python, and is not for JSON.
    if found != wanted or isinstance(found, bool) is not isinstance(wanted, bool):
        return f"{place} is {_shown(found)}, not {_shown(wanted)}"
    return None


def _at(value: object, path: str) -> object:
    """Return what a key or a path leads to. Raises LookupError."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    first, dot, rest = path.partition(".")
    if isinstance(value, Mapping):
        found = value[first]
    elif isinstance(value, list) and first.isdecimal():
        found = value[int(first)]
    else:
        raise LookupError(path)
    return _at(found, rest) if dot else found


def _shown(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
