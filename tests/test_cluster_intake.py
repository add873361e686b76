"""A view's store, whatever an engine does to what it is given: repeats, leaves out, mixes, begins anew."""

import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from stores import NOW, copies_of, line, new_home, new_job

from quaero_cli.model import JobChanged, JobClaimed, JobQueued, Status, StepChanged, WorkerChanged
from quaero_cli.settings import Settings
from quaero_cli.store.deletion import discard
from quaero_cli.store.engine import connect
from quaero_cli.store.factcodec import decode_facts, encode_fact, join_facts
from quaero_cli.store.intake import Intake, log_place
from quaero_cli.store.outbox import ROW_BYTES, Outbox, Shipment, outbox_load, travelling
from quaero_cli.store.queue import enqueue, mark_interrupted
from quaero_cli.store.reader import open_reader
from quaero_cli.store.writer import Writer


def shipment(origin: str, first: int, *facts) -> Shipment:
    return Shipment(origin, first, first + len(facts) - 1, join_facts([encode_fact(fact) for fact in facts]))


def _begin(job: str, node: str, attempt: int = 1):
    return [JobQueued(new_job(job), "default", NOW), JobClaimed(job, node, attempt, NOW)]


def _messages(database, job: str) -> list[str]:
    with closing(connect(database, readonly=True)) as connection:
        rows = connection.execute(
            "SELECT message FROM log JOIN job ON job.key = log.job WHERE job.id = ? ORDER BY job_line", (job,)
        )
        return [row[0] for row in rows]


def _status(database, job: str) -> tuple[str, str, str | None]:
    with open_reader(database) as reader:
        details = reader.details(job)
    return details["job"]["status"], details["steps"][0]["status"], details["job"]["node"]


@pytest.fixture(scope="module")
def homes(tmp_path_factory) -> Callable[[], Settings]:
    """Makes data directories, copies of one: to make a database takes longer than a whole example."""
    return copies_of(new_home(tmp_path_factory.mktemp("first")), tmp_path_factory)


@pytest.fixture
def home(tmp_path):
    return new_home(tmp_path)


@pytest.fixture
def intake(home):
    with closing(Intake(home.database)) as opened:
        yield opened


