"""Readers that go on as one: each is told everything once, in order, whoever comes, goes, leads or lags."""

import random
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing
from stores import ended, line, start_job

from quaero_cli.model import Level, LogQuery, Status, StepChanged
from quaero_cli.stream.crowd import Told
from quaero_cli.stream.events import Ended, Logs, Ping, StatusChange, StreamEvent
from quaero_cli.stream.follow import follow
from quaero_cli.stream.wakeups import Wakeups

PATIENCE = 60.0
JOB = "aaaa"


@dataclass(eq=False)
class Reader:
    """One reader: what it was told, and how it came. Takes what it is offered while `willing`."""

    willing: bool = True
    told: list[StreamEvent] = field(default_factory=list)
    offers: list[Told] = field(default_factory=list)
    settled: int = 0
    room: trio.Event = field(default_factory=trio.Event)  # until then it cannot settle
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    began: trio.Event = field(default_factory=trio.Event)
    news: trio.Event = field(default_factory=trio.Event)

    def __post_init__(self) -> None:
        self.room.set()

    def offer(self, told: Told) -> bool:
        self.offers.append(told)
        self._add(told.events)
        return self.willing

    async def settle(self) -> None:
        await self.room.wait()
        self.settled += 1

    def _add(self, events) -> None:
        self.told += events
        self.news.set()
        self.news = trio.Event()

    async def read(self, home, wakeups, query=None, **options) -> None:
        query = query or LogQuery((JOB,))
        with self.scope:
            async with aclosing(
                follow(home.database, wakeups, query, outlet=self, batch_interval=0.0, **options)
            ) as events:
                async for event in events:
                    self._add([event])
                    if isinstance(event, Logs):
                        self.began.set()

    async def until(self, number: int) -> None:
        while len(self.texts()) < number:
            await self.news.wait()

    def texts(self) -> list[str]:
        return [entry["message"] for event in self.told if isinstance(event, Logs) for entry in event.view["logs"]]


@pytest.fixture
def wakeups(home):
    return Wakeups(home.wake, home.database)


async def _begin(nursery, home, wakeups, readers, **options) -> None:
    for reader in readers:
        nursery.start_soon(lambda reader=reader: reader.read(home, wakeups, **options))
    for reader in readers:
        await reader.began.wait()
    await trio.testing.wait_all_tasks_blocked()


async def _say(scribe, wakeups, readers, *numbers) -> None:
    """Log one line a number, each a commit, and wait until all have been told it."""
    for number in numbers:
        scribe.write([line(JOB, str(number))])
        wakeups.set()
        for reader in readers:
            await reader.until(number)


def _exact(reader, last, first=1) -> bool:
    return reader.texts() == [str(number) for number in range(first, last + 1)] and isinstance(reader.told[-1], Ended)


async def test_all_are_handed_the_very_same(home, scribe, wakeups):
    """A thousand readers would cost a thousand encodings, or one of them would miss a line or the end."""
    attempt = start_job(home, JOB)
    readers = [Reader() for _ in range(120)]
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            await _begin(nursery, home, wakeups, readers)
            await _say(scribe, wakeups, readers, *range(1, 6))
            scribe.write(ended(JOB, attempt))
            wakeups.set()
    assert all(_exact(reader, 5) for reader in readers)
    assert all(reader.offers[-1] is readers[0].offers[-1] for reader in readers)
    assert wakeups.looks.lookers == 0


async def test_one_that_is_held_up_for_a_moment_is_handed_what_it_missed(home, scribe, wakeups):
    """A browser that is busy for a moment would cost the server as much as twenty that are not, or lose lines."""
    attempt = start_job(home, JOB)
    quick, slow = [Reader() for _ in range(3)], Reader(willing=False)
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            await _begin(nursery, home, wakeups, [*quick, slow])
            slow.room = trio.Event()
            await _say(scribe, wakeups, quick, *range(1, 4))
            assert len(slow.texts()) <= 1
            slow.room.set()
            await slow.until(3)
            slow.willing = True
            await _say(scribe, wakeups, [*quick, slow], *range(4, 8))
            scribe.write(ended(JOB, attempt))
            wakeups.set()
    assert all(_exact(reader, 7) for reader in [*quick, slow])
    assert slow.settled > 0
    assert all(reader.settled == 0 for reader in quick)


