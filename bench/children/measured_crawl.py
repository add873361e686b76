"""A crawl that is looked into: `measured_crawl DATA DEFINITION [turns]`. A job like any other.

Its step type, `measured`, is the crawler, but that it may leave articles alone; only here it is known. Tells how the
job ended, the pages, the seconds of its step, the processor time of this process and of those that read pages, and
the most memory that this process had. With `turns` also the longest turn of the loop, whose watching costs a tenth,
and by how much a task that wants to run every ten milliseconds was late at most, by the clock.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import cast

import trio

from bench.machine import peak_memory_mb
from quaero_cli.crawl.addresses import Policy
from quaero_cli.crawl.crawl import crawl
from quaero_cli.crawl.options import Options
from quaero_cli.crawl.ports import Surroundings
from quaero_cli.crawl.scope import Scope
from quaero_cli.jobdef.find import find
from quaero_cli.model import LogQuery
from quaero_cli.session.prepare import prepare as prepare_job
from quaero_cli.session.run import RunOptions, run
from quaero_cli.settings import Settings
from quaero_cli.steps.contract import StepContext
from quaero_cli.steps.registry import load_step_types, read_step_type
from quaero_cli.store.engine import connect
from quaero_cli.store.schema import prepare
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.display import open_display

DEFAULT_CONCURRENCY = 64
# Processor seconds when the step began, and at its end; the most pages that waited.
_spent: dict[str, float] = {}
# Between two looks at the clock.
_LOOK_SECONDS = 0.01


async def measured(
    ctx: StepContext,
    *,
    start_urls: str,
    max_pages: int,
    articles: bool = False,
    per_host: int = 64,
    enough: int = 0,
) -> dict[str, int]:
    """Crawl, and keep the articles if they are wanted.

    start_urls: the page to start from
    max_pages: pages to ask for
    articles: whether pages are read for more than their links
    per_host: connections to one host at the same time
    enough: stop when so many pages wait; 0: at the end
    """
    urls = (start_urls,)
    options = Options(
        urls,
        Scope(urls, max_depth=100),
        Policy(["127.0.0.1"]),
        max_pages=max_pages,
        per_host=per_host,
        extract=articles,
    )
    _spent.update({f"{name} before": seconds for name, seconds in _processor_seconds().items()})
    async with trio.open_nursery() as nursery:
        if "late" in _spent:
            nursery.start_soon(_watch_the_clock)
        scope = nursery.cancel_scope
        around = cast("Surroundings", _Watched(ctx, lambda waiting: enough and waiting >= enough and scope.cancel()))
        await crawl(around, options)
        scope.cancel()
    _spent.update(_processor_seconds())
    return {}


async def _watch_the_clock() -> None:
    """Note how late the loop was at most: by the clock, so only a quiet machine says something about the crawl."""
    while True:
        due = trio.current_time() + _LOOK_SECONDS
        await trio.sleep_until(due)
        _spent["late"] = max(trio.current_time() - due, _spent["late"])


class _Watched:
    """The step's context; tells also how many pages wait, whenever progress is reported."""

    def __init__(self, ctx: StepContext, waiting: Callable[[int], object]) -> None:
        self._ctx = ctx
        self._waiting = waiting

    def __getattr__(self, name: str) -> object:
        return getattr(self._ctx, name)

    def report(self, *, progress: int | None = None, text: str | None = None) -> None:
        """`text` begins with the number."""
        self._ctx.report(progress=progress, text=text)
        waiting = int((text or "0").split()[0])
        _spent["waiting"] = max(waiting, _spent.get("waiting", 0))
        self._waiting(waiting)


class Turns(trio.abc.Instrument):
    """Notes the longest turn of the event loop, in seconds of processor time: what else runs here does not count."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._now = time.thread_time
        self._began = self._now()

    def after_io_wait(self, timeout: float) -> None:
        self._began = self._now()

    def before_io_wait(self, timeout: float) -> None:
        self.longest = max(self.longest, self._now() - self._began)


def main(data: str, definition: str, what: str = "") -> None:
    """Run the job and tell."""
    types = load_step_types()
    types["measured"] = read_step_type("measured", sys.modules[__name__])
    settings = Settings(Path(data))
    prepare(settings.database)
    prepared = prepare_job(find(definition, [], types), {}, trigger="cli")
    display = open_display(mode="quiet", out=Terminal(sys.stdout, {}), err=Terminal(sys.stderr, {}))
    turns = Turns()
    if what == "turns":
        _spent["late"] = 0.0
    result = trio.run(
        partial(
            run, settings, prepared, display, RunOptions(LogQuery()), environment=dict(os.environ), step_types=types
        ),
        instruments=[turns] if what == "turns" else [],
    )
    told = {"status": result.status, "longest_turn": turns.longest, "memory": peak_memory_mb(os.getpid())}
    spent = {name: _spent[name] - _spent[f"{name} before"] for name in ("processor", "readers")}
    spent |= {name: _spent.get(name, 0) for name in ("waiting", "late")}
    print(json.dumps({**told, **_of_the_store(settings.database), **spent}))


def _of_the_store(database: Path) -> dict[str, float]:
    with closing(connect(database, readonly=True)) as connection:
        (micros,) = connection.execute("SELECT finished_at - started_at FROM step").fetchone()
        (fetched,) = connection.execute("SELECT count(*) FROM log WHERE message = 'Fetched'").fetchone()
        (articles,) = connection.execute("SELECT count(*) FROM document").fetchone()
        (workers,) = connection.execute("SELECT count(*) FROM worker WHERE status = 'completed'").fetchone()
    return {"seconds": micros / 1e6, "pages": fetched, "articles": articles, "workers": workers}


def _processor_seconds() -> dict[str, float]:
    ours, readers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    own, others = ours.ru_utime + ours.ru_stime, readers.ru_utime + readers.ru_stime
    return {"processor": own + others, "readers": others}


if __name__ == "__main__":
    main(*sys.argv[1:])
