"""The live stream: what it says, in which order, and to whom."""

from contextlib import aclosing

import trio
from serving import NEVER, PATIENCE, read_events, running
from webclient import JOB, entries_in, named

from quaero_cli.model import Level, Status, StepChanged, StepProgressed
from quaero_cli.server.limits import Limits


async def test_a_finished_job_is_told_whole(tmp_path):
    """The viewer of a finished job would lack its end, or wait for ever."""
    async with running(tmp_path) as web:
        web.add_job("j1", steps=("fetch", "store"))
        web.log("j1", "one", "two", step="fetch", status=200)
        web.log("j1", "quiet", level=Level.DEBUG)
        web.finish("j1")
        events = await web.all_events(JOB)
    assert named(events) == ["retry", "status", "logs", "end"]
    _, status, logs, end = events
    assert status.data["job"]["status"] == "completed"
    assert [step["name"] for step in status.data["steps"]] == ["fetch", "store"]
    assert [entry["message"] for entry in logs.data["logs"]] == ["one", "two", "Status changed: completed"]
    assert logs.data["logs"][0]["fields"] == {"status": 200}
    assert logs.data["meta"]["total_count"] == 4
    assert logs.data["meta"]["displayed_count"] == 3
    assert end.data == {
        "job_id": "j1",
        "status": "completed",
        "counts": {"debug": 1, "info": 3, "warn": 0, "error": 0},
    }


async def test_live_entries_and_states(tmp_path):
    """What happens while one watches would come late, twice, or after the status that follows it."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        async with web.events(JOB) as events:
            assert named([await anext(events) for _ in range(3)]) == ["retry", "status", "logs"]
            web.log("j1", "first")
            assert (await anext(events)).data["logs"][0]["message"] == "first"
            web.log("j1", "second", "third")
            web.apply(StepProgressed("j1", "fetch", 50, "half"), StepChanged("j1", "fetch", Status.COMPLETED, 1))
            web.finish("j1")
            rest = [event async for event in events]
    assert named(rest)[-1] == "end"
    assert rest[-2].name == "status"
    assert rest[-2].data["job"]["status"] == "completed"
    assert [entry["message"] for entry in entries_in(rest)] == ["second", "third", "Status changed: completed"]


async def test_one_that_does_not_read_gets_the_rest_of_its_bytes_later(tmp_path):
    """Readers are handed the same bytes at the same moment: a slow one would get half an event, or one twice."""
    texts = [f"{number} {'x' * 60_000}" for number in range(50)]
    async with running(tmp_path, limits=Limits(send_seconds=NEVER)) as web, web.connect() as slow:
        web.add_job("j1")
        await slow.send("GET", f"/api/logs/stream?{JOB}", web.headers())
        assert (await slow.head()).status_code == 200
        async with web.events(JOB) as first, web.events(JOB) as second:
            opened = [[await anext(events) for _ in range(3)] for events in (first, second)]
            for text in texts:
                web.log("j1", text)
            web.finish("j1")
            for events, told in zip((first, second), opened, strict=True):
                told += [event async for event in events]
        with trio.fail_after(PATIENCE):
            async with aclosing(slow.body()) as body:
                opened.append([event async for event in read_events(body)])
    for told in opened:
        assert [entry["message"] for entry in entries_in(told)] == [*texts, "Status changed: completed"]
        assert named(told)[-1] == "end"


async def test_many_jobs_in_one_stream(tmp_path):
    """A page with seven jobs would need seven connections, and a browser has six."""
    async with running(tmp_path) as web:
        for number in range(7):
            web.add_job(f"j{number}")
        jobs = "&".join(f"job_id=j{number}" for number in range(7))
        async with web.events(f"scope=job&{jobs}") as events:
            opening = [await anext(events) for _ in range(9)]
            assert named(opening) == ["retry", *["status"] * 7, "logs"]
            for number in range(7):
                web.log(f"j{number}", "hello")
                web.finish(f"j{number}")
            rest = [event async for event in events]
    ids = [entry["id"] for entry in entries_in(rest)]
    assert ids == sorted(ids)
    assert len(ids) == 14
    assert sorted(event.data["job_id"] for event in rest if event.name == "end") == [f"j{n}" for n in range(7)]


async def test_the_service_log(tmp_path):
    """The service page would not show what the server does now."""
    async with running(tmp_path) as web:
        web.log(None, "started")
        async with web.events("scope=service&level=debug") as events:
            _, status, logs = [await anext(events) for _ in range(3)]
            service = status.data["service"]
            assert set(service) == {"version", "started_at", "jobs_running", "jobs_queued", "streams", "store_bytes"}
            assert (service["jobs_running"], service["streams"]) == (0, 1)
            assert logs.data["logs"][0]["message"] == "started"
            assert "job_id" not in logs.data["logs"][0]
            web.add_job("j1")
            web.log(None, "Job started", job_id="j1")
            logs, status = await anext(events), await anext(events)
            assert logs.data["logs"][0]["message"] == "Job started"
            assert status.data["service"]["jobs_running"] == 1
            web.log(None, "nothing new")
            web.log(None, "and again")
            assert (await anext(events)).name == "logs"


async def test_headers_suit_proxies(tmp_path):
    """A proxy would hold the stream back, or compress it and hold it back."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        async with web.connect() as client:
            await client.send("HEAD", f"/api/logs/stream?{JOB}", web.headers())
            head = await client.head()
    headers = dict(head.headers)
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert headers[b"cache-control"] == b"no-store, no-transform"
    assert headers[b"x-accel-buffering"] == b"no"


async def test_unknown_jobs_and_steps(tmp_path):
    """A misspelt job would be a stream that never says anything."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        for query in (
            "scope=job&job_id=nope",
            f"{JOB}&job_id=nope",
            f"{JOB}&step=nope",
            # No job can have such an ID, so none has.
            *(f"scope=job&job_id={text}" for text in ("no-such-job", "J1", "..", "a%2Fb", "%EF%BD%8A", "a" * 27)),
        ):
            for path in ("/api/logs/stream", "/api/logs"):
                answer = await web.get(f"{path}?{query}")
                assert answer.status == (400 if "step" in query else 404), (path, query)
                assert answer.json()["error"]
        for path in ("/api/logs/stream?scope=job&job_id=nope&since=a-1", "/api/jobs?before=No-Job"):
            assert (await web.get(path)).status == 404, path
