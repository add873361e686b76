"""What an engine must do for a cluster, held to by each: the one in memory, the one in a file, and NATS."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pysqlite3 as sqlite
import pytest
import trio
from engines import PATIENCE, ask, nats_server, needs_nats

from quaero_cli.cluster.file import FileEngine, open_file
from quaero_cli.cluster.memory import MemoryEnd, MemoryEngine
from quaero_cli.cluster.nats.engine import NatsEngine
from quaero_cli.cluster.ports import Health, JobState, Mark, owner_of_part, part_id
from quaero_cli.model.taking import Needs, Offer
from quaero_cli.store.outbox import Shipment

# Seconds: no test waits for so long, unless a worker is to be thought dead.
LEASE, SHORT = 60.0, 0.5


@dataclass
class Cluster:
    """Ends of one engine. `forget` is what a power cut may do to it: a job was never there."""

    view: Any
    worker: Any
    other: Any
    forget: Callable[[str], Awaitable[None]]


@asynccontextmanager
async def _memory(folder: Path, lease: float = LEASE) -> AsyncGenerator[Cluster, None]:
    engine = MemoryEngine(lease=lease)

    async def forget(job: str) -> None:
        del engine.jobs[job]

    yield Cluster(engine.connect(), engine.connect(), engine.connect(), forget)


@asynccontextmanager
async def _file(folder: Path, lease: float = LEASE) -> AsyncGenerator[Cluster, None]:
    path = folder / "engine.db"

    async def forget(job: str) -> None:
        with closing(sqlite.connect(path)) as connection, connection:
            connection.execute("DELETE FROM job WHERE id = ?", (job,))

    async with AsyncExitStack() as stack:
        ends = [await stack.enter_async_context(open_file(path, lease=lease)) for _ in range(3)]
        yield Cluster(*ends, forget)


@asynccontextmanager
async def _nats(folder: Path, lease: float = LEASE) -> AsyncGenerator[Cluster, None]:
    from quaero_cli.cluster.nats.engine import open_nats

    async with nats_server(folder) as server, AsyncExitStack() as stack:
        connect = partial(open_nats, [server.url], "test", lease=lease)
        view, worker, other = [await stack.enter_async_context(connect()) for _ in range(3)]
        await view.prepare_view(1, ["default"])
        await worker.prepare_worker()
        await other.prepare_worker()

        async def forget(job: str) -> None:
            for stream, subject in (("QSTATE", f"q.state.{job}"), ("QJOBS", f"q.jobs.*.{job}")):
                await ask([server], f"STREAM.PURGE.{stream}", {"filter": subject})

        yield Cluster(view, worker, other, forget)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A machine that is busy answers late, and is not away."""
    monkeypatch.setattr("quaero_cli.cluster.nats.wire.ANSWER_DEADLINE", PATIENCE)
    monkeypatch.setattr("quaero_cli.cluster.nats.wire.CONNECT_DEADLINE", PATIENCE)


@pytest.fixture(params=[_memory, _file, pytest.param(_nats, marks=needs_nats)])
def opened(request, tmp_path) -> Callable[[], Any]:
    return partial(request.param, tmp_path / "engine")


async def _read_all(view, place=None):
    found, behind = [], 1
    while behind:
        reading = await view.read(place, 0.01)
        found += reading.shipments
        place, behind = reading.place, reading.behind
    return found, place


async def test_the_log_is_read_as_it_was_written(opened):
    """Entries would be lost, doubled or in a wrong order between machines."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            assert (await _read_all(cluster.view))[0] == []
            sent = [Shipment("o1", n, n, b"[%d]" % n) for n in range(1, 80)]
            large = Shipment("o2", 1, 1, Random(1).randbytes(2_000_000))  # in parts, with newlines
            for shipment in [*sent[:40], large, *sent[40:]]:
                await cluster.worker.publish(shipment)
            found, place = await _read_all(cluster.view)
            assert found == [*sent[:40], large, *sent[40:]]
            assert (await _read_all(cluster.view, place))[0] == []
            assert (await _read_all(cluster.other))[0] == found, "every view reads the same"


async def test_what_was_begun_before_it_is_published_is_in_the_log_once(opened):
    """Each line of a job that logs now and then would travel twice, or those that were begun with would be lost."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            sent = [Shipment("o1", n, n, b"[%d]" % n) for n in range(1, 21)]
            for shipment in sent:
                if shipment.first % 3:
                    await trio.to_thread.run_sync(cluster.worker.begin, shipment)
                await cluster.worker.publish(shipment)
            assert (await _read_all(cluster.view))[0] == sent


