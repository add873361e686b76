"""Keeps an entry small whatever step code puts into its fields: 64 KiB, as its message. Pure.

When all fits nothing is touched. Else the small values stay whole, and the large ones share what is left: a text is
cut, a list or a table becomes the beginning of its JSON, and each says how many bytes it had: `beginning…(N bytes)`.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from quaero_cli.masking.mask import Mask
from quaero_cli.model import MAX_ENTRY_BYTES
from quaero_cli.plaindata import text_of

# Fields of one entry. More of them are data, and belong into a file.
MAX_FIELDS = 500
# What a number, a name and the mark of a cut take at most; so the sum stays a bound.
_OVERHEAD = 32
# Longest UTF-8 of a character: below a quarter of the limit nothing needs to be measured.
_SURELY_FITS = MAX_ENTRY_BYTES // 4


def bounded(fields: Mapping[str, Any], mask: Mask | None) -> Mapping[str, Any]:
    """Return plain fields (see `plaindata`) that hold 64 KiB at most. `mask` hides secrets before the cut."""
    if len(fields) <= MAX_FIELDS and _surely_fits(fields):
        return fields
    fields = fields if mask is None else mask.value(fields)
    written = {key: _written(value) for key, value in fields.items()}
    size = sum(len(key.encode(errors="replace")) + _OVERHEAD + len(data) for key, data in written.items())
    if size <= MAX_ENTRY_BYTES and len(fields) <= MAX_FIELDS:
        return fields
    return _cut(fields, written)


def _surely_fits(fields: Mapping[str, Any]) -> bool:
    """Whether the fields are far from the bound: the usual case, in one call."""
    try:
        return len(orjson.dumps(fields)) <= _SURELY_FITS
    except TypeError:  # integers beyond 64 bits, lone surrogates, nested too deeply
        return False


def _cut(fields: Mapping[str, Any], written: Mapping[str, bytes]) -> Mapping[str, Any]:
    kept = list(fields)[:MAX_FIELDS]
    values = {_name(key): fields[key] for key in kept}
    room = MAX_ENTRY_BYTES - sum(len(key.encode(errors="replace")) + _OVERHEAD for key in values)
    for place, key in enumerate(sorted(kept, key=lambda key: len(written[key]))):
        share = max(0, room) // (len(kept) - place)
        data = written[key]
        if len(data) > share:
            values[_name(key)] = f"{data[:share].decode(errors='ignore')}…({len(data)} bytes)"
        room -= min(len(data), share)
    if len(fields) > MAX_FIELDS:
        values["…"] = f"({len(fields) - MAX_FIELDS} more fields)"
    return values


def _name(key: str) -> str:
    """A field's name; a long one is no name."""
    return key if len(key) <= _OVERHEAD * 2 else f"{key[: _OVERHEAD * 2]}…"


def _written(value: object) -> bytes:
    """What a value takes: a text's UTF-8, the JSON of a list or table, nothing for a number."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace")
    if isinstance(value, list | dict):
        try:
            return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
        except TypeError:  # integers beyond 64 bits, nested too deeply
            return text_of(value).encode(errors="backslashreplace")
    return b""
