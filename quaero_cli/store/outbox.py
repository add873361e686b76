"""The outbox of a store that ships: every fact that was stored, until a view has it on disk.

The writer puts a batch's facts here in the transaction that stores them, so none is stored and not shipped, or
shipped and not stored. A row is what travels as one: consecutive facts of one origin. Rows go in the order in which
they were stored, and are forgotten when those who watch have said that they have them on disk. Millions of rows may
wait while the engine is away, so nothing here goes through all of them: their size is counted as they come and go.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from quaero_cli.model import Abroad, Fact, LogLines
from quaero_cli.store.engine import Connection, connect, transaction, translated
from quaero_cli.store.factcodec import encode_fact, join_bodies, join_facts

# A row's bounds: the engine and its readers pay per message, so lines travel together (measured: 2.4 times faster).
ROW_LINES = 256
ROW_BYTES = 256 * 1024
# What is read at once, at most; one row always is.
_READ_BYTES = 2 * 1024 * 1024

_COUNT = """
    INSERT INTO meta VALUES ('outbox_bytes', ?), ('outbox_facts', ?)
    ON CONFLICT (key) DO UPDATE SET value = value + excluded.value
"""
# The origins that have something here, each found by one step in the index, and where it begins.
_ORIGINS = """
    WITH RECURSIVE found(origin) AS (
        SELECT min(origin) FROM outbox
        UNION ALL SELECT (SELECT min(origin) FROM outbox WHERE origin > found.origin) FROM found WHERE origin NOT NULL
    )
    SELECT origin FROM found WHERE origin NOT NULL
    ORDER BY (SELECT id FROM outbox WHERE outbox.origin = found.origin ORDER BY last LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Shipment:
    """Consecutive facts of one origin, encoded: the numbers `first` to `last`. `id`: its place in the outbox."""

    origin: str
    first: int
    last: int
    body: bytes
    id: int = 0


def add_to_outbox(connection: Connection, origin: str, first: int, facts: Sequence[Fact]) -> list[Shipment]:
    """Put facts into the outbox, inside the transaction that stores them; return the rows."""
    texts: list[str] = []
    lines = size = 0
    rows = []
    for number, fact in enumerate(facts, first):
        text = encode_fact(fact)
        texts.append(text)
        size += len(text)
        said = fact.fact if type(fact) is Abroad else fact
        lines += len(said.messages) if type(said) is LogLines else 1
        if lines >= ROW_LINES or size >= ROW_BYTES:
            rows.append((origin, number - len(texts) + 1, number, join_facts(texts)))
            texts, lines, size = [], 0, 0
    if texts:
        last = first + len(facts) - 1
        rows.append((origin, last - len(texts) + 1, last, join_facts(texts)))
    connection.executemany("INSERT INTO outbox (origin, first, last, body) VALUES (?, ?, ?, ?)", rows)
    end: int = connection.execute("SELECT last_insert_rowid()").fetchone()[0]
    connection.execute(_COUNT, (sum(len(row[3]) for row in rows), len(facts)))
    return [Shipment(*row, id) for id, row in enumerate(rows, end - len(rows) + 1)]


class Outbox:
    """The outbox as its shipper sees it; a connection of its own. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path, lazy=True)  # what is forgotten and comes again is sent again, and known

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def after(self, place: int, most: int) -> list[Shipment]:
        """Return the next rows after a place, in order, or fewer where they are large."""
        found: list[Shipment] = []
        size = 0
        with translated(self._path), closing(self._connection.cursor()) as cursor:
            cursor.execute(
                "SELECT origin, first, last, body, id FROM outbox WHERE id > ? ORDER BY id LIMIT ?", (place, most)
            )
            for row in cursor:
                found.append(Shipment(*row))
                size += len(row[3])
                if size >= _READ_BYTES:
                    break
        return found

    def place_of(self, origin: str, number: int) -> int | None:
        """Return the place before the row that holds an origin's fact of that number; None when it is not here."""
        with translated(self._path):
            row = self._connection.execute(
                "SELECT id FROM outbox WHERE origin = ? AND last >= ? ORDER BY last LIMIT 1", (origin, number)
            ).fetchone()
        return None if row is None else int(row[0]) - 1

    def first_of(self, origin: str) -> int | None:
        """Return the number of an origin's first fact that is still here; None: none is."""
        with translated(self._path):
            row = self._connection.execute(
                "SELECT first FROM outbox WHERE origin = ? ORDER BY last LIMIT 1", (origin,)
            ).fetchone()
        return None if row is None else int(row[0])

    def forget(self, origin: str, last: int) -> int:
        """Forget an origin's facts up to a number; return how many rows that were."""
        with translated(self._path), transaction(self._connection):
            sizes = self._connection.execute(
                "DELETE FROM outbox WHERE origin = ? AND last <= ? RETURNING length(body), last - first + 1",
                (origin, last),
            ).fetchall()
            self._connection.execute(_COUNT, (-sum(size for size, _ in sizes), -sum(facts for _, facts in sizes)))
            return len(sizes)

    def ends(self) -> tuple[int, int] | None:
        """Return the places of the first and the last row; None: there are none."""
        with translated(self._path):
            row = self._connection.execute(
                "SELECT (SELECT min(id) FROM outbox), (SELECT max(id) FROM outbox)"
            ).fetchone()
        return None if row[0] is None else (int(row[0]), int(row[1]))

    def lasts(self) -> dict[str, int]:
        """Return the number of the newest fact that is here, of each origin that has some."""
        with translated(self._path):
            return dict(self._connection.execute("SELECT origin, max(last) FROM outbox GROUP BY origin").fetchall())

    def origins(self) -> list[str]:
        """Return the origins that have something here, the oldest first."""
        with translated(self._path):
            rows = self._connection.execute(_ORIGINS).fetchall()
        return [row[0] for row in rows]


def travelling(rows: Sequence[Shipment]) -> list[Shipment]:
    """Return rows that follow each other as few shipments of at most ROW_BYTES: each costs a round trip.

    While nobody takes them in, rows pile up as small as they were stored, down to a line each.
    """
    groups: list[list[Shipment]] = []
    size = 0
    for row in rows:
        size += len(row.body)
        last = groups[-1][-1] if groups else None
        if last is not None and size <= ROW_BYTES and (row.origin, row.first) == (last.origin, last.last + 1):
            groups[-1].append(row)
        else:
            groups.append([row])
            size = len(row.body)
    return [
        group[0]
        if len(group) == 1
        else replace(group[-1], first=group[0].first, body=join_bodies(row.body for row in group))
        for group in groups
    ]


def outbox_load(path: Path) -> tuple[int, int]:
    """Return how many bytes are in the outbox, and how many facts."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        found = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('outbox_bytes', 'outbox_facts')"))
        return int(found.get("outbox_bytes", 0)), int(found.get("outbox_facts", 0))
