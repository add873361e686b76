"""What a nats-server does on its bad days, and a cluster must bear: apart from what every engine has to do."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
import trio
from cutting import cutting
from engines import PATIENCE, ask, insist, nats_server, needs_nats
from stores import NOW, line, new_home, new_job

from quaero_cli.cluster.nats import engine as engine_module
from quaero_cli.cluster.nats.engine import NatsEngine, _streams, open_nats
from quaero_cli.cluster.ports import EngineFull
from quaero_cli.cluster.shipper import Shipper
from quaero_cli.cluster.viewing import Viewing
from quaero_cli.model import JobClaimed, JobQueued
from quaero_cli.model.taking import Needs, Offer
from quaero_cli.settings import Settings
from quaero_cli.store.engine import connect
from quaero_cli.store.fresh import FreshRows
from quaero_cli.store.outbox import Outbox, Shipment
from quaero_cli.store.queue import enqueue
from quaero_cli.store.writer import Writer

pytestmark = needs_nats


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A machine that is busy answers late, and is not away."""
    monkeypatch.setattr("quaero_cli.cluster.nats.wire.ANSWER_DEADLINE", PATIENCE)
    monkeypatch.setattr("quaero_cli.cluster.nats.wire.CONNECT_DEADLINE", PATIENCE)


async def test_a_server_that_was_killed_while_no_job_waited_gives_the_next_ones(tmp_path):
    """Each job would wait for ever, until as many were made as there had been before."""
    async with nats_server(tmp_path) as server:
        with trio.fail_after(PATIENCE):
            async with open_nats([server.url], "view") as view, open_nats([server.url], "worker") as worker:
                await view.prepare_view(1, ["default"])
                await worker.prepare_worker()
                for number in range(3):
                    await view.enqueue(Needs("default"), f"before{number}", b"")
                    lease = await worker.claim(Offer(("default",)), "w1", PATIENCE)
                    assert await lease.finish("completed")
                # A server keeps its streams' places and those of their readers one after the other: this is what
                # a kill between the two leaves.
                server.shut_down()
                for index in server.store.rglob("QJOBS/msgs/*.idx"):
                    index.unlink()
                await server.start()
                assert await insist(lambda: view.enqueue(Needs("default"), "after", b""))
                lease = None
                while lease is None:
                    lease = await insist(lambda: worker.claim(Offer(("default",)), "w1", 0.5))
                assert lease.job == "after"


async def test_a_log_that_only_tells_of_what_it_has_is_asked_for_it(tmp_path, monkeypatch):
    """A view would show nothing of an engine whose log was made by somebody else, or by an earlier version."""
    streams = engine_module._streams

    def made_before(replicas: int) -> list[dict[str, Any]]:
        log, *others = streams(replicas)
        return [{**log, "republish": {**log["republish"], "headers_only": True}}, *others]

    monkeypatch.setattr(engine_module, "_streams", made_before)
    async with nats_server(tmp_path) as server:
        with trio.fail_after(PATIENCE):
            async with open_nats([server.url], "view") as view, open_nats([server.url], "worker") as worker:
                await view.prepare_view(1, ["default"])
                place = (await view.read(None, 0)).place
                for number in range(1, 4):
                    sent = Shipment("o1", number, number, b"[]")
                    await worker.publish(sent)
                    reading = await view.read(place, PATIENCE)
                    assert list(reading.shipments) == [sent]
                    place = reading.place


async def test_a_question_is_answered_while_others_say_something_without_a_pause(tmp_path):
    """What an engine lost of a worker that has ended would be missing for as long as the others are busy."""
    async with nats_server(tmp_path) as server:
        with trio.fail_after(PATIENCE):
            async with open_nats([server.url], "view") as view, open_nats([server.url], "worker") as worker:
                await view.prepare_view(1, ["default"])
                place, number, behind = (await view.read(None, 0)).place, 0, 1
                while behind:  # the view may say that it has all
                    number += 1
                    await worker.publish(Shipment("o1", number, number, b"[]"))
                    while view._log._newest < number:  # noqa: ASYNC110 - it has heard of something new before it looks
                        await trio.sleep(0.001)
                    reading = await view.read(place, PATIENCE)
                    place, behind = reading.place, reading.behind


