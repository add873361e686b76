"""Facts in, one transaction a batch: numbers without holes, counters that equal a recount, states that stay."""

import os
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from stores import NOW, ended, line, new_home, start_job, write_once

from quaero_cli.errors import StoreError
from quaero_cli.model import (
    Document,
    DocumentFound,
    Level,
    LogLine,
    LogLines,
    LogQuery,
    Status,
    StepChanged,
    WorkerChanged,
)
from quaero_cli.store.documents import DocumentQuery
from quaero_cli.store.engine import OperationalError, connect
from quaero_cli.store.fresh import FreshRows
from quaero_cli.store.reader import open_reader
from quaero_cli.store.writer import Writer


def rows(home, sql):
    with closing(connect(home.database, readonly=True)) as connection:
        return connection.execute(sql).fetchall()


def test_numbers_have_no_holes_and_order_is_the_order_of_acceptance(tmp_path):
    """A reader recognises loss by a missing number, so none may be missing by itself."""
    home = new_home(tmp_path)
    start_job(home, "aaaa", steps=("one", "two"))
    start_job(home, "bbbb", steps=("one",))
    with closing(Writer(home.database)) as writer:
        first = 1
        for size in (1, 4, 5, 49, 50, 51, 499, 500, 501, 1111):
            batch = [
                line("aaaa" if n % 3 else "bbbb", f"{first + n}", step=("one" if n % 2 else None))
                for n in range(size)
            ]
            writer.apply(first, batch)
            first += size
    assert rows(home, "SELECT id, CAST(message AS INTEGER) FROM log ORDER BY id") == [(n, n) for n in range(1, first)]
    for job in (1, 2):
        lines = rows(home, f"SELECT job_line FROM log WHERE job = {job} ORDER BY id")
        assert [number for (number,) in lines] == list(range(1, len(lines) + 1))
        for condition in ("step IS NULL", "step IS NOT NULL"):
            numbers = rows(home, f"SELECT line_number FROM log WHERE job = {job} AND {condition} ORDER BY id")
            assert [number for (number,) in numbers] == list(range(1, len(numbers) + 1))


_ROWS = "SELECT * FROM log ORDER BY id"


@given(st.lists(st.one_of(st.lists(st.text(), min_size=1, max_size=9), st.text()), max_size=9))
@hypothesis_settings(max_examples=60, deadline=None)
def test_many_lines_in_one_fact_are_as_many_entries(tmp_path_factory, told):
    """What a child prints quickly would be numbered, counted or spelled in another way than what it prints slowly."""

    def store(facts):
        home = new_home(tmp_path_factory.mktemp("store"))
        start_job(home, "aaaa")
        write_once(home, facts)
        return rows(home, _ROWS), rows(home, "SELECT * FROM log_count"), rows(home, "SELECT entries FROM step")

    def one(text):
        return LogLine("aaaa", "work", 3, NOW, Level.INFO, text, "worker", "stdout", None)

    def many(texts):
        return LogLines("aaaa", "work", 3, NOW, Level.INFO, texts, "worker", "stdout")

    together = [one(each) if isinstance(each, str) else many(each) for each in told]
    apart = [one(text) for each in told for text in ([each] if isinstance(each, str) else each)]
    assert store(together) == store(apart)


def test_many_lines_of_the_service_have_no_place_in_a_step(tmp_path):
    """The service log would get numbers that nobody keeps."""
    home = new_home(tmp_path)
    write_once(home, [LogLines(None, None, None, NOW, Level.INFO, ("a", "b"), "", "x")])
    assert rows(home, "SELECT id, job, job_line, line_number, message FROM log") == [
        (1, 0, 1, None, "a"), (2, 0, 2, None, "b"),
    ]  # fmt: skip


def test_a_batch_that_is_stored_twice_is_stored_once(tmp_path):
    """A failed fsync may have committed: the retry must not show lines twice."""
    home = new_home(tmp_path)
    attempt = start_job(home, "aaaa")
    batch = [line("aaaa", "a"), line("aaaa", "b"), *ended("aaaa", attempt)]
    with closing(Writer(home.database)) as writer:
        writer.apply(1, batch[:1])
        writer.apply(1, batch)
        writer.reopen()
        writer.apply(1, batch)
        writer.apply(5, [line("aaaa", "c")])
    assert rows(home, "SELECT message FROM log ORDER BY id") == [("a",), ("b",), ("c",)]
    assert rows(home, "SELECT * FROM origin") == []


