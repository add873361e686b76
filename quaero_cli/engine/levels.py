r"""What a child's line says of its own level: pure, and used only where a step asks for it (`levels = true`).

Two shapes are understood:

* a JSON object with `level`, `severity` or `lvl` and with `message` or `msg`: the other keys become fields;
* a line that begins with a level: `LEVEL message` (capitals only, or a sentence that begins with "Error" would be
  one), `[level] message`, `level: message`. The level is taken off the message: the entry shows it.

A level that is not one of quaero's own (FATAL, NOTICE, 30) is kept as it was in the field `level`.
Anything else has no level of its own and stays as it is.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from quaero_cli.model import Level

_NAMES: Mapping[str, Level] = {
    **dict.fromkeys(("TRACE", "VERBOSE", "DEBUG"), Level.DEBUG),
    **dict.fromkeys(("INFO", "INFORMATION", "NOTICE"), Level.INFO),
    **dict.fromkeys(("WARN", "WARNING"), Level.WARN),
    **dict.fromkeys(("ERR", "ERROR", "CRITICAL", "FATAL", "ALERT", "EMERGENCY", "PANIC"), Level.ERROR),
}
# The numbers that JSON loggers write as a level (bunyan's, which pino took over).
_NUMBERS: Mapping[int, Level] = {
    10: Level.DEBUG, 20: Level.DEBUG, 30: Level.INFO, 40: Level.WARN, 50: Level.ERROR, 60: Level.ERROR
}  # fmt: skip
_OWN = ("DEBUG", "INFO", "WARN", "WARNING", "ERROR")
_LEVEL_KEYS = ("level", "severity", "lvl")
_MESSAGE_KEYS = ("message", "msg")
_ANY = "|".join(sorted(_NAMES, key=len, reverse=True))
_PREFIX = re.compile(rf"\s*(?:\[\s*(?i:({_ANY}))\s*\]:?|(?i:({_ANY})):|({_ANY})(?=\s))\s*")


class Reading(NamedTuple):
    """A line as it is to be logged. `level` None: the line says nothing of it."""

    level: Level | None
    message: str
    fields: dict[str, Any]


def read_level(text: str) -> Reading:
    """Read the level of one whole line (of a long one: of its first piece)."""
    if text.startswith("{"):
        reading = _from_json(text)
        if reading is not None:
            return reading
    match = _PREFIX.match(text)
    if match is None:
        return Reading(None, text, {})
    name = match[1] or match[2] or match[3]
    return Reading(_NAMES[name.upper()], text[match.end() :], _kept(name))


def _from_json(text: str) -> Reading | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    level_key = next((key for key in _LEVEL_KEYS if key in value), None)
    message_key = next((key for key in _MESSAGE_KEYS if isinstance(value.get(key), str)), None)
    if level_key is None or message_key is None:
        return None
    level = _level_of(value[level_key])
    if level is None:
        return None
    fields = {key: item for key, item in value.items() if key not in (level_key, message_key)}
    message = value[message_key].replace("\0", "\\x00")
    return Reading(level, message, {**_kept(value[level_key]), **fields})


def _kept(written: str | int) -> dict[str, Any]:
    return {} if str(written).strip().upper() in _OWN else {"level": written}


def _level_of(value: object) -> Level | None:
    if isinstance(value, str):
        return _NAMES.get(value.strip().upper())
    return _NUMBERS.get(value) if type(value) is int else None
