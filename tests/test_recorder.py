"""The recorder: everything accepted is stored, in order, whatever happens around it."""

from contextlib import closing
from functools import partial

import pytest
import trio
import trio.testing
from stores import NOW, line, new_home, start_job

from quaero_cli import recorder as recorder_module
from quaero_cli.errors import StoreError
from quaero_cli.model import JobChanged, LogLines, Status
from quaero_cli.recorder import Recorder
from quaero_cli.store.engine import connect
from quaero_cli.store.writer import Writer


def messages(home):
    with closing(connect(home.database, readonly=True)) as connection:
        return [int(row[0]) for row in connection.execute("SELECT message FROM log ORDER BY id")]


@pytest.fixture
def home(tmp_path):
    made = new_home(tmp_path)
    start_job(made, "aaaa")
    return made


@pytest.mark.parametrize("end", ["cancelled", "raises"])
async def test_what_was_accepted_is_stored_before_the_recorder_dies(home, end):
    """Lines that a failing job wrote last are those that people need."""
    with pytest.RaisesGroup(RuntimeError) if end == "raises" else _nothing():
        async with trio.open_nursery() as nursery:
            recorder = Recorder(Writer(home.database), lambda: None)
            await nursery.start(recorder.run)
            for number in range(500):
                recorder.emit(line("aaaa", str(number)))
            if end == "raises":
                raise RuntimeError
            nursery.cancel_scope.cancel()
    assert messages(home) == list(range(500))


async def test_many_lines_in_one_fact_count_for_the_bounds_of_memory(home, monkeypatch):
    """A child that prints empty lines only would fill the memory without a byte of text."""
    monkeypatch.setattr(recorder_module, "HARD_BYTES", 1000)
    recorder = Recorder(Writer(home.database), lambda: None)
    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.run)
        recorder.emit(line("aaaa", "1"))
        recorder.emit(LogLines("aaaa", "work", None, NOW, 20, ("2",) * 20, "step", "stdout"))
        assert len(messages(home)) == 21, "past the hard limit the caller writes by itself"
        nursery.cancel_scope.cancel()


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


async def test_readers_are_woken_after_the_commit_only(home):
    """A line that was shown and then lost would break the promise."""
    seen = []
    recorder = Recorder(Writer(home.database), lambda: seen.append(len(messages(home))))
    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.run)
        for number in range(3):
            recorder.emit(line("aaaa", str(number)))
            await recorder.flush()
            assert messages(home) == list(range(number + 1))
        nursery.cancel_scope.cancel()
    assert seen == [1, 2, 3]


async def test_facts_that_come_quickly_gather_until_somebody_waits(home, monkeypatch):
    """A commit for each page would take a third of a crawl's time; the end of a job would be told late."""
    monkeypatch.setattr(recorder_module, "GATHER_SECONDS", 3600.0)
    monkeypatch.setattr(recorder_module, "_QUICKLY", 0)
    stored, first, token = [], trio.Event(), trio.lowlevel.current_trio_token()

    def on_commit():
        stored.append(len(messages(home)))
        token.run_sync_soon(first.set)

    recorder = Recorder(Writer(home.database), on_commit)
    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.run)
        recorder.emit(line("aaaa", "0"))
        await first.wait()
        for number in range(1, 10):
            recorder.emit(line("aaaa", str(number)))
            await trio.lowlevel.checkpoint()
        recorder.emit(JobChanged("aaaa", Status.COMPLETED, NOW, 1))
        await recorder.flush()
        assert stored == [1, 10]
        for number in range(10, 13):
            recorder.emit(line("aaaa", str(number)))
            await recorder.flush()
        nursery.cancel_scope.cancel()
    assert messages(home) == list(range(13))


async def test_entries_for_others_do_not_gather_for_long(home, monkeypatch):
    """What a worker of a cluster says would be seen ten times as late as it could be."""
    monkeypatch.setattr(recorder_module, "GATHER_SECONDS", 3600.0)
    monkeypatch.setattr(recorder_module, "_QUICKLY", 0)
    committed, token = trio.Event(), trio.lowlevel.current_trio_token()
    recorder = Recorder(Writer(home.database), lambda: token.run_sync_soon(committed.set), brisk=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.run)
        for number in range(5):
            committed = trio.Event()
            recorder.emit(line("aaaa", str(number)))
            await committed.wait()
        nursery.cancel_scope.cancel()
    assert messages(home) == list(range(5))


