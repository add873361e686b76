"""What step code hands over to be kept, as plain data that nobody can change any more. Pure.

An entry is stored a moment after it was logged, in another thread. A list or a table among its fields may have
changed by then, so what may change is copied when it is logged; text and numbers, the usual case, are taken as they
are. Objects are of any class, and neither their `__str__` nor their iteration can be trusted.
"""

from collections.abc import Mapping
from typing import Any

import orjson

_CANNOT_CHANGE = frozenset((str, int, float, bool, type(None)))
_DEEPEST = 50  # levels of nesting that are kept as such; deeper ones become text


def as_of_now(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields as they are at this moment."""
    for value in fields.values():
        if type(value) not in _CANNOT_CHANGE:
            return {key: plain(value) for key, value in fields.items()}
    return dict(fields)  # the mapping itself may be the caller's


def plain(value: object) -> object:
    """Return a value as data that JSON can hold and that is nobody else's. Never raises."""
    if type(value) in _CANNOT_CHANGE:
        return value
    try:
        return orjson.loads(orjson.dumps(value, default=text_of, option=orjson.OPT_NON_STR_KEYS))
    except Exception:  # integers beyond 64 bits, lone surrogates, cycles; whatever a class of the job's raises
        return walked(value)


def text_of(value: object) -> str:
    """Return an object's text, or a word in its place when its `__str__` is broken."""
    try:
        return str(value)
    except Exception as error:
        return f"<{type(value).__name__} without a text: {type(error).__name__}>"


def walked(value: object, depth: int = 0) -> object:
    """Return what Python's own JSON can hold of a value that the fast way refuses: slow, for rare values."""
    if type(value) in _CANNOT_CHANGE:
        return value
    if depth < _DEEPEST:
        if isinstance(value, dict):
            return {text_of(key): walked(item, depth + 1) for key, item in value.copy().items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [walked(item, depth + 1) for item in tuple(value)]
    return text_of(value)