async def test_one_that_is_too_far_behind_goes_on_alone_and_comes_back(home, scribe, wakeups):
    """A slow browser would hold up the others, fill the memory with what it has not taken, or get a line twice."""
    attempt = start_job(home, JOB)
    quick, slow = [Reader() for _ in range(3)], Reader(willing=False)
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            await _begin(nursery, home, wakeups, [*quick, slow])
            slow.room = trio.Event()
            await _say(scribe, wakeups, quick, *range(1, 31))
            assert len(slow.texts()) <= 1
            slow.willing = True
            slow.room.set()
            await slow.until(30)
            await trio.testing.wait_all_tasks_blocked()
            assert len(slow.offers) < len(quick[0].offers), "the rest it read by itself"
            last = 30
            while len(slow.offers) < 2:  # it comes back: when, depends on how soon its own reading is over
                last += 1
                await _say(scribe, wakeups, [*quick, slow], last)
            scribe.write(ended(JOB, attempt))
            wakeups.set()
    assert all(_exact(reader, last) for reader in [*quick, slow])


async def test_when_the_one_that_leads_is_cut_off_another_leads(home, scribe, wakeups):
    """One browser that is closed would silence all the others."""
    attempt = start_job(home, JOB)
    readers = [Reader() for _ in range(6)]
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            await _begin(nursery, home, wakeups, readers)
            for number in range(1, 6):
                await _say(scribe, wakeups, readers[number - 1 :], number)
                readers[number - 1].scope.cancel()
            await _say(scribe, wakeups, readers[5:], 6)
            scribe.write(ended(JOB, attempt))
            wakeups.set()
    assert _exact(readers[5], 6)
    assert wakeups.looks.lookers == 0


async def test_each_is_pinged_after_its_own_silence(home, wakeups):
    """A proxy would close the stream of a quiet job."""
    start_job(home, JOB)
    readers = [Reader() for _ in range(3)]
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            await _begin(nursery, home, wakeups, readers, ping_after=0.1)
            for reader in readers:
                while len([event for event in reader.told if isinstance(event, Ping)]) < 2:
                    await reader.news.wait()
            nursery.cancel_scope.cancel()


async def test_who_comes_and_goes_at_random_is_told_each_line_once(home, scribe, wakeups):
    """In the long run some order of joining, lagging and leaving would lose a line or tell it twice."""
    attempt = start_job(home, JOB)
    dice = random.Random(7)
    readers = [Reader() for _ in range(20)]
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            for number in range(1, 201):
                facts = [line(JOB, str(number), level=dice.choice([Level.INFO, Level.ERROR]))]
                if number % 40 == 0:
                    facts.append(StepChanged(JOB, "work", Status.RUNNING, number, attempt=number))
                scribe.write(facts)
                wakeups.set()
                if number <= len(readers):
                    query = LogQuery((JOB,), level=Level.INFO)
                    nursery.start_soon(
                        lambda query=query, n=number: readers[n - 1].read(home, wakeups, query, after=0)
                    )
                dice.choice(readers).willing = dice.random() < 0.7
                held = dice.choice(readers)
                if held.room.is_set():
                    held.room = trio.Event()
                else:
                    held.room.set()
                for _ in range(dice.randrange(4)):
                    await trio.lowlevel.checkpoint()
            scribe.write(ended(JOB, attempt))
            wakeups.set()
            for reader in readers:
                reader.room.set()
    assert all(_exact(reader, 200) for reader in readers)
    for reader in readers:
        final = [event for event in reader.told if isinstance(event, StatusChange)][-1]
        assert final.view["job"]["status"] == "completed"
        assert [event.cursor for event in reader.told] == sorted(event.cursor for event in reader.told)
