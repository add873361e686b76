"""Sizes as people write them: `10MiB`, `500 kB`, `2GB`; a bare number is bytes. Pure."""

import re

from quaero_cli.jobdef.place import Place

_WHOLE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([kmgt]?i?b?)", re.ASCII | re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size_of(text: str) -> int | None:
    """Return the bytes that `text` means: `2GB` has powers of 1000, `2GiB` of 1024. None: it is no size."""
    match = _WHOLE.fullmatch(text.strip())
    unit = match[2].lower() if match else ""
    if match is None or unit.startswith("i"):
        return None
    base = 1024 if "i" in unit else 1000
    return int(float(match[1]) * base ** _POWERS[unit.rstrip("b").rstrip("i")])


def parse_size(value: object, place: Place) -> int:
    """Return the bytes that `value` means, an integer or a text. Raises the place's error."""
    size = size_of(value) if isinstance(value, str) else value
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size < 2**63:
        raise place.mismatch(
            "a size", value, hint='write bytes, or a number with its unit, such as "500kB" or "10MiB"'
        )
    return size
