"""`pages`: the reads of a job of a million entries, as the server makes them: openings, pages, counts, a search.

The store is filled by its own writer. Each read is made with a fresh reader, as for a request, and encoded as JSON.
The floor reads and encodes as many rows of the same table by their ids, without a filter, names, counts or a place.
The search is compared with reading all messages once.
"""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

from bench.homes import Home, new_home
from bench.verdict import Fact, Promise, Ratio, Result, median
from quaero_cli.model import JobChanged, Level, LogLine, LogQuery, NewJob, Status, StepRow
from quaero_cli.server.encode import to_json
from quaero_cli.store.engine import connect
from quaero_cli.store.queue import claim, enqueue
from quaero_cli.store.reader import Reader, open_reader
from quaero_cli.store.schema import prepare
from quaero_cli.store.search import Search
from quaero_cli.store.writer import Writer

_FULL = (1_000_000, 21)  # entries, repeats
_SMOKE = (50_000, 7)
_BATCH = 5000
_PAGE = 100
JOB = "large1"
_PEER = "Concourse sends 25,000 lines for minutes before the end is seen; GitHub shows a part of the log"
# Milliseconds in which the counts of a job shall be there.
COUNTS_SOON = 1.0
# Milliseconds in which the server shall open the stream of a million entries, or find a page of it.
SOON = 20.0
# Measured: 2 to 4. The floor makes no names, places, states and counts.
PAGE_TARGET = 8.0
# Measured: 0.8 to 1.3; LIKE against one look at each message.
SEARCH_TARGET = 3.0


def measure(smoke: bool) -> Result:
    """Fill a store, then make each read many times."""
    number, repeats = _SMOKE if smoke else _FULL
    with new_home() as home:
        fill(home, number)
        result = Result("pages")
        floor = median(_times(lambda: _floor(home, number), repeats))
        for what, read in _reads(number).items():
            took = median(_times(partial(_with_reader, home, read), repeats))
            result.ratios.append(Ratio(what, f"{_PAGE} rows by their ids", took, floor, "ms", PAGE_TARGET))
            result.promises.append(Promise(f"{what} of {number:,} entries", took, SOON, "ms", _PEER))
        scan = median(_times(lambda: _scan(home), 3))
        search = median(_times(lambda: _with_reader(home, _search), 3))
        result.ratios.append(Ratio(f"a search of {number:,} entries", "reading each message", search, scan, "ms",
                                   SEARCH_TARGET))  # fmt: skip
        with open_reader(home.database) as reader:
            counts = median(_times(lambda: reader.counts(JOB), repeats))
            counted = reader.counts(JOB)
            total = counted["debug"] + counted["info"] + counted["warn"] + counted["error"]
            result.facts.append(Fact(f"counts of {number:,} entries", total == number))
        result.promises.append(Promise("counts of the job", counts, COUNTS_SOON, "ms", _PEER))
    return result


def _reads(number: int) -> dict[str, Callable[[Reader], object]]:
    query = LogQuery((JOB,), level=Level.INFO)
    return {
        "opening the stream at the end": lambda reader: (
            reader.look_newest(reader.scope(query), (JOB,), _PAGE, 2000).view
        ),
        "the first page": lambda reader: reader.page(query, limit=_PAGE, since=0),
        "a page in the middle": lambda reader: reader.page(query, limit=_PAGE, around=number // 2),
    }


def _times(work: Callable[[], object], repeats: int) -> list[float]:
    """Milliseconds of each call."""
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return took


def _with_reader(home: Home, read: Callable[[Reader], object]) -> bytes:
    with open_reader(home.database) as reader:
        return to_json(read(reader))


def _search(reader: Reader) -> object:
    return reader.search(Search("no entry has this"), _PAGE)


def _floor(home: Home, number: int) -> bytes:
    with closing(connect(home.database, readonly=True)) as connection:
        rows = connection.execute("SELECT * FROM log WHERE id > ? ORDER BY id LIMIT ?", (number // 2, _PAGE))
        return to_json(rows.fetchall())


def _scan(home: Home) -> object:
    with closing(connect(home.database, readonly=True)) as connection:
        return connection.execute("SELECT max(length(message)) FROM log").fetchone()


def fill(home: Home, number: int) -> None:
    """Write so many entries of one job, at four levels; the job has ended."""
    prepare(home.database)
    enqueue(home.database, NewJob(JOB, "large", "Large", "cli", "", "", "", {}, (StepRow("fetch", "shell"),)))
    attempt = claim(home.database, JOB)
    assert attempt is not None
    levels = [Level.INFO] * 6 + [Level.DEBUG] * 2 + [Level.WARN, Level.ERROR]
    now = time.time_ns() // 1000
    with closing(Writer(home.database)) as writer:
        for start in range(0, number, _BATCH):
            lines = [
                LogLine(JOB, "fetch", n % 300 + 1, now + n, levels[n % 10],
                        f"Fetched /articles/{n}.html in {n % 97} ms", "worker", "crawler", None)
                for n in range(start, min(start + _BATCH, number))
            ]  # fmt: skip
            writer.apply(start + 1, lines)
        writer.apply(number + 1, [JobChanged(JOB, Status.COMPLETED, now, attempt)])
