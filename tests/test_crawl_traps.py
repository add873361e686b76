"""Sites without end: calendars, sessions, more links than anybody can follow, a subdomain for each link."""

import itertools
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from crawling import make_tuning, run_crawl
from shells import Shell
from web import Answer, Request, Web

from quaero_cli.crawl import frontier
from quaero_cli.crawl.discovery import TOO_MANY, TOO_MANY_SITES
from quaero_cli.crawl.frontier import Frontier

# Ten million links by a thousand pages: of the largest process, and of the database.
MOST_MEGABYTES = 400


def _page(links: list[str]) -> Answer:
    return Answer(body="<!doctype html>" + "".join(f'<a href="{link}">x' for link in links))


class Everywhere(dict[str, "Answer | Callable[[Request], Answer]"]):
    """Routes that `answer` has for every target but robots.txt."""

    def __init__(self, answer: Callable[[str], Answer]) -> None:
        super().__init__()
        self._answer = answer

    def get(self, target: str, default: object = None) -> Answer:  # type: ignore[override]
        return Answer(404) if target.endswith((".txt", ".xml")) else self._answer(target)


async def test_a_calendar_ends_with_the_depth(tmp_path: Path, web: Web) -> None:
    """A crawl would turn the pages of a calendar until the year 9999."""

    def month(target: str) -> Answer:
        number = int(target.partition("=")[2] or 0)
        return _page([f"/calendar?month={number + step}" for step in (-1, 1)])

    web.routes = Everywhere(month)
    ran = await run_crawl(tmp_path, f"{web.url}/calendar", max_depth=5, max_pages=10_000)
    assert ran.outputs["pages"] == 2 * 5 + 2  # month zero is there with and without its number
    assert web.pages_hit() == ran.outputs["pages"]


async def test_a_page_without_an_end_in_depth(tmp_path: Path, web: Web) -> None:
    """A page of nothing but start tags would take a third of a minute, say nothing, and then cost the process."""
    web.page("/", links=["/deep", "/a"])
    web.add("/deep", Answer(body="<div>" * 200_000))
    web.page("/a")
    ran = await run_crawl(tmp_path, web.url)
    assert ran.reasons(web.url)["/deep"] == "the parser failed: TooDeep: elements are nested more than 10000 deep"
    assert ran.outputs["pages"] == 3


async def test_a_session_is_not_another_page(tmp_path: Path, web: Web) -> None:
    """A site that numbers its visits would have each page a thousand times."""
    draw = random.Random(1)

    def page(target: str) -> Answer:
        visit = f"{draw.getrandbits(64):x}"
        return _page([f"/{n}{mark}" for n in range(9) for mark in (f";jsessionid={visit}", f"?PHPSESSID={visit}")])

    web.routes = Everywhere(page)
    await run_crawl(tmp_path, f"{web.url}/", max_depth=100, max_pages=10_000)
    assert web.pages_hit() == 10
    assert set(web.hits.values()) == {1}


async def test_links_without_end(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that makes a hundred links for each page would fill memory and disk with what is never asked for."""
    monkeypatch.setattr(frontier, "SPARE", 500)
    numbers = itertools.count()
    web.routes = Everywhere(lambda _: _page([f"/{next(numbers)}" for _ in range(100)]))
    ran = await run_crawl(tmp_path, f"{web.url}/", max_depth=1000, max_pages=20)
    assert ran.outputs["pages"] == web.pages_hit() == 20
    assert ran.summary()["filtered_by_reason"][TOO_MANY] > 0


async def test_ten_million_links(tmp_path: Path, web: Web, campaign: Callable[[int, int], int]) -> None:
    """A crawl would end for want of memory, or fill the disk."""
    if not campaign(0, 1):
        pytest.skip("nightly")
    numbers = itertools.count()
    web.routes = Everywhere(lambda _: _page([f"/{next(numbers)}" for _ in range(10_000)]))
    shell = Shell(tmp_path)
    path = shell.define("many", f"""
        [step.crawl]
        type = "crawler"
        start_urls = "{web.url}/"
        allow_private = ["127.0.0.1"]
        max_depth = 1000
        max_pages = 1000
        """)  # fmt: skip
    child = shell.start("run", path, "--quiet", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = await trio.to_thread.run_sync(os.wait4, child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    assert web.pages_hit() == 1000
    assert used.ru_maxrss / 1024 < MOST_MEGABYTES
    assert (shell.home / "quaero.db").stat().st_size >> 20 < MOST_MEGABYTES


async def test_a_subdomain_for_each_link(tmp_path: Path, web: Web) -> None:
    """A site could have the crawler ask for ten thousand robots.txt, one after the other, for one page."""

    async def lookup(_host: str) -> list[str]:
        await trio.lowlevel.checkpoint()
        return ["127.0.0.1"]

    web.routes = Everywhere(lambda _: _page([f"http://n{n}.trap.test:{web.port}/" for n in range(1000)]))
    ran = await run_crawl(
        tmp_path, f"http://trap.test:{web.port}/", tuning=make_tuning(lookup=lookup), allowed_domains=["trap.test"],
        allow_private=["127.0.0.0/8"], max_depth=9, max_pages=10,
    )  # fmt: skip
    assert ran.outputs["pages"] == web.pages_hit() == 10
    assert web.hits["/robots.txt"] <= 10 + 100 + 1
    assert ran.summary()["filtered_by_reason"][TOO_MANY_SITES] > 0


def test_what_is_refused_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links to strangers, of which a page may have any number, would fill the memory."""
    monkeypatch.setattr(frontier, "MAX_REFUSED", 10)
    found = Frontier(max_pages=9, per_server=9)
    for n in range(100):
        found.refuse(f"http://h/{n}")
    assert found.size == 10
    found.add("http://h/99", 1)
    assert found.belongs("http://h/99")
    found.refuse("http://h/99")
    assert not found.belongs("http://h/99")
