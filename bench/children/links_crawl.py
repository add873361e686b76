"""A crawl without extraction: `links_crawl DATA DEFINITION`. A job like any other, but for what reads the pages.

The step type `links` is the crawler with another reader of pages; only here it is known.
"""

import json
import os
import sys
import time
from functools import partial
from pathlib import Path

import trio

from quaero_cli.crawl.addresses import Policy
from quaero_cli.crawl.crawl import Tuning, crawl
from quaero_cli.crawl.options import Options
from quaero_cli.crawl.scope import Scope
from quaero_cli.jobdef.find import find
from quaero_cli.model import LogQuery
from quaero_cli.session.prepare import prepare as prepare_job
from quaero_cli.session.run import RunOptions, run
from quaero_cli.settings import Settings
from quaero_cli.steps.contract import StepContext
from quaero_cli.steps.registry import load_step_types, read_step_type
from quaero_cli.store.schema import prepare
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.display import open_display

DEFAULT_CONCURRENCY = 32


async def links(ctx: StepContext, *, start_urls: str, max_depth: int, max_pages: int) -> dict[str, int]:
    """Crawl, and follow links only.

    start_urls: the page to start from
    max_depth: links to follow
    max_pages: pages to ask for
    """
    urls = (start_urls,)
    options = Options(urls, Scope(urls, max_depth=max_depth), Policy(["127.0.0.1"]), max_pages=max_pages)
    return await crawl(ctx, options, Tuning(reader_factory="bench.children.links_reader:make"))


class Turns(trio.abc.Instrument):
    """Notes the longest turn of the event loop, in seconds of processor time: what else runs here does not count."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._began = time.thread_time()

    def after_io_wait(self, timeout: float) -> None:
        self._began = time.thread_time()

    def before_io_wait(self, timeout: float) -> None:
        self.longest = max(self.longest, time.thread_time() - self._began)


def main(data: str, definition: str) -> None:
    """Run the job and print its status."""
    types = load_step_types()
    types["links"] = read_step_type("links", sys.modules[__name__])
    settings = Settings(Path(data))
    prepare(settings.database)
    prepared = prepare_job(find(definition, [], types), {}, trigger="cli")
    display = open_display(mode="quiet", out=Terminal(sys.stdout, {}), err=Terminal(sys.stderr, {}))
    turns = Turns()
    result = trio.run(
        partial(
            run, settings, prepared, display, RunOptions(LogQuery()), environment=dict(os.environ), step_types=types
        ),
        instruments=[turns],
    )
    print(json.dumps({"status": result.status, "longest_turn": turns.longest}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
