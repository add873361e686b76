"""What a nats-server does on its bad days, and a cluster must bear: apart from what every engine has to do."""

import pytest
import trio
from engines import PATIENCE, nats_server, needs_nats

from quaero_cli.cluster.nats.engine import open_nats
from quaero_cli.cluster.ports import EngineAway
from quaero_cli.model.taking import Needs, Offer

pytestmark = needs_nats


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A machine that is busy answers late, and is not away."""
    monkeypatch.setattr("quaero_cli.cluster.nats.wire.ANSWER_DEADLINE", PATIENCE)
    monkeypatch.setattr("quaero_cli.cluster.nats.wire.CONNECT_DEADLINE", PATIENCE)


async def _insist(call):
    """Ask until the engine is there."""
    while True:
        try:
            return await call()
        except EngineAway:
            await trio.sleep(0.05)


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
                assert await _insist(lambda: view.enqueue(Needs("default"), "after", b""))
                lease = None
                while lease is None:
                    lease = await _insist(lambda: worker.claim(Offer(("default",)), "w1", 0.5))
                assert lease.job == "after"