async def _make_room(end) -> None:
    """Delete all that is in an engine's log, as somebody would do who knows the engine."""
    if isinstance(end, FileEngine):
        with closing(sqlite.connect(end._file._path)) as connection, connection:
            connection.execute("DELETE FROM shipment")
    elif isinstance(end, MemoryEnd):
        end._engine.forget(len(end._engine.log))
    else:
        await end._thread.call(lambda: end._wire.api("STREAM.PURGE.QLOG"))


async def test_what_is_not_in_the_log_any_more_is_told(opened):
    """A view would take an origin's middle for its beginning, or wait for ever for what the engine has dropped."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            for number in (1, 2):
                await cluster.worker.publish(Shipment("o1", number, number, b"[]"))
            whole = await cluster.view.read(None, PATIENCE)
            assert (whole.cut, whole.skipped) == (False, False)
            await _make_room(cluster.view)
            await cluster.worker.publish(Shipment("o1", 3, 3, b"[]"))
            place, found = whole.place, []
            while not found:
                reading = await cluster.view.read(place, PATIENCE)
                place, found = reading.place, list(reading.shipments)
                assert (reading.skipped, reading.reset) == (False, False), "this view had read what was deleted"
            for number in (4, 5):
                await cluster.worker.publish(Shipment("o1", number, number, b"[]"))
            await _make_room(cluster.view)
            await cluster.worker.publish(Shipment("o1", 6, 6, b"[]"))
            skipped = False
            while not found or found[-1].first != 6:
                reading = await cluster.view.read(place, PATIENCE)
                place, found = reading.place, list(reading.shipments)
                skipped |= reading.skipped
                assert not reading.reset
            assert skipped or isinstance(cluster.view, NatsEngine), "which may have been told before it was deleted"
            fresh = await cluster.other.read(None, PATIENCE)
            assert ([each.first for each in fresh.shipments], fresh.cut, fresh.reset) == ([6], True, False)


async def test_whoever_reads_is_woken_by_what_comes(opened):
    """A line would be seen a second late."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster, trio.open_nursery() as nursery:
            _, place = await _read_all(cluster.view)
            got: list[Any] = []

            async def read() -> None:
                got.append(await cluster.view.read(place, PATIENCE))

            nursery.start_soon(read)
            await cluster.worker.publish(Shipment("o1", 1, 1, b"[]"))
        assert [each.origin for each in got[0].shipments] == ["o1"]


async def test_marks_reach_whoever_asked(opened):
    """A worker would keep for ever what the views have long had."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            await cluster.worker.ask(["o1"])
            assert await cluster.view.next_question() == "o1"
            await cluster.view.announce([Mark("o1", 7, caught_up=True, view="a"), Mark("o1", 9, gap=True)])
            assert await cluster.worker.next_mark() == Mark("o1", 7, caught_up=True, view="a")
            assert await cluster.worker.next_mark() == Mark("o1", 9, gap=True)


async def test_a_job_is_run_by_one_worker(opened):
    """A job would run twice, or never."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            assert await cluster.worker.claim(Offer(), "w1", 0.05) is None
            assert await cluster.view.enqueue(Needs(), "j1", b"body")
            assert not await cluster.view.enqueue(Needs(), "j1", b"body")
            lease = await cluster.worker.claim(Offer(), "w1", PATIENCE)
            assert (lease.job, lease.attempt, lease.body) == ("j1", 1, b"body")
            assert await cluster.other.claim(Offer(), "w2", 0.05) is None
            assert await lease.heartbeat() is Health.OK
            assert await lease.finish("completed")
            assert not await lease.finish("failed")
            assert not await cluster.view.enqueue(Needs(), "j1", b"body"), "it has ended"
            assert await cluster.other.claim(Offer(), "w2", 0.05) is None


