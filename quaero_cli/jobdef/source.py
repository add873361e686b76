"""From a file to a TOML document, guarded: what is hostile, unreadable or not TOML ends here, as one error.

Why guards come before the parser: the standard library's parser copies the key path for each of its parts, so one
dotted key of 100 KB costs 42 s and 9.5 GB. A file over 64 KiB and a key of more than 32 parts are refused unparsed.
The scanner below finds keys without parsing: outside strings and comments a dot stands in a key, a float or a date
only, so the dots since the last `= , [ ] { }` or line end are the depth of a key. It must agree with the parser on
where strings end, as far as the parser gets; where it cannot (an open string), the parser stops there anyway.
"""

import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from quaero_cli.jobdef.place import Place

MAX_BYTES = 64 * 1024  # of a definition; the longest real one seen has 6 KiB
MAX_KEY_PARTS = 32  # of a dotted key; the format itself needs four

_TOKEN = re.compile(
    r"""
      \#[^\n]*                                     # a comment
    | \"\"\"(?:\\.?|[^\\])*?(?:\"{3,5}|\Z)         # a multi-line string; up to two quotes belong to its end
    | '''.*?(?:'{3,5}|\Z)
    | \"(?:\\.?|[^\"\\\n])*\"?                     # a string
    | '[^'\n]*'?
    | (?P<dot>\.)
    | (?P<end>[=,\n\[\]{}])
    | [^\#\"'.=,\n\[\]{}]+                         # anything else
    """,
    re.VERBOSE | re.DOTALL,
)
_POSITION = re.compile(r"\s*\(at (line \d+, column \d+|end of document)\)$")


def read_text(path: Path) -> str:
    """Return the text of a definition file. Raises DefinitionError when it cannot be read or is not UTF-8."""
    place = Place(str(path))
    try:
        # Looked at first: opening a FIFO would wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise place.error("not a file", hint="a definition is a .toml file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 4)  # and the mark that some editors put in front
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise place.error(f"cannot be read: {reason.lower()}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(data) > MAX_BYTES:
            raise _too_large(place) from None
        line = data.count(b"\n", 0, error.start) + 1
        raise place.error(f"line {line}: not UTF-8", hint="save the file as UTF-8") from error


# The two mistakes of somebody who meets TOML for the first time.
_TOML_HINT = 'text stands in quotes (key = "value"), and each key and [table] once'


def read_document(text: str, place: Place) -> dict[str, Any]:
    """Parse TOML text. Raises the place's error: too large, a key too deep, or not TOML (with the line)."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise place.error("not UTF-8", hint="save the file as UTF-8") from error
    if size > MAX_BYTES:
        raise _too_large(place)
    _refuse_deep_keys(text, place)
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise place.error("not TOML: nested too deeply") from error
    except ValueError as error:  # the parser's own error, and Python's for a number of thousands of digits
        raise _not_toml(str(error), text, place) from error


def _too_large(place: Place) -> Exception:
    return place.error(f"larger than {MAX_BYTES // 1024} KiB", hint="keep data in files of their own")


def _refuse_deep_keys(text: str, place: Place) -> None:
    dots = 0
    for token in _TOKEN.finditer(text):
        if token["end"]:
            dots = 0
        elif token["dot"]:
            dots += 1
            if dots >= MAX_KEY_PARTS:
                line = text.count("\n", 0, token.start()) + 1
                raise place.error(f"line {line}: a key with more than {MAX_KEY_PARTS} dotted parts")


def _not_toml(message: str, text: str, place: Place) -> Exception:
    found = _POSITION.search(message)
    words = message[: found.start()] if found else message.partition(";")[0]
    words = "".join(char if char.isprintable() else "?" for char in words[:1].lower() + words[1:160])
    if not found:
        return place.error(f"not TOML: {words}", hint=_TOML_HINT)
    where = found[1] if found[1].startswith("line") else f"line {text.count(chr(10)) + 1}, {found[1]}"
    return place.error(f"{where}: not TOML: {words}", hint=_TOML_HINT)
