"""From a worker's outbox to a view's store and back: over an engine in memory that has its bad days."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

import pytest
import trio
import trio.testing
from stores import NOW, line, new_home, new_job

from quaero_cli.cluster import shipper, viewing
from quaero_cli.cluster.bound import Bound
from quaero_cli.cluster.memory import MemoryEngine
from quaero_cli.cluster.ports import EngineFull, Mark
from quaero_cli.cluster.shipper import Shipper
from quaero_cli.cluster.viewing import Viewing
from quaero_cli.model import JobClaimed, JobQueued
from quaero_cli.settings import Settings
from quaero_cli.store.engine import connect
from quaero_cli.store.factcodec import encode_fact, join_facts
from quaero_cli.store.fresh import FreshRows
from quaero_cli.store.outbox import Outbox, Shipment, outbox_load
from quaero_cli.store.queue import enqueue
from quaero_cli.store.writer import Writer

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No test waits for what a person would hardly notice."""
    monkeypatch.setattr(shipper, "ASK_INTERVAL", 0.02)
    monkeypatch.setattr(shipper, "RETRY_INTERVAL", 0.02)
    monkeypatch.setattr(shipper, "_ECHO", 0.05)
    monkeypatch.setattr(viewing, "WAIT", 0.02)
    monkeypatch.setattr(viewing, "RETRY_INTERVAL", 0.02)
    monkeypatch.setattr(viewing, "HOLDERS_HEARD", PATIENCE)


@dataclass
class Pair:
    """A worker's store with its shipper, and a view's."""

    engine: MemoryEngine
    worker: Settings
    view: Settings
    writer: Writer
    shipper: Shipper
    said: list[str]
    outbox: Outbox
    number: int = 3

    def say(self, *messages: str) -> None:
        self.writer.apply(self.number, [line("j1", message) for message in messages])
        self.number += len(messages)
        self.shipper.changed()

    def seen(self) -> list[str]:
        with closing(connect(self.view.database, readonly=True)) as connection:
            return [row[0] for row in connection.execute("SELECT message FROM log ORDER BY id")]

    async def empty(self) -> None:
        await self.shipper.wait_shipped()
        assert outbox_load(self.worker.database)[0] == 0

    @asynccontextmanager
    async def viewing(self, name: str = "", view: Settings | None = None) -> AsyncGenerator[None, None]:
        end = self.engine.connect()
        database = (view or self.view).database
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Viewing(database, end, end, lambda: None, self.said.append, name).run)
            yield
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def pair(folder, archives=(), outbox: type[Outbox] = Outbox, *, copies=True) -> AsyncGenerator[Pair, None]:
    engine, said = MemoryEngine(), []
    worker, view = new_home(folder / "worker"), new_home(folder / "view")
    enqueue(worker.database, new_job("j1"))
    end, fresh = engine.connect(), FreshRows() if copies else None
    with (
        trio.fail_after(PATIENCE),
        closing(Writer(worker.database, ships=True, fresh=fresh)) as writer,
        outbox(worker.database) as kept,
    ):
        writer.apply(1, [JobQueued(new_job("j1"), "default", NOW), JobClaimed("j1", "w1", 1, NOW)])
        ships = Shipper(kept, end, end, said.append, archives=archives, fresh=fresh)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ships.run)
            yield Pair(engine, worker, view, writer, ships, said, kept)
            nursery.cancel_scope.cancel()


async def test_what_a_view_has_is_forgotten(tmp_path):
    """A worker's disk would fill, or a line would come twice."""
    async with pair(tmp_path) as both, both.viewing():
        both.say("one", "two")
        await both.empty()
        both.say("three")
        await both.empty()
        assert both.seen() == ["one", "two", "three"]


def test_copies_of_rows_that_are_not_all_there_are_not_used(monkeypatch):
    """What was stored while an engine was away, or more than is kept in memory, would never be sent."""
    fresh, told = FreshRows(), []
    fresh.tell = lambda rows: told.append(True)
    rows = [Shipment("o", number, number, b"x" * 10, number) for number in range(1, 10)]
    assert fresh.after(0) is None, "what an earlier process has left"
    fresh.put(rows[:2])
    assert fresh.after(0) == rows[:2]
    assert fresh.after(2) == []
    fresh.put(rows[2:4])
    assert fresh.after(3) == rows[3:4]
    fresh.put(rows[4:5])
    assert fresh.after(3) is None, "the fourth was handed out before"
    fresh.put(None)
    assert fresh.after(5) is None
    monkeypatch.setattr("quaero_cli.store.fresh._MOST_BYTES", 15)
    fresh.put(rows[5:7])
    assert fresh.after(5) is None
    fresh.put(rows[7:8])
    assert fresh.after(7) == rows[7:8]
    monkeypatch.undo()
    fresh.put([rows[5], rows[7]])
    assert fresh.after(5) is None, "the seventh was stored by somebody else"
    assert len(told) == 7


