"""Reading `log`: after a place, before a place, the newest. Every read is bounded and is one snapshot.

A place in one job is its `job_line`, since that is how the index is ordered; a place outside is a cursor, the id of
the last entry considered. `locate` turns one into the other by halving: 20 look-ups in a job of a million lines.
Entries of several jobs are merged by id, which is the order of commits.
"""

from dataclasses import dataclass

from quaero_cli.model import Entry
from quaero_cli.store.engine import Connection
from quaero_cli.store.rows import EntryMaker
from quaero_cli.store.schema import SERVICE
from quaero_cli.store.scope import Scope

# Rows looked at in one read, so that a filter that matches nothing cannot hold up the event loop: 0.5 us each.
SCAN_LIMIT = 20_000
EVERYTHING = 1 << 62  # instead, in a thread
# Text in one read: what the wire protocol puts into one batch. A single entry may be larger (64 KiB and its fields).
BYTE_LIMIT = 256 * 1024
_COLUMNS = "id, job, job_line, step, worker, line_number, time, level, source, message, fields"

Row = tuple[int, int, int, int | None, int | None, int | None, int, int, str, str, str | None]
Places = dict[int, int]  # job key -> the job_line of the last entry considered


@dataclass(frozen=True, slots=True)
class Slice:
    """What one read found. `complete`: nothing stored lies behind it."""

    entries: list[Entry]
    places: Places
    cursor: int
    complete: bool
    size: int  # characters of the entries' texts and fields


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
    ends: list[int] = []  # ids up to which each unfinished job was considered
    after: Places = {}
    for job in scope.jobs:
        found, considered, complete = _scan(connection, scope, job, places[job], limit, scan)
        rows += found
        after[job] = considered
        if not complete:
            ends.append(_id_at(connection, job, considered))
    if len(scope.jobs) > 1:
        rows.sort()
        if len(rows) > limit:  # each job gave up to `limit`
            ends.append(rows[limit - 1][0])
    if not ends:
        return Slice(make.entries(rows), after, newest, complete=True, size=_size(rows))
    bound = min(ends)
    if len(scope.jobs) > 1:
        rows = [row for row in rows if row[0] <= bound]
        after = {job: locate(connection, job, bound) for job in scope.jobs}
    return Slice(make.entries(rows), after, bound, complete=False, size=_size(rows))


def _size(rows: list[Row]) -> int:
    return sum([len(row[9]) + len(row[10] or "") for row in rows])


def _scan(
    connection: Connection, scope: Scope, job: int, place: int, limit: int, scan: int
) -> tuple[list[Row], int, bool]:
    last = last_line(connection, job)
    if place >= last:
        return [], place, True
    end = min(place + scan, last)
    conditions, values = scope.where()
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM log WHERE job = ? AND job_line > ? AND job_line <= ?{conditions}"
        " ORDER BY job_line LIMIT ?",
        (job, place, end, *values, limit),
    )
    rows: list[Row] = []
    size, cut = 0, False
    for row in found:
        rows.append(row)
        size += len(row[9]) + len(row[10] or "")
        if size >= BYTE_LIMIT:
            cut = True
            break
    found.close()
    considered = rows[-1][2] if cut or len(rows) == limit else end
    return rows, considered, considered == last


def _id_at(connection: Connection, job: int, job_line: int) -> int:
    row = connection.execute(
        "SELECT id FROM log WHERE job = ? AND job_line <= ? ORDER BY job_line DESC LIMIT 1", (job, job_line)
    ).fetchone()
    return int(row[0]) if row else 0


def read_newest(
    connection: Connection, make: EntryMaker, scope: Scope, limit: int, *, up_to: int | None = None
) -> tuple[list[Entry], bool]:
    """Return the newest `limit` matching entries (ids up to `up_to`), oldest first, and whether older ones match.

    May look at every row of a job: run it in a thread.
    """
    conditions, values = scope.where()
    rows: list[Row] = []
    for job in scope.jobs:
        last = last_line(connection, job) if up_to is None else locate(connection, job, up_to)
        rows += connection.execute(
            f"SELECT {_COLUMNS} FROM log WHERE job = ? AND job_line <= ?{conditions} ORDER BY job_line DESC LIMIT ?",
            (job, last, *values, limit + 1),
        ).fetchall()
    rows.sort()
    has_more = len(rows) > limit
    return make.entries(rows[-limit:] if limit else []), has_more


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