def test_a_disk_that_fails_after_the_commit_is_told_and_costs_no_line(tmp_path):
    """A worker's lines would be called stored when they are not, or be stored and sent twice."""
    home, fresh = new_home(tmp_path), FreshRows()
    start_job(home, "aaaa")
    with closing(Writer(home.database, ships=True, fresh=fresh, eager=True)) as writer:
        writer.apply(1, [line("aaaa", "a")])
        assert writer._sync is not None
        ends = os.pipe()
        os.dup2(ends[1], writer._sync._file)  # whatever a pipe takes, it is on no disk
        with pytest.raises(OperationalError, match="disk I/O error"):
            writer.apply(2, [line("aaaa", "b")])
        assert [row.last for row in fresh.after(1) or ()] == [2], "on its way while the disk writes"
        writer.reopen()
        writer.apply(2, [line("aaaa", "b")])
        for end in ends:
            os.close(end)
    assert rows(home, "SELECT message FROM log ORDER BY id") == [("a",), ("b",)]
    assert rows(home, "SELECT last FROM outbox ORDER BY id") == [(1,), (2,)]


def test_counters_equal_a_recount(tmp_path):
    """The counts that the viewer shows are these, never COUNT(*)."""
    home = new_home(tmp_path)
    start_job(home, "aaaa", steps=("one", "two"))
    facts = [line("aaaa", "x", step=("one", "two", None)[n % 3], level=list(Level)[n % 4]) for n in range(1000)] + [
        line(None, "service") for _ in range(7)
    ]
    write_once(home, facts)
    recount = rows(home, "SELECT job, coalesce(step, 0), level, count(*) FROM log GROUP BY 1, 2, 3")
    assert sorted(rows(home, "SELECT job, step, level, count FROM log_count")) == sorted(recount)
    assert rows(home, "SELECT entries, own_entries FROM job") == [(1000, 333)]
    assert rows(home, "SELECT entries FROM step ORDER BY key") == [(334,), (333,)]


def test_a_failed_batch_leaves_nothing(tmp_path):
    """Half a batch would be lines without their counts."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    with closing(Writer(home.database)) as writer:
        with pytest.raises(KeyError):
            writer.apply(1, [line("aaaa", "good"), line("nope", "bad")])
        assert rows(home, "SELECT count(*) FROM log") == [(0,)]
        writer.apply(1, [line("aaaa", "good")])
    assert rows(home, "SELECT id, message FROM log") == [(1, "good")]


def test_a_final_status_is_never_left(tmp_path):
    """A job that was cancelled must not come back to life."""
    home = new_home(tmp_path)
    attempt = start_job(home, "aaaa")
    write_once(home, ended("aaaa", attempt, Status.CANCELLED))
    write_once(home, [StepChanged("aaaa", "work", Status.RUNNING, NOW), *ended("aaaa", attempt)])
    with open_reader(home.database) as reader:
        view = reader.status("aaaa")
    assert (view["job"]["status"], view["steps"][0]["status"]) == ("cancelled", "cancelled")


def test_a_runner_that_lost_its_job_cannot_end_it(tmp_path):
    """The attempt fences: a late runner's `completed` does not count."""
    home = new_home(tmp_path)
    attempt = start_job(home, "aaaa")
    write_once(home, ended("aaaa", attempt + 1))
    with open_reader(home.database) as reader:
        assert reader.status("aaaa")["job"]["status"] == "running"


def test_workers_are_counted_by_state(tmp_path):
    """The progress text is made of these counts."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")

    def changed(number, status):
        return WorkerChanged("aaaa", "work", number, status, NOW, label=f"item {number}")

    facts = [changed(n, Status.PENDING) for n in range(1, 6)] + [changed(n, Status.RUNNING) for n in range(1, 5)]
    facts += [changed(1, Status.COMPLETED), changed(2, Status.FAILED), changed(3, Status.CANCELLED)]
    facts += [changed(1, Status.FAILED), changed(2, Status.RUNNING)]  # final is final
    write_once(home, facts)
    with open_reader(home.database) as reader:
        step = reader.status("aaaa")["steps"][0]
        labels = [(worker["name"], worker["status"], worker["label"]) for worker in reader.details("aaaa")["workers"]]
    assert step["workers"] == {"pending": 1, "running": 1, "completed": 1, "failed": 1, "cancelled": 1}
    assert step["progress_text"] == "1 pending, 1 running, 1 completed, 1 failed, 1 cancelled"
    assert step["progress"] == 60
    assert labels[0] == ("work-1", "completed", "item 1")


def test_attempts_begin_but_never_start_again(tmp_path):
    """A step that is tried again would lose the time since its start, or its number of attempts."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")

    def worker(status, attempt=1, **more):
        return WorkerChanged("aaaa", "work", 1, status, NOW + attempt * 1_000_000, attempt=attempt, **more)

    write_once(home, [StepChanged("aaaa", "work", Status.RUNNING, NOW)])
    facts = [StepChanged("aaaa", "work", Status.RUNNING, NOW + 5_000_000, attempt=2)]
    facts += [worker(Status.PENDING, label="x", item={"id": 1}), worker(Status.RUNNING), worker(Status.RUNNING, 2)]
    facts += [worker(Status.COMPLETED, 2, outputs={"size": 3})]
    with open_reader(home.database) as reader:
        before = reader.status("aaaa")["steps"][0]
    write_once(home, facts)
    with open_reader(home.database) as reader:
        found = reader.details("aaaa")
    step, worker_ = found["steps"][0], found["workers"][0]
    assert (before["attempt"], step["attempt"], step["started_at"]) == (1, 2, before["started_at"])
    assert (step["workers"]["running"], step["workers"]["completed"]) == (0, 1)
    assert (worker_["attempt"], worker_["item"], worker_["status"]) == (2, {"id": 1}, "completed")
    assert worker_["started_at"] < worker_["finished_at"]


