"""A store that is the same each time: jobs of every kind of end, with fixed IDs and times, documents, a service log.

Its times are years ago, so that lists show dates, and what is printed does not change from day to day.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from stores import Scribe

from quaero_cli.model import (
    Document,
    DocumentFound,
    Fact,
    JobChanged,
    Level,
    LogLine,
    NewJob,
    Status,
    StepChanged,
    StepOutput,
    StepRow,
    WorkerChanged,
)
from quaero_cli.settings import Settings
from quaero_cli.store.engine import connect
from quaero_cli.store.queue import claim, enqueue
from quaero_cli.store.schema import prepare

BEGAN = int(datetime(2020, 1, 15, 10, 30, tzinfo=UTC).timestamp()) * 1_000_000
GREETING, CRAWL, IMPORT, LOST, AGAIN = "2hello22", "3crawl33", "4import4", "5lost555", "6again66"
_TEXT = "The harbour of Quaero opens again on Monday.\n\n* first ferry at six\n* tickets at the pier\n"
_HOSTILE = "an \x1b[31mangry\x1b[0m line\twith a tab, \u202eright to left, and a\nsecond line"


def at(seconds: float) -> int:
    """Return a moment of that morning, in microseconds."""
    return BEGAN + int(seconds * 1_000_000)


def make(home: Path) -> Settings:
    """Make the store in a data directory."""
    settings = Settings(home=home)
    prepare(settings.database)
    crawl = {"max_pages": 4, "start_urls": ["http://gazette.test/"], "token": "***"}
    parts = (
        (new_job(GREETING, "hello", "Hello", {"who": "Ada"}, greet="shell"), greeting),
        (
            new_job(CRAWL, "news-crawler", "News Crawler", crawl, site="demo_site", fetch="crawler", index="shell"),
            crawling,
        ),
        (new_job(IMPORT, "nightly-import", "Import of everything, by night", {}, load="shell"), importing),
        (new_job(LOST, "hello", "Hello", {}, greet="shell"), losing),
        (new_job(AGAIN, "news-crawler", "News Crawler", crawl, retry_of=CRAWL, fetch="crawler"), retrying),
    )
    with closing(Scribe(settings)) as scribe:
        for job, facts in parts:
            enqueue(settings.database, job)
            attempt = claim(settings.database, job.id)
            assert attempt is not None
            scribe.write(facts(attempt))
        scribe.write([_line(None, None, 900, "Serving on http://127.0.0.1:8420"), _line(None, None, 960, "Stopped")])
    _fix_times(settings)
    return settings


def new_job(
    ident: str, definition: str, name: str, parameters: dict, *, retry_of: str | None = None, **steps: str
) -> NewJob:
    """Make a job that can be enqueued; its steps are named with their types."""
    rows = tuple(StepRow(step, type_) for step, type_ in steps.items())
    return NewJob(
        id=ident, definition=definition, name=name, trigger="retry" if retry_of else "cli", definition_text="",
        definition_path=f"jobdefs/{definition}.toml", definition_hash="", parameters=parameters, steps=rows,
        overlap="allow", retry_of=retry_of,
    )  # fmt: skip


def greeting(attempt: int) -> Iterator[Fact]:
    """A job that went well."""
    yield from _began(GREETING, "Hello", 0)
    yield StepChanged(GREETING, "greet", Status.RUNNING, at(0.01))
    yield _line(GREETING, "greet", 0.02, "Hello, Ada")
    yield StepChanged(GREETING, "greet", Status.COMPLETED, at(0.04))
    yield JobChanged(GREETING, Status.COMPLETED, at(0.05), attempt)


def crawling(attempt: int) -> Iterator[Fact]:
    """A job with workers of which one failed: a failed step, a skipped one, outputs, documents."""
    yield from _began(CRAWL, "News Crawler", 60)
    yield StepChanged(CRAWL, "site", Status.RUNNING, at(60))
    yield StepOutput(CRAWL, "site", {"url": "http://gazette.test/"})
    yield StepChanged(CRAWL, "site", Status.COMPLETED, at(60.4))
    yield StepChanged(CRAWL, "fetch", Status.RUNNING, at(60.5))
    for number, status in enumerate((200, 200, 404, 200), 1):
        page, moment = f"http://gazette.test/{number}.html", 61 + number * 7.25
        good = status == 200
        yield WorkerChanged(CRAWL, "fetch", number, Status.RUNNING, at(moment), label=page)
        level = Level.INFO if good else Level.ERROR
        yield _line(
            CRAWL, "fetch", moment + 1, f"Fetched {page}", level, number, {"status": status, "duration_ms": 41}
        )
        error = None if good else "HTTPError: 404 Not Found"
        yield WorkerChanged(
            CRAWL, "fetch", number, Status.COMPLETED if good else Status.FAILED, at(moment + 2), error=error
        )
    yield _line(CRAWL, "fetch", 92, "gazette.test answers slowly", Level.WARN)
    yield _line(CRAWL, "fetch", 93, _HOSTILE)
    yield DocumentFound(CRAWL, _article(1, "Harbour reopens", "Ada Lovelace"))
    yield DocumentFound(
        CRAWL, _article(2, "A title that is so long that no terminal of usual width has room for it beside the rest")
    )
    yield StepChanged(
        CRAWL,
        "fetch",
        Status.FAILED,
        at(131),
        error="1 of 4 workers failed, none is tolerated: HTTPError: 404 Not Found",
    )
    yield StepChanged(CRAWL, "index", Status.SKIPPED, at(131), error="depends on fetch, which failed")
    yield JobChanged(CRAWL, Status.FAILED, at(131.5), attempt, error="step fetch failed")


def importing(attempt: int) -> Iterator[Fact]:
    """A long job that was cancelled."""
    yield from _began(IMPORT, "Import of everything, by night", 600)
    yield StepChanged(IMPORT, "load", Status.RUNNING, at(600))
    for number in range(1, 4):
        yield _line(IMPORT, "load", 600 + number, f"imported {number * 1_000_000:,} rows", Level.DEBUG)
    yield StepChanged(IMPORT, "load", Status.CANCELLED, at(8130), error="cancelled by SIGINT")
    yield JobChanged(IMPORT, Status.CANCELLED, at(8130), attempt, error="cancelled by SIGINT")


def losing(attempt: int) -> Iterator[Fact]:
    """A job whose runner died."""
    yield from _began(LOST, "Hello", 9000)
    yield StepChanged(LOST, "greet", Status.INTERRUPTED, at(9002), error="its process died")
    yield JobChanged(LOST, Status.INTERRUPTED, at(9002), attempt, error="its process died")


def retrying(attempt: int) -> Iterator[Fact]:
    """A job that ended with a failure that was tolerated."""
    yield from _began(AGAIN, "News Crawler", 9600)
    yield StepChanged(AGAIN, "fetch", Status.RUNNING, at(9600))
    yield _line(AGAIN, "fetch", 9601, "Fetched http://gazette.test/3.html", Level.WARN)
    yield StepChanged(AGAIN, "fetch", Status.WARNING, at(9602), error="1 of 4 workers failed")
    yield JobChanged(AGAIN, Status.WARNING, at(9603), attempt)


def _began(job: str, name: str, seconds: float) -> Iterator[Fact]:
    yield JobChanged(job, Status.RUNNING, at(seconds), 1)
    yield _line(job, None, seconds, f"Status changed: running (job: {name})")


def _line(
    job: str | None, step: str | None, seconds: float, message: str, level: Level = Level.INFO,
    worker: int | None = None, fields: dict | None = None,
) -> LogLine:  # fmt: skip
    originator = "worker" if worker is not None else "step" if step else ""
    source = "shell" if step else "runner" if job else "service"
    return LogLine(job, step, worker, at(seconds), level, message, originator, source, fields)


def _article(number: int, title: str, *authors: str) -> Document:
    url = f"http://gazette.test/{number}.html"
    return Document(
        url=url, canonical_url=url, title=title, text=_TEXT, content_hash="0" * 64, status=200, fetched_at=at(70),
        authors=authors, published="2020-01-14", language="en", site="The Quaero Gazette", tags=("harbour",),
    )  # fmt: skip


def _fix_times(settings: Settings) -> None:
    """Put the moments at which jobs were enqueued and claimed, and the store's tag, to fixed values."""
    begins = {GREETING: 0, CRAWL: 60, IMPORT: 600, LOST: 9000, AGAIN: 9600}
    with closing(connect(settings.database)) as connection:
        for job, seconds in begins.items():
            connection.execute(
                "UPDATE job SET created_at = ?, started_at = ? WHERE id = ?", (at(seconds),) * 2 + (job,)
            )
        connection.execute("UPDATE meta SET value = 'f1xed' WHERE key = 'epoch'")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
