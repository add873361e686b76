"""The live stream's end: none by a clock, one with a word when the server stops, one for those who do not read."""

import trio
from serving import NEVER, PATIENCE, TOKEN, Event, Web, running
from webclient import JOB, named

from quaero_cli.server.app import build_app, viewer_files
from quaero_cli.server.desk import ServerParts, open_desk
from quaero_cli.server.gate import Gate
from quaero_cli.server.guard import Guard
from quaero_cli.server.limits import Limits
from quaero_cli.server.security import Policy, allowed_hosts
from quaero_cli.server.serve import Bound, ServeOptions, serve
from quaero_cli.store.schema import prepare
from quaero_cli.stream.pace import PING_AFTER
from quaero_cli.stream.wakeups import Wakeups


async def test_no_time_limit(tmp_path):
    """Quart would cut every stream after a minute; here its minute is a twentieth of a second."""
    assert PING_AFTER < 15  # seconds of silence after which the viewer gives a stream up
    async with running(tmp_path) as web, trio.open_nursery() as nursery:
        web.add_job("j1")
        with open_desk(web.parts, Limits()) as desk:
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
                assert named([event async for event in events])[-1] == "end"
            await guard.stop()
            nursery.cancel_scope.cancel()


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
            assert named(await web.all_events(JOB))[-1] == "end"
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
                assert named(rest) == ["retry", "shutdown"]
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
            assert named([event async for event in events]) == ["retry", "shutdown"]


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
