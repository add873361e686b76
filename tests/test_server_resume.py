"""The live stream after a cut: it goes on where its reader was, wherever that is, with nothing lost or repeated."""

import random

import pytest
from serving import running
from webclient import JOB, entries_in, named

from quaero_cli.model import Level


async def test_every_event_has_an_id(tmp_path):
    """A client that is cut off after an event without one would resume at a wrong place."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "one")
        web.finish("j1")
        events = await web.all_events(JOB)
        epoch = {event.id.split("-")[0] for event in events[1:]}
        numbers = [int(event.id.split("-")[1]) for event in events[1:]]
    assert len(epoch) == 1
    assert numbers == [0, 2, 2]  # the status comes before the entries, and so does its place


@pytest.mark.parametrize("start", ["", "&limit=3", "&level=warn", "&q=line%201"])
async def test_a_cut_anywhere_loses_and_repeats_nothing(tmp_path, start):
    """A laptop that wakes up would miss lines, or show some twice."""
    rng = random.Random(7)
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", *[f"line 1, {number}" for number in range(5)], level=Level.WARN)
        seen: list[int] = []
        cursor: str | None = None
        to_write = 20
        while True:
            headers = {"Last_Event_ID": cursor} if cursor else {}
            async with web.stream(JOB + start, **headers) as (status, events):
                if status == 204:
                    break
                async for event in events:
                    if isinstance(event, int):
                        continue
                    seen += [entry["id"] for entry in entries_in([event])]
                    cursor = event.id
                    if to_write:
                        to_write -= 1
                        web.log("j1", "not for all", level=Level.DEBUG)
                        web.log("j1", f"line 1, {to_write}", f"line 2, {to_write}", level=Level.WARN)
                        if not to_write:
                            web.finish("j1")
                    if rng.random() < 0.4:
                        break  # the connection is cut here
        page = (await web.get(f"/api/logs?{JOB}&limit=5000&since=0{start.replace('&limit=3', '')}")).json()
        wanted = [entry["id"] for entry in page["logs"]]
        assert len(wanted) >= 25
        assert seen == (wanted[2:] if start == "&limit=3" else wanted)


async def test_a_cut_in_the_opening_loses_nothing(tmp_path):
    """A connection that broke after the first status would be resumed behind entries that were never sent."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "one", "two")
        async with web.events(JOB) as events:
            await anext(events)
            status = await anext(events)
        async with web.events(JOB, Last_Event_ID=status.id) as events:
            opening = [await anext(events) for _ in range(3)]
    assert [entry["message"] for entry in entries_in(opening)] == ["one", "two"]


async def test_last_event_id_wins_over_since(tmp_path):
    """An EventSource reconnects to the URL it began with: what it has seen would come again."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "one", "two", "three")
        web.finish("j1")
        epoch = (await web.all_events(JOB))[1].id.split("-")[0]
        by_query = await web.all_events(f"{JOB}&since={epoch}-1&limit=1")
        by_header = await web.all_events(f"{JOB}&since={epoch}-1", Last_Event_ID=f"{epoch}-2")
    assert [entry["message"] for entry in entries_in(by_query)][:-1] == ["two", "three"]
    assert [entry["message"] for entry in entries_in(by_header)][:-1] == ["three"]


async def test_a_cursor_of_another_store(tmp_path):
    """After the database was replaced, a client would wait for ids that were, or miss what is."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "one")
        web.finish("j1")
        events = await web.all_events(f"{JOB}&since=beef-12345")
        page = await web.get(f"/api/logs?{JOB}&since=beef-12345")
    assert named(events) == ["retry", "reset", "status", "logs", "end"]
    assert [entry["message"] for entry in entries_in(events)] == ["one", "Status changed: completed"]
    assert page.status == 412


async def test_nothing_left_to_tell(tmp_path):
    """A browser would reconnect to a finished job for ever."""
    async with running(tmp_path) as web:
        for job in ("j1", "j2"):
            web.add_job(job)
            web.log(job, "one")
        web.finish("j1")
        end = (await web.all_events(JOB))[-1]
        epoch, number = end.id.split("-")
        assert (await web.get(f"/api/logs/stream?{JOB}&since={end.id}")).status == 204
        assert (await web.get(f"/api/logs/stream?{JOB}&level=error&since={epoch}-{int(number) + 5}")).status == 204
        over = await web.get(f"/api/logs/stream?{JOB}", Last_Event_ID=end.id)
        assert over.body == b""
        assert not {"content-length", "content-type"} & set(over.headers), "a strict proxy refuses a 204 with these"
        assert [line[1] for line in web.said] == ["Server started"], "not a line in the service log for each"
        # Not over: the last entry is still to come, or another job runs.
        assert named(await web.all_events(f"{JOB}&since={epoch}-{int(number) - 1}"))[-1] == "end"
        async with web.events(f"{JOB}&job_id=j2&since={end.id}") as events:
            assert await anext(events) == 1000
