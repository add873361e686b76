"""A cluster as a view shows it: machines and queues in the API and for Prometheus, their comings in the log."""

import math
from dataclasses import replace

import pytest
import trio
from engines import PATIENCE
from prometheus_client.parser import text_string_to_metric_families
from serving import running
from stores import new_home, new_job

from quaero_cli.cluster import dispatch
from quaero_cli.cluster.memory import MemoryEngine
from quaero_cli.cluster.viewing import Viewing
from quaero_cli.model import EngineView
from quaero_cli.store.dispatch import GONE_AFTER, keep_node
from quaero_cli.store.outbox import Shipment
from quaero_cli.store.queue import enqueue_elsewhere, now_us
from quaero_cli.stream.wakeups import Wakeups

FACTS = {"version": "0.1", "host": "rack7", "queues": ["default"], "labels": {"gpu": "a100"}, "slots": 2}


def _crowd(database) -> None:
    """Four machines in each of their states, one of long ago, and jobs in two queues."""
    now, gone = now_us(), round((GONE_AFTER + 1) * 1e6)
    keep_node(database, "w1", FACTS | {"jobs": ["j9"], "outbox_bytes": 70_000, "outbox_entries": 512}, now)
    keep_node(database, "w2", FACTS | {"draining": True}, now)
    keep_node(database, "w3", FACTS | {"jobs": ["j8"]}, now - gone)
    keep_node(database, "w4", FACTS | {"left": True}, now)
    keep_node(database, "w0", FACTS, now - 25 * 3600 * 1_000_000)
    for number, queue in enumerate(("default", "gpu", "gpu")):
        enqueue_elsewhere(database, replace(new_job(f"j{number}"), queue=queue))


async def test_machines_and_queues_are_told(tmp_path):
    """Nobody would see that a machine is lost, or that a queue has nobody who serves it."""
    async with running(tmp_path, engine=EngineView(reachable=False, behind=3)) as web:
        _crowd(web.database)
        told = (await web.get("/api/workers")).json()
        figures = {
            (sample.name.removeprefix("quaero_cluster_"), *sample.labels.values()): sample.value
            for family in text_string_to_metric_families((await web.get("/metrics")).body.decode())
            for sample in family.samples
            if family.name.startswith("quaero_cluster")
        }
    assert told["engine"] == {"reachable": False, "behind": 3}
    states = {worker["name"]: worker["state"] for worker in told["workers"]}
    assert states == {"w1": "ready", "w2": "draining", "w3": "lost", "w4": "left"}
    first = told["workers"][0]
    assert (first["host"], first["labels"], first["slots"], first["jobs"]) == ("rack7", {"gpu": "a100"}, 2, ["j9"])
    assert (first["outbox_bytes"], first["outbox_entries"]) == (70_000, 512)
    assert told["queues"] == [
        {"name": "default", "waiting": 1, "running": 0, "workers": ["w1"]},
        {"name": "gpu", "waiting": 2, "running": 0, "workers": []},
    ]
    assert [figures["workers", state] for state in ("ready", "draining", "left", "lost")] == [1, 1, 1, 1]
    assert (figures["jobs", "gpu", "waiting"], figures["jobs", "gpu", "running"]) == (2, 0)
    assert (figures["outbox_bytes", "w1"], figures["outbox_entries", "w1"]) == (70_000, 512)
    assert (figures["engine_up",], figures["behind",]) == (0, 3)


async def test_without_a_cluster_there_is_none(tmp_path):
    """A single machine would be shown what it does not have."""
    async with running(tmp_path) as web:
        assert (await web.get("/api/workers")).json() == {"engine": None, "workers": [], "queues": []}
        assert "quaero_cluster" not in (await web.get("/metrics")).body.decode()
        assert (await web.get("/api/workers?state=lost")).status == 400


@pytest.fixture
def watching(tmp_path):
    """A view's watch of machines: its end of the engine, what it says, and the task."""
    view = new_home(tmp_path)
    send, said = trio.open_memory_channel[str](math.inf)
    engine = MemoryEngine()
    end, worker = engine.connect(), engine.connect()

    async def watch() -> None:
        hands = dispatch.Dispatcher(view.database, Wakeups(view.wake, view.database), end, print, send.send_nowait)
        await hands.watch_nodes(end)

    return view, worker, said, watch


async def test_machines_come_and_leave_in_the_service_log(watching):
    """Nobody would know since when a machine takes jobs, or that it has left on purpose."""
    _, worker, said, watch = watching
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            for facts in (FACTS, FACTS, FACTS | {"left": True}, FACTS):
                await worker.tell("w1", facts)
            came = "Worker w1 is there: 2 slots, queues default, gpu=a100"
            assert [await said.receive() for _ in range(3)] == [came, "Worker w1 has left", came]
            nursery.cancel_scope.cancel()


async def test_a_machine_that_says_nothing_is_lost(watching, monkeypatch):
    """A machine would be missed only by whoever looks, also one that vanished while no view was there."""
    monkeypatch.setattr(dispatch, "GONE_AFTER", 0.01)
    view, worker, said, watch = watching
    keep_node(view.database, "w2", FACTS, now_us())
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            assert await said.receive() == "Worker w2 is lost: it has said nothing for 0.01 s"
            for _ in range(2):
                await worker.tell("w1", FACTS)
                assert (await said.receive()).startswith("Worker w1 is there")
                assert (await said.receive()).startswith("Worker w1 is lost")
            nursery.cancel_scope.cancel()


async def test_an_engine_is_lost_comes_back_and_is_read_anew(tmp_path):
    """The log would stand still, or jump, and nothing would say why."""
    view = new_home(tmp_path)
    engine = MemoryEngine()
    send, said = trio.open_memory_channel[str](math.inf)
    end, sight = engine.connect(), EngineView(reachable=True, behind=0)
    viewing = Viewing(view.database, end, end, lambda: None, send.send_nowait, sight=sight)
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(viewing.run)
            await end.publish(Shipment("o1", 1, 1, b"[]"))
            await end.ask(["nobody"])
            engine.away = True
            engine.notify()
            assert (await said.receive()).startswith("The engine is away")
            assert not sight["reachable"]
            engine.away = False
            assert await said.receive() == "The engine is back"
            engine.roll_back(0)
            assert (await said.receive()).startswith("The engine's log is not the one that was read before")
            assert await said.receive() == "The engine's log has been read again to its end"
            assert sight == {"reachable": True, "behind": 0}
            nursery.cancel_scope.cancel()