@settings(max_examples=15, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_whatever_comes_how_often_each_line_is_stored_once_in_order(homes, seed, origins):
    """A line would be missing, there twice, or before an older one after an engine had its troubles."""
    chance = random.Random(seed)
    home = homes()
    sent, wanted = [], {}
    for origin in (f"o{number}" for number in range(origins)):
        job, first = f"job-{origin}", 1
        facts = [*_begin(job, origin), *[line(job, f"{origin} {n}") for n in range(chance.randint(1, 12))]]
        wanted[job] = [fact.message for fact in facts[2:]]
        while facts:
            size = chance.randint(1, 4)
            part, facts = facts[:size], facts[size:]
            sent.append(shipment(origin, first, *part))
            first += len(part)
    with closing(Intake(home.database)) as intake:
        for _ in range(chance.randint(0, 4)):  # anything goes
            intake.take(chance.choices(sent, k=chance.randint(0, 6)), "bad")
        taken = intake.take(sent, "good")  # and then what was asked for again
    assert not taken.gaps
    assert {job: _messages(home.database, job) for job in wanted} == wanted
    assert log_place(home.database) == "good"


def test_what_does_not_follow_is_refused_and_told(home, intake):
    """A hole would never be noticed."""
    parts = [
        shipment("o", 1, *_begin("j1", "w1")),
        shipment("o", 3, line("j1", "a")),
        shipment("o", 4, line("j1", "b")),
    ]
    taken = intake.take([parts[0], parts[2]], "1")
    assert (taken.applied, taken.gaps) == ({"o": 2}, {"o"})
    taken = intake.take([parts[1], parts[2], parts[1]], "2")
    assert (taken.applied, taken.gaps) == ({"o": 4}, frozenset())
    assert _messages(home.database, "j1") == ["a", "b"]


def test_a_log_without_its_beginning_may_begin_in_the_middle(home, intake):
    """A new view of an old cluster would wait for ever for what the engine has long dropped."""
    late = shipment("o", 500, *_begin("j1", "w1"), line("j1", "late"))
    assert intake.take([late], "1").gaps == {"o"}
    assert intake.take([late], "2", cut=True).applied == {"o": 502}
    assert _messages(home.database, "j1") == ["late"]


def test_the_last_claim_counts(home, intake):
    """A worker that was thought to be dead would end a job that another one runs anew."""
    first = [*_begin("j1", "w1"), StepChanged("j1", "work", Status.RUNNING, NOW), line("j1", "one")]
    first += [
        WorkerChanged("j1", "work", 1, Status.RUNNING, NOW, "w"),
        StepChanged("j1", "work", Status.COMPLETED, NOW),
    ]
    intake.take([shipment("a", 1, *first)], "1")
    assert _status(home.database, "j1") == ("running", "completed", "w1")
    intake.take([shipment("b", 1, *_begin("j1", "w2", 2), line("j1", "two"))], "2")
    assert _status(home.database, "j1") == ("running", "pending", "w2")
    with open_reader(home.database) as reader:
        assert reader.details("j1")["workers"] == []
    stale = [line("j1", "late"), JobChanged("j1", Status.FAILED, NOW, 1), JobClaimed("j1", "w1", 1, NOW)]
    intake.take([shipment("a", 7, *stale)], "3")
    assert _status(home.database, "j1") == ("running", "pending", "w2")
    end = [StepChanged("j1", "work", Status.COMPLETED, NOW), JobChanged("j1", Status.COMPLETED, NOW, 2)]
    intake.take([shipment("b", 4, *end)], "4")
    assert _status(home.database, "j1") == ("completed", "completed", "w2")
    assert _messages(home.database, "j1") == ["one", "two", "late"], "every line is kept"


def test_of_two_claims_with_one_number_the_later_counts(home, intake):
    """A job would be shown as running for ever, whose claim an engine and its worker lost in the same power cut."""
    intake.take([shipment("a", 1, *_begin("j1", "w1"), StepChanged("j1", "work", Status.RUNNING, NOW))], "1")
    again = [JobQueued(new_job("j1"), "default", NOW), JobClaimed("j1", "w1", 1, NOW + 1)]
    intake.take([shipment("b", 1, *again)], "2")
    assert _status(home.database, "j1") == ("running", "pending", "w1")
    intake.take([shipment("a", 4, JobClaimed("j1", "w1", 1, NOW), JobChanged("j1", Status.FAILED, NOW, 1))], "3")
    assert _status(home.database, "j1")[0] == "running", "the earlier one has ended nothing"
    intake.take([shipment("b", 3, JobChanged("j1", Status.COMPLETED, NOW + 2, 1))], "4")
    assert _status(home.database, "j1")[0] == "completed"


def test_an_end_is_an_end(home, intake):
    """A job that was seen to end would run again before everybody's eyes."""
    intake.take([shipment("a", 1, *_begin("j1", "w1"), JobChanged("j1", Status.COMPLETED, NOW, 1))], "1")
    intake.take([shipment("b", 1, *_begin("j1", "w2", 2), JobChanged("j1", Status.FAILED, NOW, 2))], "2")
    assert _status(home.database, "j1")[::2] == ("completed", "w1")


def test_a_deleted_job_does_not_come_back(home, intake):
    """The view would stop at the first line of a job that somebody deleted."""
    intake.take([shipment("a", 1, *_begin("j1", "w1"), JobChanged("j1", Status.COMPLETED, NOW, 1))], "1")
    discard(home.database, "j1")
    more = [
        line("j1", "late"),
        StepChanged("j1", "work", Status.FAILED, NOW),
        line(None, "of the service", step=None),
    ]
    assert intake.take([shipment("a", 4, *more)], "2").applied == {"a": 6}
    with open_reader(home.database) as reader:
        assert not reader.job_exists("j1")


def test_jobs_of_other_machines_need_no_runner_here(home, intake):
    """Every look at the jobs would mark those of the cluster as interrupted."""
    intake.take([shipment("a", 1, *_begin("j1", "w1"))], "1")
    assert mark_interrupted(home.database, home.locks) == []
    assert _status(home.database, "j1") == ("running", "pending", "w1")


def test_the_outbox_holds_what_was_stored(home):
    """A worker would forget what no view has, or send what it has not stored."""
    enqueue(home.database, new_job("j1"))
    with closing(Writer(home.database, ships=True)) as writer, Outbox(home.database) as outbox:
        lines = [line("j1", f"{n}") for n in range(600)]
        writer.apply(1, lines)
        writer.apply(1, lines)  # a commit of which nothing was heard
        writer.apply(601, [line("j1", "last")])
        rows = outbox.after(0, 10)
        assert [(row.first, row.last) for row in rows] == [(1, 256), (257, 512), (513, 600), (601, 601)]
        assert outbox_load(home.database)[0] == sum(len(row.body) for row in rows)
        assert outbox.forget(writer.origin, 512) == 2
        assert outbox.place_of(writer.origin, 520) == rows[2].id - 1
        assert outbox.origins() == [writer.origin]
    other = new_home(home.home.parent / "other")
    enqueue(other.database, new_job("j1"))
    with closing(Intake(other.database)) as intake:
        intake.take([replace(row, id=0) for row in rows], "1")
    assert _messages(other.database, "j1") == _messages(home.database, "j1")


def test_small_rows_travel_together(home):
    """What piled up while the engine was away would need a round trip for each line."""
    enqueue(home.database, new_job("j1"))
    with closing(Writer(home.database, ships=True)) as one, closing(Writer(home.database, ships=True)) as two:
        for number in range(1, 41):
            one.apply(number, [line("j1", f"{number} {'x' * 20_000}")])
        two.apply(1, [line("j1", "other")])
        one.apply(41, [line("j1", "41"), line("j1", "42")])
    with Outbox(home.database) as outbox:
        assert outbox.origins() == [one.origin, two.origin]
        rows = outbox.after(0, 100)
        shipped = travelling(rows)
        assert [(each.origin, each.first, each.last) for each in shipped[-2:]] == [
            (two.origin, 1, 1),
            (one.origin, 41, 42),
        ]
        assert shipped[-1].id == rows[-1].id
        assert len(shipped) < 8
        assert all(len(each.body) <= ROW_BYTES + len(shipped) for each in shipped)
        assert [fact for each in shipped for fact in decode_facts(each.body)] == [
            fact for each in rows for fact in decode_facts(each.body)
        ]
        assert outbox.place_of(one.origin, 41) == rows[-1].id - 1
        assert outbox.forget(one.origin, 40) == 40
        assert outbox.origins() == [two.origin, one.origin]
        assert outbox.first_of(one.origin) == 41
        assert outbox.ends() == (rows[-2].id, rows[-1].id)
        assert outbox_load(home.database)[0] == sum(len(row.body) for row in rows[-2:])


def test_what_retention_deleted_is_not_there_again_when_the_log_is_read_anew(home, intake):
    """Jobs that were deleted long ago would all come back after the engine had its troubles."""
    everything = [
        shipment("v", 1, JobQueued(new_job("old"), "default", NOW), JobQueued(new_job("new"), "default", NOW)),
        shipment(
            "a", 1, JobClaimed("old", "w1", 1, NOW), line("old", "one"), JobChanged("old", Status.COMPLETED, NOW, 1)
        ),
        shipment("a", 4, JobClaimed("new", "w1", 1, NOW), line("new", "two")),
    ]
    intake.take(everything, "1")
    discard(home.database, "old")
    for place in ("2", "3"):
        intake.take([*everything, shipment("a", 6, line("old", "late"), line("new", f"in {place}"))], place)
    with open_reader(home.database) as reader:
        assert not reader.job_exists("old")
    assert _messages(home.database, "new") == ["two", "in 2"]
