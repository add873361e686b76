"""The live stream: what it says in which order, how it is resumed, and how it ends."""

import random
from contextlib import aclosing
from pathlib import Path

import pytest
import trio
from serving import NEVER, PATIENCE, TOKEN, Event, Web, read_events, running

from quaero_cli.errors import NotFoundError
from quaero_cli.model import Level, LogQuery, Status, StepChanged, StepProgressed
from quaero_cli.server.app import build_app, viewer_files
from quaero_cli.server.desk import ServerParts, open_desk
from quaero_cli.server.gate import Gate
from quaero_cli.server.guard import Guard
from quaero_cli.server.limits import Limits
from quaero_cli.server.security import Policy, allowed_hosts
from quaero_cli.server.serve import Bound, ServeOptions, serve
from quaero_cli.server.streams import Busy, SharedBatches, Streams, slices
from quaero_cli.store.schema import prepare
from quaero_cli.stream.events import Logs
from quaero_cli.stream.pace import PING_AFTER
from quaero_cli.stream.wakeups import Wakeups

JOB = "scope=job&job_id=j1"


def _named(events: list) -> list:
    return [event.name if isinstance(event, Event) else "retry" for event in events]


def _entries(events: list) -> list[dict]:
    return [
        entry for event in events if isinstance(event, Event) and event.name == "logs" for entry in event.data["logs"]
    ]


async def test_a_finished_job_is_told_whole(tmp_path):
    """The viewer of a finished job would lack its end, or wait for ever."""
    async with running(tmp_path) as web:
        web.add_job("j1", steps=("fetch", "store"))
        web.log("j1", "one", "two", step="fetch", status=200)
        web.log("j1", "quiet", level=Level.DEBUG)
        web.finish("j1")
        events = await web.all_events(JOB)
    assert _named(events) == ["retry", "status", "logs", "end"]
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
            assert _named([await anext(events) for _ in range(3)]) == ["retry", "status", "logs"]
            web.log("j1", "first")
            assert (await anext(events)).data["logs"][0]["message"] == "first"
            web.log("j1", "second", "third")
            web.apply(StepProgressed("j1", "fetch", 50, "half"), StepChanged("j1", "fetch", Status.COMPLETED, 1))
            web.finish("j1")
            rest = [event async for event in events]
    assert _named(rest)[-1] == "end"
    assert rest[-2].name == "status"
    assert rest[-2].data["job"]["status"] == "completed"
    assert [entry["message"] for entry in _entries(rest)] == ["second", "third", "Status changed: completed"]


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
        assert [entry["message"] for entry in _entries(told)] == [*texts, "Status changed: completed"]
        assert _named(told)[-1] == "end"


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
                    seen += [entry["id"] for entry in _entries([event])]
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
    assert [entry["message"] for entry in _entries(opening)] == ["one", "two"]


async def test_last_event_id_wins_over_since(tmp_path):
    """An EventSource reconnects to the URL it began with: what it has seen would come again."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "one", "two", "three")
        web.finish("j1")
        epoch = (await web.all_events(JOB))[1].id.split("-")[0]
        by_query = await web.all_events(f"{JOB}&since={epoch}-1&limit=1")
        by_header = await web.all_events(f"{JOB}&since={epoch}-1", Last_Event_ID=f"{epoch}-2")
    assert [entry["message"] for entry in _entries(by_query)][:-1] == ["two", "three"]
    assert [entry["message"] for entry in _entries(by_header)][:-1] == ["three"]


async def test_a_cursor_of_another_store(tmp_path):
    """After the database was replaced, a client would wait for ids that were, or miss what is."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "one")
        web.finish("j1")
        events = await web.all_events(f"{JOB}&since=beef-12345")
        page = await web.get(f"/api/logs?{JOB}&since=beef-12345")
    assert _named(events) == ["retry", "reset", "status", "logs", "end"]
    assert [entry["message"] for entry in _entries(events)] == ["one", "Status changed: completed"]
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
        assert _named(await web.all_events(f"{JOB}&since={epoch}-{int(number) - 1}"))[-1] == "end"
        async with web.events(f"{JOB}&job_id=j2&since={end.id}") as events:
            assert await anext(events) == 1000


