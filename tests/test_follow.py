"""Following: every entry once, in order, states after their lines, at the right pace."""

import subprocess
import sys
from contextlib import aclosing, closing

import pytest
import trio
from shells import PATIENCE
from stores import NOW, Scribe, ended, line, new_home, start_job

from quaero_cli.errors import NotFoundError
from quaero_cli.model import Level, LogQuery, Status, StepChanged, WorkerChanged
from quaero_cli.store import entries
from quaero_cli.stream.events import Ended, Logs, Ping, StatusChange
from quaero_cli.stream.follow import follow
from quaero_cli.stream.follower import Follower
from quaero_cli.stream.nudge import nudge
from quaero_cli.stream.pace import CROWD, Pace
from quaero_cli.stream.wakeups import Wakeups


@pytest.fixture
def home(tmp_path):
    return new_home(tmp_path)


@pytest.fixture
def scribe(home):
    with closing(Scribe(home)) as made:
        yield made


def texts(events):
    return [entry["message"] for event in events if isinstance(event, Logs) for entry in event.view["logs"]]


async def collect(home, wakeups, query, **kwargs):
    async with aclosing(follow(home.database, wakeups, query, **kwargs)) as events:
        return [event async for event in events]


async def test_a_finished_job_is_told_in_the_order_of_the_wire(home, scribe):
    """Status, entries, end: what `tail` and the viewer show of an old job."""
    attempt = start_job(home, "aaaa")
    scribe.write([*(line("aaaa", str(n)) for n in range(250)), *ended("aaaa", attempt)])
    wakeups = Wakeups(home.wake, home.database)
    events = await collect(home, wakeups, LogQuery(("aaaa",)), limit=100)
    assert [type(event) for event in events] == [StatusChange, Logs, Ended]
    assert texts(events) == [str(n) for n in range(150, 250)]
    assert events[1].view["meta"]["has_more"] is True
    assert (events[2].status, events[2].counts["info"], events[2].cursor) == ("completed", 250, 250)


@pytest.mark.parametrize("after", [0, 1, 4999, 5000])
async def test_a_backlog_is_told_whole_from_any_cursor(home, scribe, after):
    """A browser that was away for an hour gets all of it, without pauses."""
    attempt = start_job(home, "aaaa")
    scribe.write([*(line("aaaa", str(n)) for n in range(1, 5001)), *ended("aaaa", attempt)])
    events = await collect(home, Wakeups(home.wake, home.database), LogQuery(("aaaa",)), after=after)
    assert texts(events) == [str(n) for n in range(after + 1, 5001)]
    assert isinstance(events[-1], Ended)


async def test_two_readers_see_every_entry_once_and_states_after_their_lines(home, scribe):
    """A finished status must not overtake the last line, for nobody."""
    attempt = start_job(home, "aaaa")
    wakeups = Wakeups(home.wake, home.database)
    seen = {"fast": [], "slow": []}

    async def read(name):
        async with aclosing(follow(home.database, wakeups, LogQuery(("aaaa",)), after=0)) as events:
            async for event in events:
                seen[name].append(event)
                if name == "slow":
                    await trio.sleep(0.02)

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read, "fast")
            nursery.start_soon(read, "slow")
            for batch in range(40):
                facts = [line("aaaa", str(batch * 25 + n)) for n in range(25)]
                if batch == 20:
                    facts.append(StepChanged("aaaa", "work", Status.RUNNING, NOW))
                if batch == 39:
                    facts += ended("aaaa", attempt)
                scribe.write(facts)
                wakeups.set()
                await trio.sleep(0.001)
    for events in seen.values():
        assert texts(events) == [str(n) for n in range(1000)]
        lines = 0
        for event in events:
            if isinstance(event, Logs):
                lines += len(event.view["logs"])
            elif isinstance(event, StatusChange):
                states = (event.view["job"]["status"], event.view["steps"][0]["status"])
                assert states != ("running", "running") or lines >= 525
                assert states[0] != "completed" or lines == 1000
        assert [event.cursor for event in events] == sorted(event.cursor for event in events)
        assert isinstance(events[-1], Ended)


async def test_several_jobs_share_one_stream_and_end_one_by_one(home, scribe):
    """The viewer follows all its jobs over one connection."""
    first, second = start_job(home, "aaaa"), start_job(home, "bbbb")
    wakeups = Wakeups(home.wake, home.database)
    events = []
    one_ended = trio.Event()

    async def read():
        async with aclosing(follow(home.database, wakeups, LogQuery(("aaaa", "bbbb")), after=0)) as stream:
            async for event in stream:
                events.append(event)
                if isinstance(event, Ended):
                    one_ended.set()

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            scribe.write([line(job, f"{job}{n}") for n in range(50) for job in ("aaaa", "bbbb")])
            scribe.write(ended("bbbb", second))
            wakeups.set()
            await one_ended.wait()
            scribe.write([line("aaaa", "late"), *ended("aaaa", first, Status.FAILED)])
            wakeups.set()
    assert texts(events) == [f"{job}{n}" for n in range(50) for job in ("aaaa", "bbbb")] + ["late"]
    ends = [(event.job_id, event.status) for event in events if isinstance(event, Ended)]
    assert ends == [("bbbb", "completed"), ("aaaa", "failed")]