async def test_entries_for_others_may_come_early_a_few_times(home, monkeypatch):
    """Lines of tasks that log in step would wait for a whole interval whenever a batch began in the midst of them."""
    monkeypatch.setattr(recorder_module, "BRISK_SECONDS", 3600.0)
    monkeypatch.setattr(recorder_module, "_QUICKLY", 0)
    stored, committed, token = [], trio.Event(), trio.lowlevel.current_trio_token()

    def on_commit():
        stored.append(len(messages(home)))
        token.run_sync_soon(committed.set)

    recorder = Recorder(Writer(home.database), on_commit, brisk=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.run)
        for number in range(1 + recorder_module._EARLY):
            committed = trio.Event()
            recorder.emit(line("aaaa", str(number)))
            await committed.wait()
        early = len(stored)
        for number in range(early, early + 5):
            recorder.emit(line("aaaa", str(number)))
            await trio.lowlevel.checkpoint()
        await recorder.flush()
        nursery.cancel_scope.cancel()
    assert stored == [*range(1, early + 1), early + 5]


async def test_a_sync_caller_that_never_yields_writes_by_itself_and_keeps_the_order(home, monkeypatch):
    """A tight loop must neither eat all memory nor overtake the writer's thread."""
    monkeypatch.setattr(recorder_module, "HARD_FACTS", 300)
    monkeypatch.setattr(recorder_module, "BATCH_FACTS", 70)
    recorder = Recorder(Writer(home.database), lambda: None)
    most = 0
    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.run)
        for number in range(5000):
            recorder.emit(line("aaaa", str(number)))
            most = max(most, len(recorder._facts))
            if number % 1000 == 999:
                await trio.lowlevel.checkpoint()  # let the writer's thread begin, too
        await recorder.flush()
        nursery.cancel_scope.cancel()
    assert messages(home) == list(range(5000))
    assert most <= 300