def test_a_document_found_again_is_brought_up_to_date(tmp_path):
    """A second crawl must not double the collection."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")

    def found(title, at):
        text = Document("http://x/a", "http://x/a", title, "Text", "hash", 200, at, authors=("Ann",), tags=("t",))
        return DocumentFound("aaaa", text)

    write_once(home, [found("Old", 1_000_000), found("New", 2_000_000)])
    with open_reader(home.database) as reader:
        (one,) = reader.documents.find(DocumentQuery(), limit=9).documents
        whole = reader.documents.one(one["id"])
    assert (one["title"], one["first_seen"], one["last_seen"]) == (
        "New", "1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.000Z",
    )  # fmt: skip
    assert (whole["text"], whole["authors"], whole["tags"]) == ("Text", ["Ann"], ["t"])


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    st.text(),
    st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                                            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                                            max_leaves=5), max_size=3),
)  # fmt: skip
def test_whatever_a_job_logs_can_be_stored_and_read(tmp_path_factory, message, fields):
    """One odd character in one line must not stop the recorder."""
    home = new_home(tmp_path_factory.mktemp("odd"))
    start_job(home, "aaaa")
    write_once(home, [LogLine("aaaa", "work", 1, NOW, Level.INFO, message, "worker", "shell", fields)])
    with open_reader(home.database) as reader:
        (entry,) = reader.page(LogQuery(("aaaa",)), limit=1)["logs"]
    plain = message.replace("\0", "\\x00").encode(errors="backslashreplace").decode()
    assert entry["message"] == plain
    assert ("fields" in entry) == bool(fields)


def test_an_object_whose_text_is_broken_does_not_stop_the_recorder(tmp_path):
    """A job may log anything; one bad `__str__` must not take the other lines with it."""

    class Broken:
        def __str__(self):
            raise ValueError

    home = new_home(tmp_path)
    start_job(home, "aaaa")
    fields = {"bad": Broken(), "worse": [Broken(), 2**70]}
    write_once(home, [LogLine("aaaa", "work", 1, NOW, Level.INFO, "odd", "worker", "shell", fields)])
    (stored,) = rows(home, "SELECT fields FROM log")
    assert "Broken without a text" in stored[0]


def test_a_database_that_was_replaced_is_not_written_to(tmp_path):
    """Restoring a backup under a running job would end in a traceback, or with its lines in another job's log."""
    home, other = new_home(tmp_path / "a"), new_home(tmp_path / "b")
    start_job(home, "aaaa")
    start_job(other, "bbbb")
    with closing(Writer(home.database)) as writer:
        writer.apply(1, [line("aaaa", "before")])
        for suffix in ("-wal", "-shm"):
            home.database.with_name(home.database.name + suffix).unlink(missing_ok=True)
        other.database.replace(home.database)
        with pytest.raises(StoreError, match="replaced while it was in use"):
            writer.reopen()
    assert rows(home, "SELECT count(*) FROM log") == [(0,)]


def test_numbers_stay_numbers_beside_one_that_json_cannot_hold(tmp_path):
    """A chart of durations must not break because of one huge counter."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    fields = {"huge": 2**70, "seconds": 1.5, "ok": True}
    write_once(home, [LogLine("aaaa", "work", 1, NOW, Level.INFO, "odd", "worker", "shell", fields)])
    with open_reader(home.database) as reader:
        (entry,) = reader.page(LogQuery(("aaaa",)), limit=1)["logs"]
    assert entry["fields"] == {"huge": 2**70, "seconds": 1.5, "ok": True}
