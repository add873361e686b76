"""Pages of a log: the newest entries, or those before, after or around a cursor. All within the caller's snapshot."""

from collections.abc import Collection

from quaero_cli.model import Entry
from quaero_cli.store import entries
from quaero_cli.store.engine import Connection
from quaero_cli.store.rows import EntryMaker, status_of
from quaero_cli.store.scope import Scope


def read_page(
    connection: Connection,
    make: EntryMaker,
    scope: Scope,
    limit: int,
    *,
    before: int | None,
    since: int | None,
    around: int | None,
) -> tuple[list[Entry], bool]:
    """Return a page, oldest first, and whether there are older entries than those of it."""
    if since is not None:
        found = read_on(connection, make, scope, since, limit)
        first = found[0]["id"] if found else since + 1
        return found, entries.any_before(connection, scope, first)
    if around is not None:
        return _read_around(connection, make, scope, around, limit)
    up_to = None if before is None else before - 1
    return entries.read_newest(connection, make, scope, limit, up_to=up_to)


def _read_around(
    connection: Connection, make: EntryMaker, scope: Scope, cursor: int, limit: int
) -> tuple[list[Entry], bool]:
    """Return entries on both sides of a cursor, as many on each; near an end of the log, more on the other."""
    half = (limit + 1) // 2
    older, has_more = entries.read_newest(connection, make, scope, half, up_to=cursor)
    newer = read_on(connection, make, scope, cursor, limit - len(older))
    if has_more and len(older) + len(newer) < limit:
        wanted = limit - len(newer)
        older, has_more = entries.read_newest(connection, make, scope, wanted, up_to=cursor)
    return older + newer, has_more


def read_on(connection: Connection, make: EntryMaker, scope: Scope, cursor: int, limit: int) -> list[Entry]:
    """Return entries after a cursor, oldest first; fewer than `limit` where they would have more than PAGE_BYTES."""
    places = {job: entries.locate(connection, job, cursor) for job in scope.jobs}
    found: list[Entry] = []
    size = 0
    while len(found) < limit and size < entries.PAGE_BYTES:
        part = entries.read_after(connection, make, scope, places, limit - len(found))
        found += part.entries
        size += part.size
        places = part.places
        if part.complete:
            break
    return found


def all_delivered(connection: Connection, job_ids: Collection[str], cursor: int) -> bool:
    """Return whether these jobs have ended and none has an entry after `cursor`."""
    for job_id in job_ids:
        row = connection.execute("SELECT key, status FROM job WHERE id = ?", (job_id,)).fetchone()
        if row is None or not status_of(row[1]).final:
            return False
        if entries.locate(connection, row[0], cursor) < entries.last_line(connection, row[0]):
            return False
    return True