async def test_nothing_is_forgotten_on_the_engines_word(tmp_path):
    """What the engine acknowledged and then lost would be lost."""
    async with pair(tmp_path) as both:
        for message in ("one", "two"):
            both.say(message)
            while not both.engine.log or both.engine.log[-1].last < both.number - 1:
                await both.engine.changed.wait()
        kept = outbox_load(both.worker.database)[0]
        assert kept > 0
        both.engine.roll_back(len(both.engine.log) - 1)
        async with both.viewing():
            await both.empty()
        assert both.seen() == ["one", "two"]
        assert any("lost what it had acknowledged" in text for text in both.said)


async def test_a_view_that_has_more_than_the_engine_goes_on(tmp_path):
    """A view would stand still after the engine came back from an older state, or take lines in twice."""
    async with pair(tmp_path) as both, both.viewing():
        both.say("one")
        await both.empty()
        both.engine.roll_back(1)
        both.say("two")
        await both.empty()
        assert both.seen() == ["one", "two"]
        assert any("from its beginning" in text for text in both.said)


class _SlowToFind(Outbox):
    """An outbox in which something new is stored while a place in it is looked for, and read after."""

    meanwhile: Callable[[], None]

    def place_of(self, origin: str, number: int) -> int | None:
        trio.from_thread.run_sync(self.meanwhile)
        trio.from_thread.run(trio.testing.wait_all_tasks_blocked)  # the sender waits to read what comes after
        return super().place_of(origin, number)


async def test_what_is_read_while_the_sender_is_put_back_skips_nothing(tmp_path):
    """What the engine lost would come only after the views had complained again about what follows it."""
    async with pair(tmp_path, outbox=_SlowToFind, copies=False) as both:
        both.say("one")
        while not both.engine.log or both.engine.log[-1].last < 3:
            await both.engine.changed.wait()
        origin = both.engine.log[0].origin
        both.outbox.meanwhile = lambda: both.say("two")
        both.engine.roll_back(len(both.engine.log))
        await both.engine.connect().announce([Mark(origin, 0, gap=True)])
        while not both.engine.log:
            await both.engine.changed.wait()
        assert both.engine.log[0].first == 1


async def test_an_engine_that_is_away_holds_up_nobody(tmp_path):
    """A job would fail, or its lines be dropped, since a server is restarted."""
    async with pair(tmp_path) as both, both.viewing():
        both.engine.away = True
        both.say("one")
        both.say("two")
        while not any("is away" in text for text in both.said):  # noqa: ASYNC110 - a list has no event
            await trio.sleep(0.01)
        both.engine.away = False
        await both.empty()
        assert both.seen() == ["one", "two"]


async def test_a_second_view_that_lacks_what_was_forgotten_goes_on(tmp_path):
    """A view that was away for longer than the engine keeps the log would never show anything new."""
    async with pair(tmp_path) as both:
        async with both.viewing():
            both.say("one")
            await both.empty()
        both.engine.log.clear()
        both.engine.age += 1
        other = new_home(tmp_path / "other")
        late = Pair(both.engine, both.worker, other, both.writer, both.shipper, both.said, both.outbox, both.number)
        async with late.viewing():
            late.say("two")
            await late.empty()
        with closing(connect(other.database, readonly=True)) as connection:
            applied = connection.execute("SELECT max(applied) FROM origin").fetchone()[0]
        assert applied == late.number - 1


async def test_a_full_outbox_holds_up_its_writers_until_there_is_room(tmp_path, monkeypatch):
    """A view that is away for days would fill the disk of every worker."""
    monkeypatch.setattr("quaero_cli.cluster.bound.LOOK_INTERVAL", 0.01)
    said: list[str] = []
    async with pair(tmp_path) as both:
        bound = Bound(both.worker.database, 1000, said.append)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bound.run)
            await bound.room()
            both.say("x" * 2000)
            while not bound.is_full:  # noqa: ASYNC110 - a look at the disk tells nobody
                await trio.sleep(0.01)
            async with both.viewing():
                await bound.room()
            nursery.cancel_scope.cancel()
    assert ["full" in said[0], "room again" in said[1]] == [True, True]


