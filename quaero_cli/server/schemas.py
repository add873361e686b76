"""JSON Schemas of the views in `model`, made from their annotations, so that they cannot drift from the code. Pure.

Knows what the views use and no more: typed dicts, lists, dicts, unions with None, literals, plain values.
"""

import types
import typing
from collections.abc import Iterable
from typing import Any, Literal, NotRequired, Union

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schemas_of(views: Iterable[type]) -> dict[str, Any]:
    """Return the schemas of typed dicts and of all those they are made of, by name."""
    made: dict[str, Any] = {}
    for view in views:
        _schema(view, made)
    return dict(sorted(made.items()))


def reference(view: type) -> dict[str, str]:
    """Return a reference to a view's schema."""
    return {"$ref": f"#/components/schemas/{view.__name__}"}


def _schema(kind: Any, made: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401  # any annotation
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if typing.is_typeddict(kind):
        return _typed_dict(kind, made)
    if origin is NotRequired:
        return _schema(arguments[0], made)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(each, made) for each in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], made)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], made)}
    return {"type": _PLAIN[kind]} if kind in _PLAIN else {}  # anything


def _typed_dict(kind: type, made: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in made:
        made[kind.__name__] = {}  # a view may hold itself
        hints = typing.get_type_hints(kind, include_extras=True)
        made[kind.__name__] = {
            "type": "object",
            "description": (kind.__doc__ or "").strip().split("\n")[0],
            "properties": {name: _schema(hint, made) for name, hint in hints.items()},
            "required": sorted(name for name, hint in hints.items() if typing.get_origin(hint) is not NotRequired),
        }
    return reference(kind)
