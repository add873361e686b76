"""An entry's fields as `key=value` words. Pure.

Values are as in JSON, except that a string of one plain word has no quotes. A string of several lines is not
squeezed into one: it is handed back as a block of lines to be shown below the entry.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from quaero_cli.terminal.clean import clean, clean_lines

_PLAIN_WORD = re.compile(r'[^\s"=]+')


def inline_fields(fields: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the fields as the end of a line (two blanks before it, or empty), and the lines that follow it."""
    words: list[str] = []
    blocks: list[str] = []
    for key, value in fields.items():
        if isinstance(value, str) and "\n" in value.strip("\n"):
            blocks += [f"{_word(key)}:", *clean_lines(value)]
        else:
            words.append(f"{_word(key)}={field_value(value)}")
    return ("  " + " ".join(words) if words else ""), blocks


def field_value(value: object) -> str:
    """Return one value as a word that is safe to show."""
    if isinstance(value, str):
        return _word(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return clean(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str))


def _word(text: str) -> str:
    if _PLAIN_WORD.fullmatch(text):
        return clean(text)
    return clean(json.dumps(text, ensure_ascii=False))