async def test_a_dead_workers_job_goes_to_another_and_its_end_is_fenced(opened):
    """A worker that was only slow would end a job that another one runs by now."""
    with trio.fail_after(PATIENCE):
        async with opened(lease=SHORT) as cluster:
            await cluster.view.enqueue(Needs(), "j1", b"")
            slow = await cluster.worker.claim(Offer(), "w1", PATIENCE)
            lease = None
            while lease is None:
                lease = await cluster.other.claim(Offer(), "w2", SHORT)
            assert lease.attempt == 2
            assert await slow.heartbeat() is Health.LOST
            assert not await slow.finish("completed")
            assert await lease.finish("failed")


async def test_a_released_job_is_there_for_the_next(opened):
    """A worker that leaves would hold up its jobs for the time of a lease."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            await cluster.view.enqueue(Needs(), "j1", b"")
            lease = await cluster.worker.claim(Offer(), "w1", PATIENCE)
            await lease.release()
            again = await cluster.other.claim(Offer(), "w2", PATIENCE)
            assert (again.job, again.attempt) == ("j1", 2)


async def test_a_job_is_cancelled_wherever_it_is(opened):
    """`quaero cancel` would not reach another machine."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            await cluster.view.enqueue(Needs(), "waits", b"")
            assert await cluster.view.cancel("waits") is True
            assert await cluster.worker.claim(Offer(), "w1", 0.05) is None
            assert await cluster.view.cancel("waits") is False
            assert not await cluster.view.enqueue(Needs(), "waits", b"")
            assert await cluster.view.cancel("unknown") is True
            assert not await cluster.view.enqueue(Needs(), "unknown", b"")
            assert await cluster.worker.claim(Offer(), "w1", 0.05) is None
            await cluster.view.enqueue(Needs(), "runs", b"")
            lease = await cluster.worker.claim(Offer(), "w1", PATIENCE)
            assert await cluster.view.cancel("runs") is False
            assert await cluster.worker.next_cancel() == "runs"
            assert await lease.heartbeat() is Health.CANCEL
            assert await lease.finish("cancelled")


async def test_a_job_that_has_ended_is_not_run_again(opened):
    """A job whose worker died after its end was seen would run a second time."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            await cluster.view.enqueue(Needs(), "j1", b"")
            lease = await cluster.worker.claim(Offer(), "w1", PATIENCE)
            await cluster.view.settle("j1", "completed")
            assert await lease.heartbeat() is Health.LOST
            await lease.release()
            assert await cluster.other.claim(Offer(), "w2", 0.05) is None


async def test_a_job_that_has_ended_before_anybody_took_it_is_not_begun(opened):
    """A job that its view has long ended would begin, if the engine had it before the view knew."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            await cluster.view.enqueue(Needs(), "j1", b"")
            await cluster.view.settle("j1", "cancelled")
            assert await cluster.worker.claim(Offer(), "w1", 0.05) is None
            assert not await cluster.view.enqueue(Needs(), "j1", b"")
            assert await cluster.worker.claim(Offer(), "w1", 0.05) is None


async def test_of_two_that_have_the_same_attempt_one_ends_the_job(opened):
    """After a power cut of the engine two workers would run the same job, and both would say how it ended."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            await cluster.view.enqueue(Needs(), "j1", b"")
            first = await cluster.worker.claim(Offer(), "w1", PATIENCE)
            await cluster.forget("j1")
            assert await cluster.view.enqueue(Needs(), "j1", b"")
            second = await cluster.other.claim(Offer(), "w2", PATIENCE)
            assert first.attempt == second.attempt == 1
            assert await first.heartbeat() is Health.LOST
            assert await second.heartbeat() is Health.OK
            assert not await first.finish("completed")
            assert await second.finish("completed")
            assert not await first.finish("completed"), "it is the other one's end"
            assert await second.finish("completed"), "the answer may have been lost"


async def test_a_running_job_that_was_forgotten_and_cancelled_is_cancelled_where_it_runs(opened):
    """A job would go on for ever after a power cut of the engine, whoever wishes it to end."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            await cluster.view.enqueue(Needs(), "j1", b"")
            lease = await cluster.worker.claim(Offer(), "w1", PATIENCE)
            await cluster.forget("j1")
            assert await cluster.view.cancel("j1")
            assert await lease.heartbeat() is Health.CANCEL
            assert await lease.finish("cancelled")
            assert not await cluster.view.enqueue(Needs(), "j1", b"")


