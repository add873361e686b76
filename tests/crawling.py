"""Runs crawls for tests: `run_crawl` with the fake engine, a quick patience and a light reader."""

import gc
import os
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeContext, Line
from web import Web

from quaero_cli.crawl.addresses import Policy
from quaero_cli.crawl.crawl import crawl
from quaero_cli.crawl.options import Options, start_urls
from quaero_cli.crawl.patience import Patience
from quaero_cli.crawl.scope import Scope
from quaero_cli.crawl.tuning import Tuning
from quaero_cli.model import Level


class Leftovers:
    """Notes what this process holds; `check` afterwards that it holds no more, and that no process is left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._mark = f"{os.getpid()}-{id(self)}"
        monkeypatch.setenv("CRAWL_TEST_MARK", self._mark)
        self._descriptors = self._count()

    def check(self) -> None:
        gc.collect()
        assert self.processes() == []
        assert self._count() == self._descriptors

    def processes(self) -> list[int]:
        """Processes started since, other than this one."""
        mark = f"CRAWL_TEST_MARK={self._mark}".encode()
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if mark in _read(path)]

    @staticmethod
    def _count() -> int:
        return len(os.listdir("/proc/self/fd"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # gone, or another user's
        return b""


QUICK = Patience(first_wait=0.01, max_wait=5.0)


def make_options(starts: list[str], **changes: Any) -> Options:
    """Options for loopback; keys of the step type that belong to the scope are taken out of `changes`."""
    urls = start_urls(starts)
    scope = Scope(
        urls,
        domains=changes.pop("allowed_domains", ()),
        include=changes.pop("include_patterns", ()),
        exclude=changes.pop("exclude_patterns", ()),
        max_depth=changes.pop("max_depth", 5),
    )
    policy = Policy(changes.pop("allow_private", ["127.0.0.1"]))
    return Options(urls, scope, policy, **{"sitemaps": False, "timeout_connect": 5.0, "timeout_page": 5.0, **changes})


def make_tuning(**changes: Any) -> Tuning:
    return Tuning(**{"patience": QUICK, "reader_factory": "readers:light", **changes})


class Ran(FakeContext):
    """A context after its crawl, with questions that tests ask."""

    outputs: dict[str, int]

    def lines_of(self, message: str, *, level: Level = Level.INFO) -> list[Line]:
        return [line for line in self.lines if line.message == message and line.level >= level]

    def reasons(self, base: str = "") -> dict[str, str]:
        """Skipped and failed pages: why, by URL (without `base`)."""
        lines = [*self.lines_of("Skipped"), *self.lines_of("Failed")]
        return {str(line.fields["url"]).removeprefix(base): str(line.fields["reason"]) for line in lines}

    def statuses(self, base: str = "") -> dict[str, str]:
        """Workers' states by label (without `base`)."""
        return {worker.label.removeprefix(base): worker.status for worker in self.workers}

    def summary(self) -> dict[str, Any]:
        (line,) = self.lines_of("Crawl finished")
        return line.fields


async def run_crawl(
    tmp_path: Path, *starts: str, concurrency: int = 8, tuning: Tuning | None = None, **changes: Any
) -> Ran:
    """Crawl and return the context. Raises what the crawl raises."""
    ctx = Ran(tmp_path, concurrency=concurrency)
    ctx.outputs = await crawl(ctx, make_options(list(starts), **changes), tuning or make_tuning())
    return ctx


def add_tree(web: Web, fan: int, depth: int, prefix: str = "/") -> None:
    """Add a page with `fan` links, each to a page like it, `depth` levels deep."""
    links = [f"{prefix}{n}/" for n in range(fan)] if depth else []
    web.page(prefix, links=links)
    for link in links:
        add_tree(web, fan, depth - 1, link)
