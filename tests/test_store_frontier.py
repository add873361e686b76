"""What crawls leave in the store: the frontier, what is known of pages, and all of a visit in one transaction."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from stores import NOW, new_home, new_job, start_job, write_once

from quaero_cli.model import Document, FrontierDropped, PageMemo, PagesFound, PageState, PageVisited
from quaero_cli.settings import Settings
from quaero_cli.store.documents import DocumentQuery
from quaero_cli.store.frontier import open_crawl_reader
from quaero_cli.store.memos import count_memos, forget_memos
from quaero_cli.store.queue import enqueue
from quaero_cli.store.reader import open_reader

STEP = "work"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = new_home(tmp_path)
    start_job(settings, "first")
    return settings


def visited(states: Sequence[tuple[str, PageState]] = (), job: str = "first", **more: object) -> PageVisited:
    return PageVisited(job, STEP, tuple(states), NOW, **more)  # type: ignore[arg-type]


def repeat(home: Settings, job: str, of: str, *, resumes: bool = True) -> None:
    from dataclasses import replace

    enqueue(home.database, replace(new_job(job), retry_of=of, resumes=resumes))


def left(home: Settings, job: str, *, inherited: bool) -> list[tuple[str, int, PageState]]:
    with open_crawl_reader(home.database, job, STEP) as reader:
        return [tuple(page[1:4]) for page in reader.left(inherited=inherited, after=0, limit=99)]  # type: ignore[misc]


def test_the_frontier_is_kept_in_order(home: Settings) -> None:
    """A resumed crawl would go another way, or lose a nearer one."""
    write_once(home, [
        PagesFound(
            "first", STEP, (("http://h/", 0, None), ("http://h/a", 3, "http://h/"), ("http://h/b", 1, "http://h/x.xml"))
        ),
        PagesFound("first", STEP, (("http://h/a", 2, "http://h/b"), ("http://h/b", 4, None))),
        visited([("http://h/", PageState.DONE), ("http://h/r", PageState.PASSED)]),
    ])  # fmt: skip
    found = left(home, "first", inherited=False)
    assert found[:3] == [
        ("http://h/", 0, PageState.DONE), ("http://h/a", 2, PageState.WAITING), ("http://h/b", 1, PageState.WAITING),
    ]  # fmt: skip
    with open_crawl_reader(home.database, "first", STEP) as reader:
        found_on = {"http://h/b": "http://h/x.xml", "http://h/a": "http://h/"}
        assert [(page.url, page.found_on) for page in reader.waiting(9)] == list(found_on.items())
        pages = reader.left(inherited=False, after=0, limit=3)
        assert {page.url: page.found_on for page in pages} == {"http://h/": None, **found_on}
        assert [page.url for page in reader.waiting(1)] == ["http://h/b"]


def test_who_inherits(home: Settings) -> None:
    """A job that begins anew would skip what it is to do again; one that goes on would find nothing."""
    write_once(home, [PagesFound("first", STEP, (("http://h/1", 0, None),))])
    repeat(home, "second", "first")
    write_once(home, [PagesFound("second", STEP, (("http://h/2", 0, None),))])
    repeat(home, "third", "second")
    repeat(home, "anew", "third", resumes=False)
    repeat(home, "fourth", "anew")
    assert [url for url, *_ in left(home, "second", inherited=True)] == ["http://h/1"]
    assert [url for url, *_ in left(home, "third", inherited=True)] == ["http://h/1", "http://h/2"]
    assert left(home, "anew", inherited=True) == left(home, "fourth", inherited=True) == []
    assert left(home, "first", inherited=True) == []


def test_what_is_known_of_a_page(home: Settings) -> None:
    """A page would be asked for with another's validators, or a deleted article be taken for a kept one."""
    memo = PageMemo("http://h/a", '"1"', "yesterday", b'{"v":1}')
    document = Document("http://h/a", "http://h/a", "T", "Text", "hash", 200, NOW)
    write_once(home, [visited([("http://h/a", PageState.DONE)], memo=memo, document=document)])
    with open_crawl_reader(home.database, "first", STEP) as reader:
        assert reader.recall("http://h/a") == (memo, True)
        assert reader.recall("http://h/b") is None
        assert reader.knows_site("http://h")
        assert not reader.knows_site("http://h:81")
        assert not reader.knows_site("https://h")
    changed = PageMemo("http://h/a", None, None, b'{"v":1}')
    write_once(home, [visited(memo=changed), visited(memo=PageMemo("http://h/b", None, None, b"{}"))])
    with open_crawl_reader(home.database, "first", STEP) as reader:
        assert reader.recall("http://h/a") == (changed, True)
        assert reader.recall("http://h/b") == (PageMemo("http://h/b", None, None, b"{}"), False)


def test_an_article_seen_again(home: Settings) -> None:
    """A list of what was seen lately would miss all that has not changed."""
    document = Document("http://h/a", "http://h/a", "T", "Text", "hash", 200, NOW - 1_000_000)
    start_job(home, "later")
    write_once(home, [visited(document=document), visited(job="later", unchanged="http://h/a")])
    with open_reader(home.database) as reader:
        (one,) = reader.documents.find(DocumentQuery(), limit=9).documents
    assert (one["last_seen"], one["job_id"], one["version"]) == ("2026-01-15T10:30:45.123Z", "later", 1)
    assert one["first_seen"] == one["fetched_at"] == "2026-01-15T10:30:44.123Z"


def test_a_frontier_is_forgotten_in_parts(home: Settings) -> None:
    """The store would grow by every URL that any crawl ever saw."""
    write_once(home, [PagesFound("first", STEP, tuple((f"http://h/{n}", 1, None) for n in range(5)))])
    write_once(home, [FrontierDropped("first", STEP, 3)])
    assert len(left(home, "first", inherited=False)) == 2
    write_once(home, [FrontierDropped("first", STEP, 3)])
    assert left(home, "first", inherited=False) == []


def test_what_no_crawl_has_used_for_long_is_forgotten(home: Settings) -> None:
    """The store would grow by every page that any crawl ever read; or forget what each night's crawl still needs."""
    for name in "abc":
        write_once(home, [visited(memo=PageMemo(f"http://h/{name}", None, None, b"{}"))])
    write_once(home, [PageVisited("first", STEP, (), NOW + 100, used="http://h/b")])
    write_once(home, [FrontierDropped("first", STEP, 1, NOW + 50)])  # one at a time
    assert count_memos(home.database, NOW + 50) == 1
    assert forget_memos(home.database, NOW + 50) == 1
    assert forget_memos(home.database, NOW + 50) == 0
    with open_crawl_reader(home.database, "first", STEP) as reader:
        assert [name for name in "abc" if reader.recall(f"http://h/{name}") is not None] == ["b"]
