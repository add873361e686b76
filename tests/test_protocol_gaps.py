"""What a reader does not get, and is told of: entries that retention took, and those it asked to be spared."""

from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
import trio
from serving import PATIENCE, Event, Web, running

from quaero_cli.model import Level
from quaero_cli.store.deletion import Clearing, discard
from quaero_cli.store.engine import connect, transaction

JOB = "scope=job&job_id=j1"


def _delete(web: Web, where: str, *values: object) -> None:
    """Take entries as retention does: rows go, numbers and counters of the job stay."""
    with closing(connect(web.database)) as connection, transaction(connection):
        connection.execute(f"DELETE FROM log WHERE {where}", values)
    web.wakeups.set()


def _delete_job(web: Web, job: str) -> None:
    discard(web.database, job)
    _clear(web.database)
    web.wakeups.set()


def _messages(events: list) -> list[str]:
    return [
        entry["message"]
        for event in events
        if isinstance(event, Event) and event.name == "logs"
        for entry in event.data["logs"]
    ]


def _named(events: list, name: str) -> list[Event]:
    return [event for event in events if isinstance(event, Event) and event.name == name]


async def test_a_resume_before_what_retention_left(tmp_path):
    """A viewer that comes back after a prune would show a log with a silent hole."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", *[f"line {number}" for number in range(1, 101)])
        web.finish("j1")
        epoch = (await web.all_events(JOB))[1].id.split("-")[0]
        _delete(web, "job_line <= 60")
        events = await web.all_events(f"{JOB}&since={epoch}-10")
        (gap,) = _named(events, "gap")
        assert gap.data == {"job_id": "j1", "from_id": 11, "to_id": 60, "count": 50, "reason": "retention"}
        assert [event.name for event in events[1:]] == ["status", "gap", "logs", "end"]
        assert _messages(events)[0] == "line 61"
        assert len(_messages(events)) == 41
        # Of what was gone before one came, nothing is said; nor to those who had it.
        assert not _named(await web.all_events(f"{JOB}&limit=5000"), "gap")
        assert not _named(await web.all_events(f"{JOB}&since={epoch}-60"), "gap")


async def test_retention_under_a_filter_and_to_the_end(tmp_path):
    """A filtered reader would not be told; or one whose whole rest was taken would wait for it."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", *[f"debug {number}" for number in range(20)], level=Level.DEBUG)
        web.log("j1", *[f"line {number}" for number in range(10)])
        web.finish("j1")
        epoch = (await web.all_events(JOB))[1].id.split("-")[0]
        _delete(web, "job_line <= 15")
        events = await web.all_events(f"{JOB}&since={epoch}-5&level=info")
        assert [gap.data["count"] for gap in _named(events, "gap")] == [10]
        assert len(_messages(events)) == 11
        _delete(web, "job_line > 0")
        events = await web.all_events(f"{JOB}&since={epoch}-5")
        assert [gap.data["count"] for gap in _named(events, "gap")] == [26]
        assert [event.name for event in events[1:]] == ["status", "gap", "logs", "end"]


async def test_a_job_that_is_deleted_while_it_is_followed(tmp_path):
    """Pruning one of the jobs of a page would end the stream of all of them with an error."""
    async with running(tmp_path) as web:
        for job in ("j1", "j2"):
            web.add_job(job)
            web.log(job, "one")
        web.finish("j1")
        async with web.events(f"{JOB}&job_id=j2") as events:
            opening = [await anext(events) for _ in range(5)]
            assert [event.name for event in opening[1:]] == ["status", "status", "logs", "end"]
            _delete_job(web, "j1")
            web.log("j2", "two")
            web.finish("j2")
            rest = [event async for event in events]
        assert "two" in _messages(rest)
        assert [event.data["job_id"] for event in _named(rest, "end")] == ["j2"]
        assert not _named(rest, "gap")


