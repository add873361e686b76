"""Several streams over one connection: whose each event is, what fails alone, how it ends."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from urllib.parse import quote

import trio
from serving import PATIENCE, Event, Web, read_events, running

from quaero_cli.model import Level
from quaero_cli.server.limits import Limits

JOB = "scope=job&job_id=j1"


class _Bundle:
    """The events of a bundle, by channel."""

    def __init__(self, events) -> None:
        self._events = events
        self._channel = None

    async def next(self) -> tuple[int, str, dict]:
        """The next event, with the number of its stream."""
        while True:
            event = await anext(self._events)
            if not isinstance(event, Event):
                continue
            if event.name != "channel":
                return self._channel, event.name, event.data
            self._channel = event.data["channel"]

    async def opened(self, number: int) -> None:
        """Wait for the first entries of so many streams."""
        seen = set()
        while len(seen) < number:
            channel, name, _ = await self.next()
            seen |= {channel} if name == "logs" else set()

    async def rest(self) -> list[tuple[int, str, dict]]:
        """All that comes until the server ends the answer."""
        found = []
        try:
            while True:
                found.append(await self.next())
        except StopAsyncIteration:
            return found


@asynccontextmanager
async def _bundle(web: Web, *queries: str) -> AsyncGenerator[_Bundle, None]:
    target = "&".join(f"stream={quote(query, safe='')}" for query in queries)
    with trio.fail_after(PATIENCE):
        async with web.connect() as client:
            await client.send("GET", f"/api/logs/streams?{target}", web.headers())
            assert (await client.head()).status_code == 200
            async with aclosing(client.body()) as body, aclosing(read_events(body)) as events:
                yield _Bundle(events)


async def test_each_stream_of_a_bundle_tells_what_it_would_alone(tmp_path):
    """A tab would be shown the entries of another one, with its filters, or lack some."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "one", "two")
        web.log("j1", "bad", level=Level.ERROR)
        web.finish("j1")
        alone = [await web.all_events(f"{JOB}&{more}") for more in ("limit=2", "level=error")]
        async with _bundle(web, f"{JOB}&limit=2", f"{JOB}&level=error") as bundle:
            told = await bundle.rest()
    for number, events in enumerate(alone):
        mine = [(name, data) for channel, name, data in told if channel == number]
        assert mine == [(event.name, event.data) for event in events if isinstance(event, Event)]


async def test_a_stream_that_is_over_or_refused_leaves_the_others_alone(tmp_path):
    """One tab with the address of a deleted job would blind all the others."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.add_job("j2")
        web.log("j2", "done")
        web.finish("j2")
        newest = (await web.all_events("scope=job&job_id=j2"))[-1].id
        asked = ("scope=job&job_id=nosuch", f"scope=job&job_id=j2&since={newest}", "scope=moon", JOB)
        async with _bundle(web, *asked) as bundle:
            over = {}
            while len(over) < 3:
                channel, name, data = await bundle.next()
                if name == "over":
                    over[channel] = data
            web.log("j1", "still here")
            seen = []
            while "still here" not in seen:
                channel, name, data = await bundle.next()
                seen += [entry["message"] for entry in data.get("logs", ())]
                assert channel == 3
    assert [over[number]["status"] for number in range(3)] == [404, 204, 400]
    assert over[2]["parameter"] == "scope"
    assert "nosuch" in over[0]["error"]
    assert not [line for line in web.said if line[0] >= Level.ERROR]


async def test_a_server_that_stops_says_goodbye_to_each(tmp_path):
    """Every tab would believe that the line had broken, and come back at once."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        async with _bundle(web, JOB, "scope=service") as bundle:
            await bundle.opened(2)
            web.stop.set()
            told = await bundle.rest()
    assert {channel for channel, name, _ in told if name == "shutdown"} == {0, 1}


async def test_a_bundle_leaves_nothing_behind(tmp_path):
    """A browser that comes and goes would use up the server's streams, or keep readers of the store open."""
    async with running(tmp_path, limits=Limits(streams=3)) as web:
        web.add_job("j1")
        for _ in range(3):
            async with _bundle(web, JOB, JOB, "scope=service") as bundle:
                await bundle.opened(3)
                assert (await web.get(f"/api/logs/stream?{JOB}")).status == 503
            with trio.fail_after(PATIENCE):
                while web.wakeups.looks.users:
                    await trio.lowlevel.checkpoint()


async def test_a_bundle_of_nothing_is_refused(tmp_path):
    """A client would wait for a stream that never says anything."""
    async with running(tmp_path) as web:
        for target in ("", "?stream=", "?streams=x", "?stream=%20"):
            answer = await web.get(f"/api/logs/streams{target}")
            assert answer.status == 400, target
            assert answer.json()["error"]


async def test_each_stream_of_a_bundle_counts(tmp_path):
    """A page could open a hundred times as many streams as the server allows, and take its memory."""
    two = "scope=service", "scope=service"
    async with running(tmp_path, limits=Limits(streams=3)) as web, _bundle(web, *two) as bundle:
        await bundle.opened(2)
        answer = await web.get("/api/logs/streams?" + "&".join(f"stream={quote(query, safe='')}" for query in two))
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        async with web.events("scope=service") as events:
            await anext(events)
            status = await anext(events)
        assert status.data["service"]["streams"] == 3