async def test_many_jobs_in_one_stream(tmp_path):
    """A page with seven jobs would need seven connections, and a browser has six."""
    async with running(tmp_path) as web:
        for number in range(7):
            web.add_job(f"j{number}")
        jobs = "&".join(f"job_id=j{number}" for number in range(7))
        async with web.events(f"scope=job&{jobs}") as events:
            opening = [await anext(events) for _ in range(9)]
            assert _named(opening) == ["retry", *["status"] * 7, "logs"]
            for number in range(7):
                web.log(f"j{number}", "hello")
                web.finish(f"j{number}")
            rest = [event async for event in events]
    ids = [entry["id"] for entry in _entries(rest)]
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


async def test_no_time_limit(tmp_path):
    """Quart would cut every stream after a minute; here its minute is a twentieth of a second."""
    assert PING_AFTER < 15  # seconds of silence after which the viewer gives a stream up
    async with running(tmp_path) as web, trio.open_nursery() as nursery:
        web.add_job("j1")
        with open_desk(_parts(web), Limits()) as desk:
            app = build_app(desk, viewer_files())
            assert app.config["RESPONSE_TIMEOUT"] is None
            app.config["RESPONSE_TIMEOUT"] = 0.05
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            port = listeners[0].socket.getsockname()[1]
            gate = Gate(app, Policy(allowed_hosts(port, []), TOKEN))
            guard = Guard(gate, limits=Limits(), log=lambda *_: None)
            nursery.start_soon(trio.serve_listeners, guard.handle, listeners)
            web.bound = Bound("", "", port)
            async with web.events(JOB) as events:
                for _ in range(3):
                    await anext(events)
                await trio.sleep(0.2)  # four of its minutes
                web.finish("j1")
                assert _named([event async for event in events])[-1] == "end"
            await guard.stop()
            nursery.cancel_scope.cancel()


