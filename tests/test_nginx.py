"""Behind nginx: streams flow line by line, and are resumed over a restart of the proxy or of the server."""

import threading
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import h11
import pytest
import trio
from proxies import needs_nginx, proxy_to
from serving import Event, Web, running
from shells import entries, first_job

pytestmark = needs_nginx
JOB = "scope=job&job_id=j1&level=debug"
SLOW = """
id = "slow"
[step.count]
type = "shell"
command = '''i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo "line $i"; sleep 0.02; done'''
"""


@asynccontextmanager
async def _behind(web: Web, folder):
    """The same server, asked through nginx. nginx puts the server's own name into Host."""
    with proxy_to(web.bound.port, folder) as proxy:
        yield replace(web, bound=replace(web.bound, port=proxy.port)), proxy


def _messages(event) -> list[str]:
    return [entry["message"] for entry in event.data["logs"]]


async def test_a_line_comes_through_before_the_next_is_written(tmp_path):
    """Behind a proxy the live log would come in lumps of 4 KB, minutes late."""
    async with running(tmp_path) as web, _behind(web, tmp_path / "nginx") as (outside, _):
        web.add_job("j1")
        async with outside.events(JOB) as events:
            opening = [await anext(events) for _ in range(3)]
            assert [getattr(event, "name", "retry") for event in opening] == ["retry", "status", "logs"]
            for number in range(20):
                web.log("j1", f"line {number}")
                while (event := await anext(events)).name != "logs":
                    pass
                assert _messages(event) == [f"line {number}"]
            web.log("j1", *[f"{number} " + "x" * 2000 for number in range(1500)])
            web.finish("j1")
            rest = [event async for event in events]
        assert sum(len(_messages(event)) for event in rest if event.name == "logs") == 1501
        assert rest[-1].name == "end"
        # What is no stream goes through as well: pages, errors, the empty answer at the end.
        assert (await outside.get(f"/api/logs?{JOB}&limit=2000")).json()["meta"]["total_count"] == 1521
        assert (await outside.get("/api/jobs?limit=x")).status == 400
        assert (await outside.get(f"/api/logs/stream?{JOB}&since={rest[-1].id}")).status == 204


async def test_streams_are_resumed_over_a_restart_of_the_proxy(tmp_path):
    """When the proxy is reloaded, viewers would miss lines or see some twice."""
    async with running(tmp_path) as web, _behind(web, tmp_path / "nginx") as (outside, proxy):
        web.add_job("j1")
        seen: list[str] = []
        place = None
        for turn in range(4):
            headers = {"Last_Event_ID": place} if place else {}
            with suppress(h11.RemoteProtocolError):  # cut in the middle of a chunk
                async with outside.events(JOB, **headers) as events:
                    async for event in events:
                        if not isinstance(event, Event):
                            continue
                        place = event.id
                        if event.name == "logs":
                            seen += _messages(event)
                            web.log("j1", *[f"turn {turn}, line {len(seen) + n}" for n in range(3)])
                        if turn < 3 and proxy.process is not None and len(seen) > 20 * (turn + 1):
                            await trio.to_thread.run_sync(proxy.stop)
                        elif len(seen) > 80:
                            break
            if proxy.process is None:
                await trio.to_thread.run_sync(proxy.start)
        stored = (await web.get(f"/api/logs?{JOB}&limit=5000&since=0")).json()["logs"]
        assert len(seen) > 80
        assert seen == [entry["message"] for entry in stored][: len(seen)]


@pytest.mark.workers_at_night
def test_tail_follows_through_a_proxy(anywhere, tmp_path):
    """`tail --server` would take the proxy's error page for the end."""
    with anywhere.serving() as server, proxy_to(server.port, tmp_path / "nginx") as proxy:
        runner = anywhere.start("run", anywhere.define("slow", SLOW), "--json")
        job = first_job(runner)
        drain = threading.Thread(target=runner.communicate, daemon=True)
        drain.start()
        url = f"http://127.0.0.1:{proxy.port}/#t={server.token}"
        watcher = anywhere.start("tail", job, "--server", url, "--json", "-n", "all")
        for _ in range(20):
            watcher.stdout.readline()
        proxy.stop()
        proxy.start()
        watcher.communicate(timeout=90)
        drain.join(90)
        assert watcher.returncode == 0
        seen = anywhere.lines("tail", job, "--server", url, "-n", "all")
        assert entries(seen) == entries(anywhere.lines("tail", job, "-n", "all"))
