"""Reading processes: lent, killed when they stall, replaced when they die, and none left behind."""

import os
import sys
from pathlib import Path

import pytest
import trio
import trio.testing
from crawling import Leftovers

from quaero_cli.crawl.pool import Pool, ReadingFailed, open_pool, process_count
from quaero_cli.crawl.reading_server import PoolBroken


async def test_nothing_starts_before_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crawl that never reads a page would wait for processes to start."""
    leftovers = Leftovers(monkeypatch)
    async with open_pool(factory="readers:echo"):
        assert leftovers.processes() == []
    leftovers.check()


async def test_requests_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large pages would be cut, or answers mixed up between pages."""
    leftovers = Leftovers(monkeypatch)
    answers = {}

    async def ask(number: int) -> None:
        async with pool.lend() as reading:
            answers[number] = await reading.ask({"number": number}, bytes(number * 100_000))

    async with open_pool(processes=3, factory="readers:echo") as pool, trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(ask, number)
    assert {number: answer["size"] for number, answer in answers.items()} == {n: n * 100_000 for n in range(20)}
    assert all(answer["request"] == {"number": number} for number, answer in answers.items())
    assert 1 <= len({answer["pid"] for answer in answers.values()}) <= 3
    leftovers.check()


async def test_processes_inherit_nothing() -> None:
    """A process that reads hostile pages would hold the database, or a listening socket."""
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    try:
        async with open_pool(processes=2, factory="readers:echo") as pool, pool.lend(), pool.lend() as reading:
            answer = await reading.ask({})
    finally:
        os.close(reader)
        os.close(writer)
    # stdin, stdout, stderr, its pipe, and the folder that it is just reading
    assert len(answer["descriptors"]) == 5


async def test_processes_import_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process would load the command line, the server or a second SQLite library."""
    async with open_pool(processes=1, factory="readers:modules") as pool, pool.lend() as reading:
        found = set((await reading.ask({}))["modules"])
    ours = {name for name in found if name.startswith("quaero_cli")}
    assert ours <= {name for name in ours if name.startswith(("quaero_cli.crawl", "quaero_cli.errors"))} | {
        "quaero_cli"
    }
    assert found.isdisjoint({"sqlite3", "_sqlite3", "pysqlite3", "trio", "typer", "rich", "quart", "__mp_main__"})
    assert "trafilatura" in found


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"KILL ME", "it ended its reading process"),
        (b"STALL", "reading it took more than 0.3 s of processor time"),
        (b"RAISE", "the parser failed: RecursionError: too deep"),
        (b"MEMORY", "it ended its reading process"),
    ],
)
async def test_a_hostile_page_costs_its_process_only(
    monkeypatch: pytest.MonkeyPatch, body: bytes, reason: str
) -> None:
    """One page would end the crawl, or a stalled process burn a core until the end."""
    leftovers = Leftovers(monkeypatch)
    request = {"op": "look", "url": "http://h/", "content_type": "text/html"}
    async with open_pool(processes=1, factory="readers:hostile", page_seconds=0.3) as pool:
        for _ in range(2):
            with pytest.raises(ReadingFailed) as caught:
                async with pool.lend() as reading:
                    await reading.ask(request, body)
            assert caught.value.reason == reason
            async with pool.lend() as reading:
                answer = await reading.ask(request, b'<a href="/x">')
            assert answer["links"] == ["http://h/x"]
        assert len(leftovers.processes()) == 2  # the server and one child: no zombie, no stalled one
    leftovers.check()


async def test_a_busy_machine_is_not_the_pages_fault(tmp_path: Path, mock_clock: trio.testing.MockClock) -> None:
    """The largest pages would fail whenever the machine is busy; or a stuck process be waited for for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    request = {"op": "look", "url": "http://h/", "content_type": ""}
    async with open_pool(processes=1, factory="readers:hostile", page_seconds=50.0) as pool:
        async with pool.lend() as reading:
            await reading.ask(request, b"")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(reading.ask, request, b"WAIT " + bytes(pipe))
                for _ in range(4):
                    await trio.testing.wait_all_tasks_blocked()
                    mock_clock.jump(60)  # longer than the page may take
                await trio.to_thread.run_sync(pipe.write_bytes, b"")

        async def jump() -> None:
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(301)

        async with trio.open_nursery() as nursery, pool.lend() as reading:
            nursery.start_soon(jump)
            with pytest.raises(ReadingFailed, match=r"^it was not read within 300 s$"):
                await reading.ask(request, b"WAIT " + bytes(pipe))


