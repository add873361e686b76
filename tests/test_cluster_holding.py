"""Leases of a worker: what is said, and stopped, when one is not ours any more."""

import pytest
import trio

from quaero_cli.cluster.memory import MemoryEnd, MemoryEngine
from quaero_cli.engine.log import JobLog
from quaero_cli.model import LogLine
from quaero_cli.model.taking import Needs, Offer
from quaero_cli.session.holding import Held, Holding
from quaero_cli.session.namedlog import NamedLog

PATIENCE = 30


class Desk:
    """A worker that holds the job `a` of an engine."""

    def __init__(self) -> None:
        self.engine = MemoryEnd(MemoryEngine())
        self.said: list[str] = []
        log = JobLog(self._hear, None, source="cluster")
        self.holding = Holding(self.engine, 0.01, NamedLog(log, "w1"), lambda: None)

    def _hear(self, fact: object) -> None:
        assert isinstance(fact, LogLine)
        self.said.append(fact.message)

    async def take(self) -> Held:
        await self.engine.enqueue(Needs(), "a", b"")
        lease = await self.engine.claim(Offer(), "w1", 0)
        assert lease is not None
        held = await self.holding.hold(lease)
        assert held is not None
        return held


async def test_a_view_that_tells_the_end_first_takes_nothing_away():
    """The service log would say that another worker has a job which nobody has any more."""
    desk = Desk()
    held = await desk.take()
    await desk.engine.settle("a", "cancelled")
    held.done = True
    with trio.fail_after(PATIENCE):
        await desk.holding.beat(held, pytest.fail)
        await desk.holding.finish(held, "cancelled")
    assert desk.said == []


async def test_an_end_that_does_not_count_is_told():
    """Two ends of one job would be thought to count."""
    desk = Desk()
    held = await desk.take()
    await desk.engine.settle("a", "interrupted")
    held.done = True
    with trio.fail_after(PATIENCE):
        await desk.holding.beat(held, pytest.fail)
        await desk.holding.finish(held, "completed")
    assert desk.said == ["Worker w1: Job a was ended elsewhere: what this worker came to does not count"]


async def test_a_job_that_runs_is_stopped_when_it_is_not_ours():
    """Two machines would go on with the same job."""
    desk = Desk()
    held = await desk.take()
    await desk.engine.settle("a", "interrupted")
    reasons: list[str] = []
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:

            def stop(reason: str) -> None:
                reasons.append(reason)
                nursery.cancel_scope.cancel()

            nursery.start_soon(desk.holding.beat, held, stop)
    assert reasons == ["another worker has taken it over"]
    assert desk.said == ["Worker w1: Job a is another worker's now, attempt 1 is stopped here"]