async def test_a_job_that_is_deleted_before_it_was_told_whole(tmp_path):
    """A slow reader of a job that is pruned would wait for ever, or believe that it has seen everything."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        for _ in range(40):
            web.log("j1", *["x" * 20_000] * 50)
        web.finish("j1")
        epoch = (await web.all_events(f"{JOB}&limit=1"))[1].id.split("-")[0]
        async with web.events(f"{JOB}&since={epoch}-0") as events:
            seen = 0
            while not seen:
                event = await anext(events)
                seen = len(event.data["logs"]) if isinstance(event, Event) and event.name == "logs" else 0
            _delete_job(web, "j1")
            rest = [event async for event in events]
        seen += len(_messages(rest))
        assert [event.name for event in rest[-2:]] == ["gap", "end"]
        assert rest[-2].data["reason"] == "retention"
        assert rest[-2].data["count"] == 2001 - seen > 0
        assert (rest[-1].data["job_id"], rest[-1].data["status"]) == ("j1", "completed")
        assert (await web.get(f"/api/logs/stream?{JOB}", Last_Event_ID=rest[-1].id)).status == 404


@pytest.mark.parametrize("victims", [("j2", "j3"), ("j1", "j2", "j3")])
async def test_retention_while_many_read(tmp_path, victims):
    """Pruning would cost those who read other jobs a line, or tell those of the pruned ones a wrong number."""
    jobs = ("j1", "j2", "j3")
    async with running(tmp_path) as web:
        for job in jobs:
            web.add_job(job)
        for number in range(30):  # of all three, in turns: more than the network holds for a reader that waits
            for job in jobs:
                web.log(job, *[f"{number} " + "x" * 1000] * 50)
        for job in jobs:
            web.finish(job)
        epoch = (await web.all_events(f"{JOB}&limit=1"))[1].id.split("-")[0]
        query = "scope=job&job_id=j1&job_id=j2&job_id=j3&since=" + f"{epoch}-0"
        async with AsyncExitStack() as stack:
            readers = [await stack.enter_async_context(web.events(query)) for _ in range(2)]
            told: list[list[Event]] = [[] for _ in readers]
            for number, events in enumerate(readers):
                while len(_named(told[number], "logs")) < 2 * number + 1:  # each is somewhere else
                    told[number].append(await anext(events))
            for job in victims:
                discard(web.database, job)
            await trio.to_thread.run_sync(_clear, web.database)
            web.wakeups.set()
            for number, events in enumerate(readers):
                told[number] += [event async for event in events]
        for events in told:
            for job in jobs:
                seen = [entry["job_line"] for event in _named(events, "logs") for entry in event.data["logs"]
                        if entry["job_id"] == job]  # fmt: skip
                gaps = [event.data for event in _named(events, "gap") if event.data["job_id"] == job]
                assert seen == list(range(1, len(seen) + 1))
                assert len(seen) + sum(gap["count"] for gap in gaps) == 1501
                assert job in victims or not gaps
            assert sorted(event.data["job_id"] for event in _named(events, "end")) == sorted(jobs)
            assert events[-1].name == "end"


def _clear(database: Path) -> None:
    with Clearing(database) as clearing:
        while clearing.clear_piece():
            pass


async def test_a_reader_far_behind_is_moved_ahead_where_it_asks_for_it(tmp_path):
    """A tab that was asleep would scroll through an hour of log before it shows what happens now."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        for start in range(0, 20_000, 5000):
            web.log("j1", *[f"line {number}" for number in range(start + 1, start + 5001)])
        web.finish("j1")
        epoch = (await web.all_events(f"{JOB}&limit=1"))[1].id.split("-")[0]
        whole = await web.all_events(f"{JOB}&since={epoch}-7")
        assert not _named(whole, "gap")
        assert len(_messages(whole)) == 20_001 - 7
        events = await web.all_events(f"{JOB}&since={epoch}-7&skip=1")
        (gap,) = _named(events, "gap")
        assert (gap.data["job_id"], gap.data["reason"]) == ("j1", "lag")
        seen = _messages(events)
        assert gap.data["count"] == len(_messages(whole)) - len(seen)
        assert (gap.data["from_id"], gap.data["to_id"]) == (8, 20_001 - len(seen))
        assert seen[-2:] == ["line 20000", "Status changed: completed"]
        assert seen[0] == f"line {20_002 - len(seen)}"
        # With a filter the entries that would have come are counted, and nothing else.
        few = await web.all_events(f"{JOB}&since={epoch}-7&skip=1&q=line%20199")
        assert not _named(few, "gap")
        assert len(_messages(few)) == 1 + 10 + 100


async def test_a_slow_reader_is_moved_ahead_in_the_middle(tmp_path):
    """A reader that asked to see what is new would be shown what was, for as long as it is slow."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        text = "x" * 2000
        async with web.events(f"{JOB}&skip=1") as events:
            assert [await anext(events), (await anext(events)).name, (await anext(events)).name]
            for _ in range(8):  # while it reads nothing
                web.log("j1", *[text] * 2000)
            with trio.fail_after(PATIENCE):
                seen = 0
                gaps = []
                web.finish("j1")
                async for event in events:
                    if event.name == "gap":
                        gaps.append(event.data)
                    elif event.name == "logs":
                        seen += len(event.data["logs"])
        assert gaps
        assert seen + sum(gap["count"] for gap in gaps) == 16_001
        assert seen < 10_000


async def test_the_place_in_a_gap_can_be_resumed_from(tmp_path):
    """A connection that is cut at a gap would lose what comes after it, or see something twice."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", *[f"line {number}" for number in range(1, 9001)])
        web.finish("j1")
        epoch = (await web.all_events(f"{JOB}&limit=1"))[1].id.split("-")[0]
        whole = _messages(await web.all_events(f"{JOB}&since={epoch}-0&skip=1"))
        async with web.events(f"{JOB}&since={epoch}-0&skip=1") as events:
            async for event in events:
                if isinstance(event, Event) and event.name == "gap":
                    break
        resumed = _messages(await web.all_events(f"{JOB}&skip=1", Last_Event_ID=event.id))
        assert resumed == whole