async def test_a_cancelled_reading_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next page would get the answer of the cancelled one."""
    leftovers = Leftovers(monkeypatch)
    request = {"op": "look", "url": "http://h/", "content_type": "text/html"}
    async with open_pool(processes=1, factory="readers:hostile") as pool:
        async with pool.lend() as reading:
            await reading.ask(request, b"fine")
        with trio.move_on_after(0.1) as scope:
            async with pool.lend() as reading:
                await reading.ask(request, b"STALL")
        assert scope.cancelled_caught
        async with pool.lend() as reading:
            assert (await reading.ask(request, b'<a href="/y">'))["links"] == ["http://h/y"]
    leftovers.check()


@pytest.mark.parametrize("after", [0.0, 0.02, 0.1, 0.3, 0.6])
async def test_cancelling_at_any_time_leaves_nothing(monkeypatch: pytest.MonkeyPatch, after: float) -> None:
    """Ctrl-C while processes start would leave them behind."""
    leftovers = Leftovers(monkeypatch)
    with trio.move_on_after(after):
        async with open_pool(processes=2) as pool, trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(_read_for_ever, pool)
    leftovers.check()


async def _read_for_ever(pool: Pool) -> None:
    while True:
        async with pool.lend() as reading:
            await reading.ask({"op": "look", "url": "http://h/", "content_type": ""}, b"<p>x" * 1000)


async def test_a_factory_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library would show as a hang, or as a failure without a word."""
    leftovers = Leftovers(monkeypatch)
    async with open_pool(factory="readers:broken") as pool:
        with pytest.raises(PoolBroken, match="cannot start: ImportError: no module named trafilatura"):
            async with pool.lend():
                pass
    leftovers.check()


async def test_a_killed_server_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the kernel killed a process for its memory no page would ever be read again."""
    leftovers = Leftovers(monkeypatch)
    async with open_pool(processes=1, factory="readers:echo") as pool:
        async with pool.lend() as reading:
            child = (await reading.ask({}))["pid"]
        (server,) = [pid for pid in leftovers.processes() if pid != child]
        os.kill(server, 9)
        with trio.fail_after(10):
            while child in leftovers.processes():  # the kernel ends it with the server
                await trio.lowlevel.checkpoint()
        with pytest.raises(ReadingFailed):
            async with pool.lend() as reading:
                await reading.ask({})
        async with pool.lend() as reading:
            assert (await reading.ask({}))["pid"] != child
    leftovers.check()


async def test_the_users_folder_is_not_imported_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file `json.py` in the folder where quaero is run would be executed."""
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    async with open_pool(processes=1, factory="readers:echo") as pool, pool.lend() as reading:
        assert await reading.ask({})


def test_process_count() -> None:
    """A machine with many cores would start a crowd of processes; one with a single core none."""
    assert 1 <= process_count() <= 5


async def test_an_article_comes_with_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that wants to be left alone would be read, or an article get lost that is asked for after all."""
    leftovers = Leftovers(monkeypatch)
    page, body = "http://h/a", b'<link rel="canonical" href="/%s"><a href="/x">%s</a>'
    question = {"op": "look", "url": page, "content_type": "text/html", "article": [page]}
    async with open_pool(processes=1, factory="readers:light") as pool:
        for asked, canonical, comes in (
            (question, b"a", True),
            (question, b"b", False),
            ({**question, "article": True}, b"b", True),
            ({**question, "article": None}, b"a", False),
        ):
            view, article = await pool.look(asked, body % (canonical, b"x" * 100_000))
            assert view["links"] == ["http://h/x"]
            assert (article is not None) is comes
            if comes:
                assert isinstance(article, dict)
                assert article["article"]["text"] == page
    leftovers.check()


@pytest.mark.parametrize("said", [b"KILL ME", b"STALL", b"RAISE", b"MEMORY"])
async def test_a_page_whose_article_cannot_be_read_is_still_looked_at(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One article that breaks the extractor would hide every page that only its page leads to."""
    leftovers = Leftovers(monkeypatch)
    question = {"op": "look", "url": "http://h/a", "content_type": "text/html", "article": True}
    async with open_pool(processes=1, factory="readers:hostile_articles", page_seconds=0.2) as pool:
        view, article = await pool.look(question, b'<a href="/x">' + said)
        assert view["links"] == ["http://h/x"]
        assert isinstance(article, ReadingFailed)
        view, article = await pool.look(question, b'<a href="/y">')  # the next page is not touched by it
        assert view["links"] == ["http://h/y"]
        assert isinstance(article, dict)
    leftovers.check()
