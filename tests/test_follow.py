"""Following: every entry once, in order, states after their lines."""

from contextlib import aclosing

import pytest
import trio
from following import collect, texts
from shells import PATIENCE
from stores import NOW, ended, line, start_job

from quaero_cli.errors import NotFoundError
from quaero_cli.model import Level, LogQuery, Status, StepChanged, WorkerChanged
from quaero_cli.stream.events import Ended, Logs, Ping, StatusChange
from quaero_cli.stream.follow import follow
from quaero_cli.stream.wakeups import Wakeups


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