async def test_many_tasks_and_threads_lose_nothing_and_keep_their_own_order(home, monkeypatch):
    """301 workers, some in threads: every line once, each worker's lines in its order."""
    monkeypatch.setattr(recorder_module, "SOFT_FACTS", 200)
    monkeypatch.setattr(recorder_module, "HARD_FACTS", 1000)
    recorder = Recorder(Writer(home.database), lambda: None)

    async def task(worker):
        for number in range(20):
            recorder.emit(line("aaaa", str(worker * 1000 + number), worker=worker))
            await recorder.room()

    def thread(worker):
        for number in range(200):
            recorder.emit(line("aaaa", str(worker * 1000 + number), worker=worker))

    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.run)
        async with trio.open_nursery() as workers:
            for worker in range(1, 302):
                workers.start_soon(task, worker)
            for worker in range(400, 404):
                workers.start_soon(partial(trio.to_thread.run_sync, thread, worker))
        await recorder.flush()
        nursery.cancel_scope.cancel()
    stored = messages(home)
    assert len(stored) == len(set(stored)) == 301 * 20 + 4 * 200
    for worker in (*range(1, 302), *range(400, 404)):
        mine = [number for number in stored if number // 1000 == worker]
        assert mine == sorted(mine)


async def test_a_batch_that_fails_once_is_stored_once(home):
    """A passing error of the disk costs a retry, not a line."""

    class Failing(Writer):
        failures = 2

        def apply(self, first, facts):
            super().apply(first, facts)
            if self.failures:
                # As after an fsync that reports an error: the commit is there all the same.
                self.failures -= 1
                raise self._connection.OperationalError("disk I/O error")

    async with trio.open_nursery() as nursery:
        recorder = Recorder(Failing(home.database), lambda: None)
        await nursery.start(recorder.run)
        for number in range(10):
            recorder.emit(line("aaaa", str(number)))
        await recorder.flush()
        nursery.cancel_scope.cancel()
    assert messages(home) == list(range(10))


async def test_a_store_that_stays_broken_is_one_error_and_accepts_nothing_more(home):
    """A full disk ends the run with a clear message; what is stored stays."""

    class Full(Writer):
        def apply(self, first, facts):
            raise self._connection.OperationalError("database or disk is full")

    recorder = Recorder(Full(home.database), lambda: None)
    with pytest.RaisesGroup(pytest.RaisesExc(StoreError, match="disk is full")):
        async with trio.open_nursery() as nursery:
            await nursery.start(recorder.run)
            recorder.emit(line("aaaa", "1"))
            await trio.sleep_forever()
    with pytest.raises(StoreError, match="disk is full") as caught:
        recorder.emit(line("aaaa", "2"))
    assert "free space" in (caught.value.hint or "")


async def test_a_recorder_that_may_wait_outlives_a_full_disk(home, monkeypatch):
    """A server would end with the job that filled the disk, forget what it took, or fill the memory instead."""
    monkeypatch.setattr(recorder_module, "HARD_FACTS", 50)
    monkeypatch.setattr(recorder_module, "RETRY_AFTER", 0.001)

    class Full(Writer):
        full = True

        def apply(self, first, facts):
            if self.full:
                raise self._connection.OperationalError("database or disk is full")
            super().apply(first, facts)

    told = trio.open_memory_channel(10)
    writer = Full(home.database)
    recorder = Recorder(writer, lambda: None, lambda *words: told[0].send_nowait(words))
    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.run)
        recorder.emit(line("aaaa", "0"))
        error, lost = await told[1].receive()
        assert "disk is full" in str(error)
        assert not lost
        for number in range(1, 80):
            recorder.emit(line("aaaa", str(number)))
        recorder.emit(LogLines("aaaa", "work", None, NOW, 20, ("x",) * 20, "step", "stdout"))
        recorder.emit(line("aaaa", "80", step=None))  # what the runner says is not lost
        writer.full = False
        assert await told[1].receive() == (None, 30 + 20)
        await recorder.flush()
        recorder.emit(line("aaaa", "81"))
        await recorder.flush()
        nursery.cancel_scope.cancel()
    assert messages(home) == [*range(50), 80, 81]


async def test_a_recorder_that_waits_for_room_ends_when_it_must(home):
    """A server that is stopped while the disk is full would wait for room that nobody makes."""

    class Full(Writer):
        def apply(self, first, facts):
            raise self._connection.OperationalError("database or disk is full")

    told = trio.Event()
    recorder = Recorder(Full(home.database), lambda: None, lambda *_: told.set())
    with pytest.RaisesGroup(pytest.RaisesExc(StoreError, match="disk is full")):
        async with trio.open_nursery() as nursery:
            await nursery.start(recorder.run)
            recorder.emit(line("aaaa", "1"))
            await told.wait()
            recorder.lose_patience()
            await trio.sleep_forever()


async def test_callers_wait_while_the_recorder_is_behind(home, monkeypatch):
    """Backpressure goes to the source: a child's pipe is not read while the disk is slow."""
    monkeypatch.setattr(recorder_module, "SOFT_FACTS", 10)
    recorder = Recorder(Writer(home.database), lambda: None)
    for number in range(10):
        recorder.emit(line("aaaa", str(number)))
    async with trio.open_nursery() as nursery:
        passed = trio.Event()

        async def wait():
            await recorder.room()
            passed.set()

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert not passed.is_set()
        await nursery.start(recorder.run)
        await passed.wait()
        nursery.cancel_scope.cancel()


async def test_large_fields_count_as_large_messages_do(home):
    """A job that logs whole pages as fields, and never yields, would fill the memory long before it is held up."""
    with closing(Writer(home.database)) as writer:
        recorder = Recorder(writer, lambda: None)
        page = "x" * (recorder_module.SOFT_BYTES // 4)
        for number in range(5):
            recorder.emit(line("aaaa", str(number))._replace(fields={"page": page}))
        with trio.move_on_after(0) as limit:
            await recorder.room()
        assert limit.cancelled_caught
        recorder._drain()
        assert messages(home) == [0]  # one such line fills a transaction