async def test_only_what_all_archives_have_is_forgotten(tmp_path):
    """The word of a view that keeps nothing for long would let the workers forget what the archive lacks yet."""
    async with pair(tmp_path, archives=("a", "b")) as both:
        other = new_home(tmp_path / "other")
        async with both.viewing("a"), both.viewing("free", other):
            both.say("one", "two")
            await both.shipper.wait_seen()
            assert both.shipper.is_heard
            assert outbox_load(both.worker.database)[0] > 0
        archive = new_home(tmp_path / "archive")
        async with both.viewing("b", archive):
            both.say("three")
            await both.shipper.wait_seen()
            assert outbox_load(both.worker.database)[0] > 0, "now the first one lacks the third"
            async with both.viewing("a"):
                await both.empty()


async def test_an_archive_that_is_away_is_named_before_jobs_wait(tmp_path, monkeypatch):
    """The disks of all workers would fill, and nobody would know for whom."""
    monkeypatch.setattr("quaero_cli.cluster.bound.LOOK_INTERVAL", 0.01)
    send, said = trio.open_memory_channel[str](10)
    async with pair(tmp_path, archives=("a", "b")) as both, both.viewing("a"):
        bound = Bound(both.worker.database, 10_000, send.send_nowait, missing=both.shipper.silent_archives)
        both.say("x")
        await both.shipper.wait_seen()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bound.run)
            both.say("x" * 6000)
            assert "the archive b is away): at 10000 bytes jobs will wait" in await said.receive()
            assert not bound.is_full
            both.say("x" * 6000)
            assert "is full" in await said.receive()
            assert bound.is_full
            nursery.cancel_scope.cancel()


async def test_what_is_left_of_a_machine_that_is_gone_is_shown(tmp_path, monkeypatch):
    """A new view of an old cluster would leave out all that began before the engine's log does."""
    monkeypatch.setattr(viewing, "HOLDERS_HEARD", 0.1)
    engine, home = MemoryEngine(), new_home(tmp_path)
    end = engine.connect()
    lines = [JobQueued(new_job("j1"), "default", NOW), JobClaimed("j1", "w1", 1, NOW), line("j1", "late")]
    engine.log.append(Shipment("gone", 7, 9, join_facts([encode_fact(each) for each in lines])))
    engine.gone = 6
    said, seen = [], trio.Event()
    token = trio.lowlevel.current_trio_token()
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            view = Viewing(home.database, end, end, lambda: token.run_sync_soon(seen.set), said.append)
            nursery.start_soon(view.run)
            await seen.wait()
            nursery.cancel_scope.cancel()
    with closing(connect(home.database, readonly=True)) as connection:
        assert connection.execute("SELECT message FROM log").fetchall() == [("late",)]


class _Full:
    """An engine's end that is full until there is room."""

    def __init__(self) -> None:
        self.room, self.refused, self.taken = False, trio.Event(), trio.open_memory_channel[Shipment](100)

    async def publish(self, shipment: Shipment) -> None:
        await trio.lowlevel.checkpoint()
        if not self.room:
            self.refused.set()
            raise EngineFull("no room")
        self.taken[0].send_nowait(shipment)


async def test_a_sender_that_was_put_back_does_not_insist_on_what_it_was_refused(tmp_path):
    """What no view can take in yet would take the little room that was made for what is missing before it."""
    async with pair(tmp_path, copies=False) as both:
        sink = both.shipper._sink = _Full()
        sink.room = True
        both.say("one")
        sent = await sink.taken[1].receive()
        while sent.last < 3:
            sent = await sink.taken[1].receive()
        sink.room = False
        both.say("two")
        await sink.refused.wait()
        with Outbox(both.worker.database) as outbox:
            assert outbox.first_of(sent.origin) == 1
        await both.engine.connect().announce([Mark(sent.origin, 0, gap=True)])
        while not any("sending again from number 1" in text for text in both.said):  # noqa: ASYNC110
            await trio.sleep(0.01)
        sink.room = True
        assert (await sink.taken[1].receive()).first == 1


async def test_what_was_deleted_before_any_view_had_read_it_is_sent_again(tmp_path):
    """Who makes room in a full engine would cost the first lines of every worker that the views do not know yet."""
    async with pair(tmp_path) as both:
        both.say("one")
        while not both.engine.log or both.engine.log[-1].last < 3:
            await both.engine.changed.wait()
        both.engine.forget(len(both.engine.log))
        both.say("two")
        while not both.engine.log:
            await both.engine.changed.wait()
        async with both.viewing():
            await both.empty()
            assert both.seen() == ["one", "two"]
