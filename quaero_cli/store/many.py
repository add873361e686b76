"""Many rows in one statement.

`executemany` lets go of the interpreter's lock and wins it back for every row; beside a busy event loop that costs
more than the row. Rows go in the largest statements that fit, so there are few statements, and they stay prepared.
"""

from collections.abc import Sequence
from typing import Any

from quaero_cli.store.engine import Connection

# Rows in one statement, the largest that fits first.
ROWS_PER_STATEMENT = (500, 50, 5, 1)


class ManyRows:
    """A statement that takes rows of `width` values: `INSERT INTO ... VALUES`, the rows, and what `end` adds.

    `row`: what is made of the values of one, where that is not the values themselves.
    """

    def __init__(self, start: str, width: int, end: str = "", *, row: str = "") -> None:
        row = row or f"({','.join('?' * width)})"
        self._statements = [(rows * width, f"{start} {','.join([row] * rows)} {end}") for rows in ROWS_PER_STATEMENT]

    def write(self, connection: Connection, values: Sequence[Any]) -> None:
        """Write rows, their values one after the other."""
        start = 0
        for size, statement in self._statements:
            while len(values) - start >= size:
                connection.execute(statement, values[start : start + size])
                start += size
