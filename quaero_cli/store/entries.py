"""Reading `log`: after a place, before a place, the newest. Every read is bounded and is one snapshot.

A place in one job is its `job_line`, since that is how the index is ordered; a place outside is a cursor, the id of
the last entry considered. `locate` turns one into the other by halving: 20 look-ups in a job of a million lines.
Entries of several jobs are merged by id, which is the order of commits.
"""

from dataclasses import dataclass

import orjson

from quaero_cli.model import Entry
from quaero_cli.store.engine import Connection, Cursor
from quaero_cli.store.gaps import Lost, id_at, taken
from quaero_cli.store.rows import EntryMaker
from quaero_cli.store.schema import SERVICE
from quaero_cli.store.scope import Scope

# Rows looked at in one read, so that a filter that matches nothing cannot hold up the event loop: 0.5 us each.
SCAN_LIMIT = 20_000
EVERYTHING = 1 << 62  # instead, in a thread
# JSON in one read: what the wire protocol puts into one batch. A single entry may be larger (64 KiB and its fields).
BYTE_LIMIT = 256 * 1024
# The same of a page: five ordinary ones of 5,000 entries; so many of the largest would be 300 MB.
PAGE_BYTES = 8 * 1024 * 1024
# Of an entry beside its texts: the keys, its number and time, and four names of a dozen letters.
_BESIDE = 280
COLUMNS = "id, job, job_line, step, worker, line_number, time, level, source, message, fields"

Row = tuple[int, int, int, int | None, int | None, int | None, int, int, str, str, str | None]
Places = dict[int, int]  # job key -> the job_line of the last entry considered


@dataclass(frozen=True, slots=True)
class Slice:
    """What one read found. `complete`: nothing stored lies behind it."""

    entries: list[Entry]
    places: Places
    cursor: int
    complete: bool
    size: int  # bytes of the entries as JSON
    ends: Places  # each job's newest entry at that moment
    lost: tuple[Lost, ...]  # what retention took where this read began


def head(connection: Connection) -> int:
    """Return the id of the newest entry of the store; 0 when there is none."""
    return int(connection.execute("SELECT value FROM meta WHERE key = 'next_id'").fetchone()[0]) - 1


def last_line(connection: Connection, job: int) -> int:
    """Return the `job_line` of a job's newest entry; 0 when there is none."""
    if job == SERVICE:
        row = connection.execute("SELECT value FROM meta WHERE key = 'service_entries'").fetchone()
    else:
        row = connection.execute("SELECT entries FROM job WHERE key = ?", (job,)).fetchone()
    return int(row[0]) if row else 0


def locate(connection: Connection, job: int, cursor: int) -> int:
    """Return the `job_line` of the job's last entry with an id up to `cursor`; 0 when there is none."""
    low, high = 0, last_line(connection, job)
    while low < high:
        middle = (low + high + 1) // 2
        # Retention may have taken entries: look at the first that is left from here on.
        row = connection.execute(
            "SELECT id FROM log WHERE job = ? AND job_line >= ? ORDER BY job_line LIMIT 1", (job, middle)
        ).fetchone()
        if row is not None and row[0] <= cursor:
            low = middle
        else:
            high = middle - 1
    return low


def read_after(
    connection: Connection, make: EntryMaker, scope: Scope, places: Places, limit: int, *, scan: int | None = None
) -> Slice:
    """Return up to `limit` entries after `places`, oldest first.

    Looks at no more than `scan` rows of each job; None: as many as the event loop can bear.
    """
    newest = head(connection)
    scan = SCAN_LIMIT if scan is None else scan
    rows: list[Row] = []
    bounds: list[int] = []  # ids up to which each unfinished job was considered
    after: Places = {}
    ends: Places = {}
    lost: list[Lost] = []
    for job in scope.jobs:
        place, last = places[job], last_line(connection, job)
        found, after[job] = _scan(connection, scope, job, place, last, limit, scan)
        ends[job] = last
        rows += found
        if after[job] < last:
            bounds.append(id_at(connection, job, after[job]))
        if place < last and not (found and found[0][2] == place + 1):
            hole = taken(connection, job, place, last, newest)
            lost += [hole] if hole is not None else []
    if len(scope.jobs) > 1:
        rows.sort()
        if len(rows) > limit:  # each job gave up to `limit`
            bounds.append(rows[limit - 1][0])
    bound = min(bounds, default=newest)
    if bounds and len(scope.jobs) > 1:
        rows = [row for row in rows if row[0] <= bound]
        # Never back: of what retention took, `locate` knows nothing.
        after = {job: max(places[job], locate(connection, job, bound)) for job in scope.jobs}
    size = sum([size_of(row) for row in rows])
    return Slice(make.entries(rows), after, bound, not bounds, size, ends, tuple(lost))


