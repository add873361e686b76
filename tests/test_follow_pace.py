"""Following at the right pace: batches, deadlines, and looks that readers share."""

from contextlib import aclosing

import pytest
import trio
from following import collect, texts
from shells import PATIENCE
from stores import ended, line, start_job

from quaero_cli.model import Level, LogQuery
from quaero_cli.store import entries
from quaero_cli.stream.events import Logs
from quaero_cli.stream.follow import follow
from quaero_cli.stream.follower import Follower
from quaero_cli.stream.pace import CROWD, Pace
from quaero_cli.stream.wakeups import Wakeups


@pytest.mark.parametrize(
    ("sent_ago", "number", "size", "backlog", "due"),
    [
        (1.0, 1, 10, False, True),  # nothing was sent for a while: at once
        (0.05, 1, 10, False, False),  # gathers
        (0.05, 2000, 10, False, True),  # enough gathered
        (0.05, 3, 300_000, False, True),  # large enough
        (0.05, 3, 10, True, True),  # behind: no pauses
        (1.0, 0, 0, True, False),  # nothing to send
    ],
)
def test_entries_go_out_by_the_rules_of_the_wire(sent_ago, number, size, backlog, due):
    """Live when it is quiet, batched when it is not."""
    pace = Pace(0.15, 5.0, sent_at=99.99 - sent_ago, backlog=backlog)  # 99.9 and 100.05 are on the grid
    assert pace.entries_due(99.99, number, size) is due


def test_a_reader_sleeps_until_the_nearest_deadline():
    """An idle reader costs nothing but its ping; a held batch is not forgotten."""
    pace = Pace(0.15, 5.0, sent_at=100.0, status_at=99.9)
    assert pace.ready(100.1) == (False, 105.0)
    pace.held_entries = True
    assert pace.ready(100.01) == (False, pytest.approx(100.05))
    pace.held_entries, pace.held_progress = False, True
    assert pace.ready(100.0) == (False, 99.9 + 0.15)
    pace.held_progress, pace.held_counts = False, True
    assert pace.ready(99.95) == (False, 100.0), "counts come with every second"
    assert [pace.counts_due(now) for now in (99.95, 100.0)] == [False, True]
    pace.held_entries = True
    assert pace.ready(101.0) == (True, pytest.approx(100.05))
    pace.sent_at = 101.0
    assert pace.ready(101.01) == (False, pytest.approx(101.1)), "counts that are due wait for the entries before them"
    pace.backlog = True
    assert pace.ready(100.0)[0] is True
    assert Pace(0.15, None, sent_at=100.0).ready(100.0) == (False, float("inf"))


def test_wake_ups_of_a_busy_job_are_gathered():
    """A job that commits a hundred times a second would be looked at as often, by each of its readers."""
    pace = Pace(0.15, 5.0)
    assert pace.look_at(100.003) == 100.003
    for held in ("held_entries", "held_progress", "held_counts"):
        pace = Pace(0.15, 5.0, looked_at=100.0)
        setattr(pace, held, True)
        assert pace.look_at(100.003) == pytest.approx(100.025)
        assert pace.look_at(100.024) == pytest.approx(100.025)
        assert pace.look_at(100.003, CROWD + 1) == pytest.approx(100.05)
    assert Pace(0.15, 5.0, sent_at=100.0).look_at(100.003) == pytest.approx(100.025)
    assert Pace(0.15, 5.0, sent_at=99.0).look_at(100.003) == 100.003
    assert Pace(0.0, None, held_entries=True).look_at(7.0) == 7.0


async def test_readers_at_the_same_place_share_their_looks(home, scribe, monkeypatch):
    """A thousand browsers on one job must not cost a thousand reads after each commit."""
    from quaero_cli.store.reader import Reader

    attempt = start_job(home, "aaaa")
    wakeups = Wakeups(home.wake, home.database)
    looks, number = [], 0
    real = Reader.look_after

    def counted(self, scope, jobs, places, limit, *, has_more):
        looks.append(places)
        return real(self, scope, jobs, places, limit, has_more=has_more)

    monkeypatch.setattr(Reader, "look_after", counted)
    seen = [[] for _ in range(20)]
    begun, told = trio.Event(), trio.Event()

    async def read(into):
        async with aclosing(follow(home.database, wakeups, LogQuery(("aaaa",)), after=0)) as stream:
            async for event in stream:
                into.append(event)
                if all(len(events) >= 2 for events in seen):
                    begun.set()
                if all(len(texts(events)) == number for events in seen):
                    told.set()

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            for into in seen:
                nursery.start_soon(read, into)
            await begun.wait()
            for number in range(1, 11):
                told = trio.Event()
                scribe.write([line("aaaa", str(number))])
                wakeups.set()
                await told.wait()
            scribe.write(ended("aaaa", attempt))
            wakeups.set()
    assert all(texts(events) == [str(n) for n in range(1, 11)] for events in seen)
    assert len(looks) < 20 * 11 / 3


async def test_large_first_entries_come_in_batches(home, scribe):
    """5,000 long lines must not be one event of 20 MB."""
    attempt = start_job(home, "aaaa")
    scribe.write([*(line("aaaa", f"{n} " + "x" * 30_000) for n in range(40)), *ended("aaaa", attempt)])
    events = await collect(home, Wakeups(home.wake, home.database), LogQuery(("aaaa",)), limit=40)
    batches = [event for event in events if isinstance(event, Logs)]
    assert [text.split()[0] for text in texts(events)] == [str(n) for n in range(40)]
    assert max(len(batch.view["logs"]) for batch in batches) == 8
    assert [batch.cursor for batch in batches] == [8, 16, 24, 32, 40]
    assert batches[1].view["meta"]["oldest_id"] == 9


async def test_what_gathers_between_looks_is_no_more_than_a_batch(home, scribe):
    """A job that writes long lines in bursts would be told in events of twice the size that was promised."""
    start_job(home, "aaaa")
    wakeups = Wakeups(home.wake, home.database)
    pace = Pace(interval=3600, ping_after=None)
    with wakeups.looks.reader() as reader:
        follower = Follower(home.database, wakeups.looks, reader, LogQuery(("aaaa",)), pace)
        await follower.begin(100, None)
        told = []
        for burst in range(3):
            scribe.write([line("aaaa", f"{burst} " + "x" * 30_000) for _ in range(8)])
            told += follower.look(trio.current_time())
    batches = [event for event in told if isinstance(event, Logs)]
    assert [[text[0] for text in texts([batch])] for batch in batches] == [["0"] * 8, ["1"] * 8]
    assert [(batch.cursor, batch.view["meta"]["total_count"]) for batch in batches] == [(8, 8), (16, 16)]


async def test_sparse_first_entries_come_in_one_batch(home, scribe, monkeypatch):
    """Who asks for the last errors of a long job would get them in many small pieces, or not at once."""
    monkeypatch.setattr(entries, "SCAN_LIMIT", 10)
    start_job(home, "aaaa")
    levels = [Level.ERROR if n % 100 == 0 else Level.INFO for n in range(1000)]
    scribe.write([line("aaaa", str(n), level=level) for n, level in enumerate(levels)])
    query = LogQuery(("aaaa",), level=Level.ERROR)
    events = await collect(home, Wakeups(home.wake, home.database), query, limit=5, live=False)
    first = next(event for event in events if isinstance(event, Logs))
    assert [entry["message"] for entry in first.view["logs"]] == ["500", "600", "700", "800", "900"]
    assert (first.cursor, first.view["meta"]["has_more"]) == (1000, True)