async def test_unknown_jobs_and_steps(tmp_path):
    """A misspelt job would be a stream that never says anything."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        for query in (
            "scope=job&job_id=nope",
            f"{JOB}&job_id=nope",
            f"{JOB}&step=nope",
            "scope=job&job_id=nope&since=a-1",
        ):
            answer = await web.get(f"/api/logs/stream?{query}")
            assert answer.status == (400 if "step" in query else 404), query
            assert answer.json()["error"]


async def test_streams_are_limited(tmp_path):
    """A page that opens streams for ever would take the server from all others; a freed place would stay taken."""
    async with running(tmp_path, limits=Limits(streams=2)) as web:
        web.add_job("j1")
        async with web.events(JOB) as one, web.events(JOB) as two:
            await anext(one)
            await anext(two)
            answer = await web.get(f"/api/logs/stream?{JOB}")
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) > 0
            assert (await web.get("/api/jobs")).status == 200
        with trio.fail_after(PATIENCE):
            while (await web.get("/api/jobs/j1/logs.txt")).status == 503:  # until the server has seen the others go
                pass
        web.finish("j1")
        for _ in range(5):
            assert _named(await web.all_events(JOB))[-1] == "end"
            assert (await web.get(f"/api/logs/stream?{JOB}&step=nope")).status == 400


async def test_shutdown_is_said_to_all(tmp_path):
    """Viewers would show an error instead of coming back; or the server would wait for them."""
    patient = Limits(send_seconds=NEVER, linger_seconds=NEVER, last_linger_seconds=NEVER, grace_seconds=NEVER)
    async with running(tmp_path, limits=patient) as web:
        web.add_job("j1")
        web.log("j1", "one")
        async with web.events(JOB) as one, web.events("scope=service") as two:
            for _ in range(3):
                await anext(one)
                await anext(two)
            web.stop.set()
            for events in (one, two):
                rest = [event async for event in events]  # to a clean end
                assert _named(rest) == ["retry", "shutdown"]
                assert rest[0] == rest[1].data["retry_ms"] >= 500
                assert rest[1].id
        with trio.fail_after(PATIENCE):
            await web.says("Server stopped")
    assert [line[1] for line in web.said] == ["Server started", "Server stopped"]


async def _served(parts: ServerParts, scope: trio.CancelScope, *, task_status: trio.TaskStatus) -> None:
    with scope:
        await serve(parts, ServeOptions(port=0, token=TOKEN), task_status=task_status)


async def test_a_cancelled_server_says_goodbye(tmp_path):
    """A second job of the same process that fails would cut all viewers off without a word."""
    prepare(tmp_path / "quaero.db")
    parts = ServerParts(
        tmp_path / "quaero.db", Wakeups(tmp_path / "wake", tmp_path / "quaero.db"), None, lambda *_: None, None, ""
    )
    scope = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        bound = await nursery.start(_served, parts, scope)
        web = Web(parts.database, parts.wakeups, None, None, bound, None, [])
        async with web.events("scope=service") as events:
            for _ in range(3):
                await anext(events)
            scope.cancel()
            assert _named([event async for event in events]) == ["retry", "shutdown"]


async def test_a_stalled_viewer_is_evicted_and_the_server_stops(tmp_path):
    """One browser tab that is frozen would keep the server from stopping."""
    limits = Limits(send_seconds=0.3, grace_seconds=0.1)
    async with running(tmp_path, limits=limits) as web:
        web.add_job("j1")
        web.log("j1", *["x" * 10_000 for _ in range(2000)])
        async with web.connect() as client, web.connect() as late:
            await client.send("GET", f"/api/logs/stream?{JOB}&limit=5000", web.headers())
            async with web.events("scope=service") as events:
                with trio.fail_after(PATIENCE):
                    while True:
                        event = await anext(events)
                        if (
                            isinstance(event, Event)
                            and event.name == "status"
                            and event.data["service"]["streams"] == 1
                        ):
                            break
                        web.log(None, "look again")
            await late.send("GET", f"/api/logs/stream?{JOB}&limit=5000", web.headers())
            await late.head()
            web.stop.set()
            with trio.fail_after(PATIENCE):
                await web.says("Server stopped")
            assert (await late.rest()).endswith(b"<reset>")
    assert {"stopped reading": 1} in [line[2] for line in web.said]


# ---------------------------------------------------------------------- parts


async def test_slots_are_given_back():
    """After enough streams had come and gone, there would be none left."""
    streams = Streams(1)
    for _ in range(3):
        with streams.slot(), pytest.raises(Busy):
            streams.slot().__enter__()
    with pytest.raises(NotFoundError), streams.slot():
        raise NotFoundError("x")
    assert streams.open == 0
    streams.drain()
    with pytest.raises(Busy):
        streams.slot().__enter__()


def _batch(web_view: dict, cursor: int) -> Logs:
    return Logs(web_view, cursor)


async def test_batches_are_encoded_once_and_never_mixed_up(tmp_path):
    """A hundred tabs would cost a hundred encodings; or one tab would get what another one filters."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "one", "two")
        with open_desk(_parts(web), Limits()) as desk:
            query, other = LogQuery(("j1",)), LogQuery(("j1",), text="one")
            shared = SharedBatches(desk.reader.epoch)
            first = shared.encode(query, Logs(desk.reader.page(query, limit=10), 2))
            assert shared.encode(query, Logs(desk.reader.page(query, limit=10), 2)) is first
            assert shared.encode(query, Logs(desk.reader.page(query, limit=10), 3)) is not first
            assert b"two" not in shared.encode(other, Logs(desk.reader.page(other, limit=10), 2))[0]
            web.log("j1", "three", level=Level.DEBUG)
            later = shared.encode(query, Logs(desk.reader.page(query, limit=10), 2))
            assert b'"total_count":3' in later[0]
            small = SharedBatches(desk.reader.epoch, budget=1)
            assert small.encode(query, Logs(desk.reader.page(query, limit=10), 2)) == later


def test_long_answers_are_sent_in_slices():
    """A stalled reader of an export would keep megabytes; or a byte be lost where it is cut."""
    for size in (0, 1, 524_288, 524_289, 2_000_000):
        body = bytes(index % 251 for index in range(size))
        parts = list(slices(body))
        assert b"".join(parts) == body
        assert max(len(part) for part in parts) <= 524_288


def _parts(web: Web, folder: Path | None = None) -> ServerParts:
    return ServerParts(web.database, web.wakeups, web.actions, lambda *_: None, None, "")
