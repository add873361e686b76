"""A server that was killed and forgot to whom it had given a job: the one who has it keeps it."""

import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest
import trio
from engines import PATIENCE, insist, nats_server, needs_nats

from quaero_cli.cluster.nats.engine import open_nats
from quaero_cli.cluster.ports import Health
from quaero_cli.model.taking import Needs, Offer

pytestmark = needs_nats

LONG, SHORT = 600.0, 0.5  # seconds of a lease


@asynccontextmanager
async def _forgotten(folder, lease):
    """Give the lease of a job, and another worker's end of a server that does not know of it any more."""
    async with nats_server(folder) as server, AsyncExitStack() as stack:
        view, again, worker, other = [
            await stack.enter_async_context(open_nats([server.url], "test", lease=lease)) for _ in range(4)
        ]
        await view.prepare_view(1, ["default"])
        await view.enqueue(Needs(), "j1", b"")
        held = await worker.claim(Offer(), "w1", PATIENCE)
        await view._thread.call(lambda: view._wire.api("CONSUMER.DELETE.QJOBS.workers-default"))
        await again.prepare_view(1, ["default"])
        yield held, other


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A machine that is busy answers late, and is not away."""
    monkeypatch.setattr("quaero_cli.cluster.nats.wire.ANSWER_DEADLINE", PATIENCE)
    monkeypatch.setattr("quaero_cli.cluster.nats.wire.CONNECT_DEADLINE", PATIENCE)


async def test_a_job_stays_with_its_worker_though_the_server_forgot_it(tmp_path):
    """Each crash of the engine would run the jobs again that had just begun, beside their first run."""
    with trio.fail_after(PATIENCE):
        async with _forgotten(tmp_path, LONG) as (held, other):
            assert await other.claim(Offer(), "w2", PATIENCE) is None
            assert await held.finish("completed")


async def test_a_claim_that_the_server_forgot_is_made_again(tmp_path):
    """Two machines would run the same attempt at a job, and the views hear of both as of one."""
    with trio.fail_after(PATIENCE):
        async with _forgotten(tmp_path, SHORT) as (held, other):
            purge = partial(other._wire.api, "STREAM.PURGE.QSTATE", {"filter": "q.state.j1"})
            await other._thread.call(purge)
            assert await held.heartbeat() is Health.OK
            lease = None
            while lease is None:
                lease = await other.claim(Offer(), "w2", SHORT)
            assert lease.attempt == 2
            assert await held.heartbeat() is Health.LOST


async def test_a_job_that_was_claimed_anew_after_a_power_cut_has_one_holder(tmp_path):
    """A server that came back from before a claim would have the job run twice to its end."""
    async with nats_server(tmp_path) as server, AsyncExitStack() as stack:
        with trio.fail_after(PATIENCE):
            view, worker, other = [
                await stack.enter_async_context(open_nats([server.url], "test", lease=LONG)) for _ in range(3)
            ]
            await view.prepare_view(1, ["default"])
            await view.enqueue(Needs(), "j1", b"")
            server.freeze()
            shutil.copytree(server.store, tmp_path / "older")
            server.thaw()
            held = await worker.claim(Offer(), "w1", PATIENCE)
            server.kill()
            shutil.rmtree(server.store)
            shutil.copytree(tmp_path / "older", server.store)
            await server.start()
            lease = None
            while lease is None:
                lease = await insist(lambda: other.claim(Offer(), "w2", SHORT))
            assert lease.attempt == held.attempt == 1
            assert await insist(held.heartbeat) is Health.LOST
            assert not await held.finish("completed")
            assert await lease.finish("completed")


async def test_a_job_that_the_server_forgot_is_taken_over_from_a_dead_worker(tmp_path):
    """A crash of the engine and of a worker would leave its job waiting for ever."""
    with trio.fail_after(PATIENCE):
        async with _forgotten(tmp_path, SHORT) as (held, other):
            lease = None
            while lease is None:
                lease = await other.claim(Offer(), "w2", SHORT)
            assert lease.attempt == 2
            assert not await held.finish("completed")