# ------------------------------------------------------------------ from one store to another


@dataclass
class Line:
    """A worker's store, and a view's that it ships to over a real server."""

    worker: Settings
    view: Settings
    writer: Writer
    shipper: Shipper
    engine: NatsEngine
    said: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # what there is to ship

    def say(self, *messages: str) -> None:
        first = len(self.told) + 3
        self.writer.apply(first, [line("j1", message) for message in messages])
        self.told += messages
        self.shipper.changed()

    def seen(self) -> list[str]:
        with closing(connect(self.view.database, readonly=True)) as connection:
            return [row[0] for row in connection.execute("SELECT message FROM log ORDER BY id")]

    async def until(self, what: Callable[[], bool]) -> None:
        while not what():  # noqa: ASYNC110 - neither a list nor a disk tells
            await trio.sleep(0.02)


@asynccontextmanager
async def shipping(folder, worker_url: str, view_url: str) -> AsyncGenerator[Line, None]:
    worker, view = new_home(folder / "worker"), new_home(folder / "view")
    enqueue(worker.database, new_job("j1"))
    said: list[str] = []
    fresh = FreshRows()
    with (
        closing(Writer(worker.database, ships=True, fresh=fresh, eager=True)) as writer,
        Outbox(worker.database) as outbox,
    ):
        writer.apply(1, [JobQueued(new_job("j1"), "default", NOW), JobClaimed("j1", "w1", 1, NOW)])
        async with open_nats([worker_url], "worker") as near, open_nats([view_url], "view") as far:
            await far.prepare_view(1, ["default"])
            shipper = Shipper(outbox, near, near, said.append, fresh=fresh)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(shipper.run)
                nursery.start_soon(Viewing(view.database, far, far, lambda: None, said.append).run)
                yield Line(worker, view, writer, shipper, far, said)
                nursery.cancel_scope.cancel()


async def test_a_connection_that_is_cut_anywhere_loses_and_repeats_nothing(tmp_path, campaign, monkeypatch):
    """A bad cable, or a proxy that restarts, would cost lines; or a worker would never come back."""
    monkeypatch.undo()  # as impatient as it is
    for seed in range(campaign(1, 10)):
        chance, cuts = Random(seed), campaign(6, 100)
        async with (
            nats_server(tmp_path / f"engine{seed}") as server,
            cutting(server.port, chance, cuts) as near,
            cutting(server.port, chance, 0) as far,
        ):
            with trio.fail_after(campaign(1, 10) * PATIENCE):
                at = "nats://127.0.0.1:{}"
                async with shipping(tmp_path / str(seed), at.format(near.port), at.format(far.port)) as both:
                    far.left = cuts
                    while not (near.done.is_set() and far.done.is_set()):
                        number = len(both.told)
                        both.say(*(f"{number + n} {'x' * chance.randint(0, 2000)}" for n in range(20)))
                        await trio.sleep(0.01)
                    await both.shipper.wait_shipped()
                    assert both.seen() == both.told
        print(f"seed {seed}: {2 * cuts} cuts, {len(both.told)} lines", flush=True)


async def test_a_full_queue_refuses_jobs_and_lets_others_be_cancelled(tmp_path):
    """A job would be lost between its view and its worker; or one that nobody wants could not be stopped."""
    async with nats_server(tmp_path) as server:
        (config,) = (each for each in _streams(1) if each["name"] == "QJOBS")
        await ask([server], "STREAM.CREATE.QJOBS", {**config, "max_msgs": 1})
        with trio.fail_after(PATIENCE):
            async with open_nats([server.url], "view") as view, open_nats([server.url], "worker") as worker:
                await view.prepare_view(1, ["default"])
                assert await view.enqueue(Needs("default"), "one", b"")
                with pytest.raises(EngineFull):
                    await view.enqueue(Needs("default"), "two", b"")
                assert await view.cancel("one")
                assert await view.enqueue(Needs("default"), "two", b"")
                lease = await worker.claim(Offer(("default",)), "w1", PATIENCE)
                assert lease.job == "two"
