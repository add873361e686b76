"""A place in the log as it is written outside the process: `<epoch>-<id>`. Pure.

The epoch is a random tag made with the database, so that a client notices when the store behind a URL was replaced.
"""

import re
from dataclasses import dataclass

_PATTERN = re.compile(r"([0-9A-Za-z]{1,32})-([0-9]{1,18})", re.ASCII)  # 18 digits fit in SQLite's integers

CURSOR_FORM = "a cursor as an event's id gave it, like 3f2a-18290"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place after entry `id` of the store with this epoch."""

    epoch: str
    id: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.id}"


def parse_cursor(text: str) -> Cursor:
    """Return the cursor that `text` is. Raises ValueError."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return Cursor(match[1], int(match[2]))