def size_of(row: Row) -> int:
    """Return how many bytes a row's entry has as JSON, near enough: escaped characters count as they are written."""
    fields = row[10]
    return _BESIDE + len(orjson.dumps(row[9])) + (len(fields.encode()) if fields else 0)


def _scan(
    connection: Connection, scope: Scope, job: int, place: int, last: int, limit: int, scan: int
) -> tuple[list[Row], int]:
    """Return matching rows of one job after `place`, and the `job_line` up to which it was considered."""
    if place >= last:
        return [], place
    end = min(place + scan, last)
    conditions, values = scope.where()
    found = connection.execute(
        f"SELECT {COLUMNS} FROM log WHERE job = ? AND job_line > ? AND job_line <= ?{conditions}"
        " ORDER BY job_line LIMIT ?",
        (job, place, end, *values, limit),
    )
    rows, cut = _within(found, BYTE_LIMIT)
    return rows, rows[-1][2] if cut or len(rows) == limit else end


def _within(found: Cursor, budget: int) -> tuple[list[Row], bool]:
    """Return rows that have no more than `budget` bytes, but one at least, and whether that cut them short."""
    rows: list[Row] = []
    size = 0
    for row in found:
        size += size_of(row)
        if rows and size > budget:
            found.close()
            return rows, True
        rows.append(row)
    return rows, False


def read_newest(
    connection: Connection, make: EntryMaker, scope: Scope, limit: int, *, up_to: int | None = None
) -> tuple[list[Entry], bool]:
    """Return the newest `limit` matching entries (ids up to `up_to`), oldest first, and whether older ones match.

    Fewer where they would have more than PAGE_BYTES. May look at every row of a job: run it in a thread.
    """
    conditions, values = scope.where()
    rows: list[Row] = []
    floor = 0  # below it a job's rows were not read
    for job in scope.jobs:
        last = last_line(connection, job) if up_to is None else locate(connection, job, up_to)
        found = connection.execute(
            f"SELECT {COLUMNS} FROM log WHERE job = ? AND job_line <= ?{conditions} ORDER BY job_line DESC LIMIT ?",
            (job, last, *values, limit + 1),
        )
        part, cut = _within(found, PAGE_BYTES)
        rows += part
        floor = max(floor, part[-1][0]) if cut else floor
    rows.sort(reverse=True)
    kept, size = 0, 0
    while kept < min(limit, len(rows)) and rows[kept][0] >= floor and size < PAGE_BYTES:
        size += size_of(rows[kept])
        kept += 1
    has_more = kept < len(rows) or (floor > 0 and any_before(connection, scope, rows[kept - 1][0]))
    return make.entries(rows[kept - 1 :: -1] if kept else []), has_more


def place_of_newest(connection: Connection, scope: Scope, limit: int) -> tuple[int, bool]:
    """Return the cursor before the newest `limit` matching entries, and whether older ones match.

    Ids alone are read, however large the entries are. May look at every row of a job: run it in a thread.
    """
    conditions, values = scope.where()
    ids: list[int] = []
    for job in scope.jobs:
        found = connection.execute(
            f"SELECT id FROM log WHERE job = ? AND job_line <= ?{conditions} ORDER BY job_line DESC LIMIT ?",
            (job, last_line(connection, job), *values, limit + 1),
        )
        ids += [row[0] for row in found]
    ids.sort(reverse=True)
    newest = ids[:limit]
    return newest[-1] - 1 if newest else head(connection), len(ids) > limit


def any_before(connection: Connection, scope: Scope, cursor: int) -> bool:
    """Return whether a matching entry has an id below `cursor`. May look at every row: run it in a thread."""
    conditions, values = scope.where()
    for job in scope.jobs:
        row = connection.execute(
            f"SELECT 1 FROM log WHERE job = ? AND job_line <= ?{conditions} LIMIT 1",
            (job, locate(connection, job, cursor - 1), *values),
        ).fetchone()
        if row is not None:
            return True
    return False