async def test_machines_are_heard(opened):
    """`quaero workers` would list none."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            await cluster.worker.tell("w1", {"slots": 2})
            assert await cluster.view.next_node() == ("w1", {"slots": 2})


async def test_a_job_goes_to_a_worker_that_has_what_it_needs(opened):
    """A job for a machine with a graphics card would fail on one without, or come back to it again and again."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            big = Needs("gpu", {"gpu": "a100", "os": "linux"})
            plain, other = Offer(("gpu",)), Offer(("gpu", "default"), {"gpu": "t4", "os": "linux"})
            fits = Offer(("default", "gpu"), {"os": "linux", "gpu": "a100", "more": "x"})
            assert await cluster.view.enqueue(big, "j1", b"1")
            assert await cluster.worker.claim(plain, "w1", 0.05) is None
            assert await cluster.worker.claim(other, "w2", 0.05) is None
            assert await cluster.view.enqueue(Needs("gpu"), "j2", b"2")
            assert await cluster.view.enqueue(Needs(), "j3", b"3")
            taken = {(await cluster.other.claim(fits, "w3", PATIENCE)).job for _ in range(3)}
            assert taken == {"j1", "j2", "j3"}, "a queue or a set of labels has starved"
            assert await cluster.view.enqueue(big, "j4", b"4")
            assert (await cluster.other.claim(fits, "w3", PATIENCE)).attempt == 1, "nobody else was handed it"


async def test_a_worker_that_waits_gets_what_comes_whatever_its_lane(opened):
    """With several queues a job would begin seconds late, or stay with a machine that is busy by then."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            for name in ("a", "b"):
                await cluster.view.enqueue(Needs(name), f"first-{name}", b"")
                assert await cluster.worker.claim(Offer((name,)), "w1", PATIENCE)
            got: list[Any] = []

            async def claim() -> None:
                got.append(await cluster.worker.claim(Offer(("a", "b")), "w1", PATIENCE))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(claim)
                await cluster.view.enqueue(Needs("b"), "b1", b"")
            # What comes for the wish that is left over goes to whoever waits next.
            await cluster.view.enqueue(Needs("a"), "a1", b"")
            got.append(await cluster.other.claim(Offer(("a", "b")), "w2", PATIENCE))
            assert [(each.job, each.attempt) for each in got] == [("b1", 1), ("a1", 1)]


async def test_items_of_a_job_have_room_of_their_own_and_their_ends_are_heard(opened):
    """Whoever holds a job would never learn what became of its items, or wait for room that it holds itself."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            part = part_id("me", "j1", 1, "step_a", 7)
            assert (owner_of_part(part), owner_of_part("j1")) == ("me", None)
            await cluster.view.enqueue(Needs(), "j1", b"")  # which makes the lane, and that of its items
            await cluster.worker.follow_parts("me")
            assert await cluster.worker.look(part) is None
            assert await cluster.worker.enqueue(Needs(part=True), part, b"item")
            assert not await cluster.worker.enqueue(Needs(part=True), part, b"item")
            lease = await cluster.other.claim(Offer(jobs=False, parts=True), "w2", PATIENCE)
            assert (lease.job, lease.attempt, lease.body) == (part, 1, b"item")
            state = JobState(1, None, "w2")
            while await cluster.worker.look(part) != state:
                assert await cluster.worker.next_part() == part
            assert await lease.finish("completed", "what it left")
            state = JobState(1, "completed", "w2", "what it left")
            while await cluster.worker.look(part) != state:
                assert await cluster.worker.next_part() == part
            assert (await cluster.other.claim(Offer(), "w2", PATIENCE)).job == "j1"


async def test_an_item_that_is_cancelled_is_taken_off_by_whoever_comes_upon_it(opened):
    """Items of a cancelled job would be begun, or go on."""
    with trio.fail_after(PATIENCE):
        async with opened() as cluster:
            items, room = Needs(part=True), Offer(jobs=False, parts=True)
            waits, runs = (part_id("me", "j1", 1, "a", number) for number in (1, 2))
            await cluster.worker.enqueue(items, waits, b"")
            assert await cluster.worker.cancel(waits)
            assert await cluster.other.claim(room, "w2", 0.05) is None
            await cluster.worker.enqueue(items, runs, b"")
            lease = await cluster.other.claim(room, "w2", PATIENCE)
            assert not await cluster.worker.cancel(runs)
            assert await cluster.other.next_cancel() == runs
            assert await lease.heartbeat() is Health.CANCEL