async def test_filtered_entries_move_the_cursor(home, scribe):
    """A reader of errors that reconnects must not have a million debug lines scanned again."""
    start_job(home, "aaaa")
    scribe.write([line("aaaa", "seen", level=Level.ERROR)])
    wakeups = Wakeups(home.wake, home.database)
    query = LogQuery(("aaaa",), level=Level.ERROR)
    async with aclosing(follow(home.database, wakeups, query, ping_after=0.2)) as events:
        assert isinstance(await anext(events), StatusChange)
        assert texts([await anext(events)]) == ["seen"]
        scribe.write([line("aaaa", "unseen", level=Level.DEBUG)] * 30)
        wakeups.set()
        with trio.fail_after(PATIENCE):
            async for event in events:
                if isinstance(event, Ping) and event.cursor == 31:
                    break


async def test_what_is_stored_can_be_told_without_waiting(home, scribe):
    """`tail --no-follow` leaves when it has printed what is there."""
    start_job(home, "aaaa")
    scribe.write([line("aaaa", str(n)) for n in range(3000)])
    with trio.fail_after(PATIENCE):
        events = await collect(home, Wakeups(home.wake, home.database), LogQuery(("aaaa",)), after=0, live=False)
    assert len(texts(events)) == 3000


async def test_an_unknown_job_is_an_error_before_the_first_event(home):
    """The server answers 404, `tail` exits with 4: nothing was opened."""
    with pytest.raises(NotFoundError, match="no job zzzz"):
        await collect(home, Wakeups(home.wake, home.database), LogQuery(("zzzz",)))


async def test_worker_states_alone_are_told_as_progress(home, scribe):
    """The tree's counts move although nothing is logged."""
    start_job(home, "aaaa")
    wakeups = Wakeups(home.wake, home.database)
    async with aclosing(follow(home.database, wakeups, LogQuery(("aaaa",)))) as events:
        assert isinstance(await anext(events), StatusChange)
        assert isinstance(await anext(events), Logs)
        scribe.write([WorkerChanged("aaaa", "work", 1, Status.PENDING, NOW)])
        wakeups.set()
        with trio.fail_after(PATIENCE):
            event = await anext(events)
        assert isinstance(event, StatusChange)
        assert event.view["steps"][0]["workers"]["pending"] == 1


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


WRITE = (
    "import sys, pathlib\n"
    "sys.path.insert(0, sys.argv[2])\n"
    "from contextlib import closing\n"
    "from stores import Scribe, line\n"
    "from quaero_cli.settings import Settings\n"
    "from quaero_cli.stream.nudge import nudge\n"
    "home = Settings(home=pathlib.Path(sys.argv[1]))\n"
    "with closing(Scribe(home)) as scribe:\n"
    "    sys.stdin.readline()\n"
    "    scribe.write([line('aaaa', 'from elsewhere')])\n"
    "    if sys.argv[3] == 'nudge': nudge(home.wake)\n"
    "    sys.stdin.readline()\n"
)


@pytest.mark.parametrize("how", ["nudge", "silent"])
async def test_a_commit_of_another_process_is_seen(home, how):
    """`tail` in a second shell is live; a lost datagram costs one slow look, never a line."""
    start_job(home, "aaaa")
    wakeups = Wakeups(home.wake, home.database)
    folder = __file__.rpartition("/")[0]
    child = subprocess.Popen([sys.executable, "-c", WRITE, str(home.home), folder, how], stdin=subprocess.PIPE)
    assert child.stdin is not None
    async with trio.open_nursery() as nursery:
        await nursery.start(wakeups.run)
        # No ping within the test's patience: a reader that only looked then would hang.
        query = LogQuery(("aaaa",))
        async with aclosing(follow(home.database, wakeups, query, ping_after=2 * PATIENCE)) as events:
            assert isinstance(await anext(events), StatusChange)
            assert isinstance(await anext(events), Logs)
            child.stdin.write(b"go\n")
            child.stdin.flush()
            with trio.fail_after(PATIENCE):
                async for event in events:
                    if isinstance(event, Logs):
                        break
            assert texts([event]) == ["from elsewhere"]
        nursery.cancel_scope.cancel()
    child.communicate(b"done\n")


async def test_sockets_of_dead_processes_are_cleared_away(home):
    """A data directory must not fill with sockets of processes that were killed."""
    import socket

    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    dead.bind(str(home.wake / "dead"))
    dead.close()
    wakeups = Wakeups(home.wake, home.database)
    async with trio.open_nursery() as nursery:
        await nursery.start(wakeups.run)
        waiter = wakeups.waiter()
        nudge(home.wake)
        with trio.fail_after(PATIENCE):
            await waiter.wait()
        assert not (home.wake / "dead").exists()
        assert len(list(home.wake.iterdir())) == 1
        nursery.cancel_scope.cancel()
    assert list(home.wake.iterdir()) == []


async def test_a_long_data_directory_path_works(tmp_path):
    """A Unix socket's address is short; a home deep in a tree must be live all the same."""
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    home = new_home(deep)
    wakeups = Wakeups(home.wake, home.database)
    async with trio.open_nursery() as nursery:
        await nursery.start(wakeups.run)
        assert len(list(home.wake.iterdir())) == 1
        waiter = wakeups.waiter()
        nudge(home.wake)
        with trio.fail_after(PATIENCE):
            await waiter.wait()
        nursery.cancel_scope.cancel()
