"""Reading the store: every page is exact, whatever the filter, against a plain list as the oracle."""

import random
from contextlib import closing

import pytest
from stores import NOW, Scribe, ended, line, new_home, start_job, write_once

from quaero_cli.errors import NotFoundError, StoreError, UsageError
from quaero_cli.model import Level, LogQuery, Status, StepProgressed, WorkerChanged
from quaero_cli.store import entries
from quaero_cli.store.engine import connect
from quaero_cli.store.reader import open_reader


@pytest.fixture
def crowd(tmp_path):
    """Three jobs whose 900 entries came in mixed order, and the service log between them."""
    home = new_home(tmp_path)
    for job in ("aaaa", "bbbb", "cccc"):
        start_job(home, job, steps=("one", "two"))
    chance = random.Random(7)
    facts = []
    for number in range(1, 1001):
        job = chance.choice(["aaaa", "bbbb", "cccc", "aaaa", None])
        step = chance.choice(["one", "two", None])
        worker = chance.choice([None, 1, 2]) if job and step else None
        text = f"entry {number} {'Grün' if number % 11 == 0 else 'red_%'}"
        facts.append(line(job, text, step=step, worker=worker, level=chance.choice(list(Level))))
    write_once(home, facts)
    return home, list(enumerate(facts, 1))


def matches(fact, query):
    steps = not query.steps or (fact.step in query.steps)
    worker = query.worker is None or f"{fact.step}-{fact.worker}" == query.worker
    text = query.text is None or query.text.casefold() in fact.message.casefold()
    jobs = fact.job in query.jobs if query.jobs else fact.job is None
    return jobs and steps and worker and text and fact.level >= query.level


QUERIES = [
    LogQuery(("aaaa",), level=Level.DEBUG),
    LogQuery(("aaaa",)),
    LogQuery(("aaaa", "cccc"), level=Level.WARN),
    LogQuery(("cccc", "aaaa", "bbbb"), ("two",), Level.DEBUG),
    LogQuery(("bbbb",), ("bbbb.one",), Level.ERROR),
    LogQuery((), level=Level.INFO),
    LogQuery(("aaaa", "bbbb"), text="GRÜN", level=Level.DEBUG),
    LogQuery(("aaaa",), text="RED_%", level=Level.DEBUG),
    LogQuery(("aaaa",), worker="one-2", level=Level.DEBUG),
    LogQuery(("aaaa",), text="no such text"),
]


@pytest.mark.parametrize("query", QUERIES, ids=repr)
def test_pages_are_those_of_a_plain_list(crowd, query):
    """Scrolling up, resuming and jumping to a line must show exactly what is there."""
    home, facts = crowd
    wanted_query = LogQuery(query.jobs, tuple(s.rpartition(".")[2] for s in query.steps), query.level, query.worker,
                            query.text)  # fmt: skip
    ids = [id_ for id_, fact in facts if matches(fact, wanted_query)]
    with open_reader(home.database) as reader:

        def page(limit, **where):
            view = reader.page(query, limit=limit, **where)
            return [entry["id"] for entry in view["logs"]], view["meta"]

        for limit in (1, 7, 5000):
            got, meta = page(limit)
            assert (got, meta["has_more"]) == (ids[-limit:], len(ids) > limit)
            for cursor in (0, 1, 333, 999, 1000, 10**12):
                before = [id_ for id_ in ids if id_ < cursor]
                got, meta = page(limit, before=cursor)
                assert (got, meta["has_more"]) == (before[-limit:], len(before) > limit)
                after = [id_ for id_ in ids if id_ > cursor]
                got, meta = page(limit, since=cursor)
                assert got == after[:limit]
                assert meta["has_more"] == any(id_ < (got[0] if got else cursor + 1) for id_ in ids)
                upto = [id_ for id_ in ids if id_ <= cursor]
                newer = after[: limit - min(len(upto), (limit + 1) // 2)]
                older = upto[max(0, len(upto) + len(newer) - limit) :]
                got, meta = page(limit, around=cursor)
                assert got == older + newer
                assert meta["has_more"] == (len(upto) > len(older))


@pytest.mark.parametrize("query", QUERIES, ids=repr)
@pytest.mark.parametrize("scan", [3, 50, 20_000])
def test_following_by_small_looks_misses_nothing_and_repeats_nothing(crowd, query, scan, monkeypatch):
    """A slow reader's look is bounded; the bound must not cost a line when jobs are merged."""
    home, facts = crowd
    plain = LogQuery(
        query.jobs, tuple(s.rpartition(".")[2] for s in query.steps), query.level, query.worker, query.text
    )
    ids = [id_ for id_, fact in facts if matches(fact, plain)]
    monkeypatch.setattr(entries, "SCAN_LIMIT", scan)
    with open_reader(home.database) as reader:
        scope = reader.scope(query)
        look = reader.look_from(scope, query.jobs, 0, 9)
        got, cursors = [entry["id"] for entry in look.view["logs"]], [look.cursor]
        while not look.complete:
            look = reader.look_after(scope, query.jobs, look.places, 9, has_more=False)
            got += [entry["id"] for entry in look.view["logs"]]
            cursors.append(look.cursor)
            resumed = reader.look_from(scope, query.jobs, look.cursor, 10_000)
            rest = [entry["id"] for entry in resumed.view["logs"]]
            assert rest == [number for number in ids if number > look.cursor][: len(rest)]
            assert rest or not resumed.complete or not ids or look.cursor >= ids[-1]
    assert got == ids
    assert cursors == sorted(cursors)
    assert cursors[-1] == 1000


def test_meta_counts_the_scope_whatever_the_level(crowd):
    """`total_count` and `counts` are of all levels, `displayed_count` of those that the filter lets through."""
    home, facts = crowd
    query = LogQuery(("aaaa",), ("one",), Level.WARN)
    mine = [fact for _, fact in facts if fact.job == "aaaa" and fact.step == "one"]
    with open_reader(home.database) as reader:
        meta = reader.page(query, limit=1)["meta"]
        with_text = reader.page(LogQuery(("aaaa",), text="entry"), limit=1)["meta"]
    assert meta["total_count"] == len(mine)
    assert meta["displayed_count"] == sum(fact.level >= Level.WARN for fact in mine)
    assert meta["counts"] == {level.label: sum(fact.level == level for fact in mine) for level in Level}
    assert (with_text["total_count"], with_text["displayed_count"], with_text["counts"]) == (None, None, None)
    assert with_text["has_more"] is True


def test_a_look_is_bounded_in_bytes(tmp_path):
    """2,000 entries of 64 KiB must not be read into memory at once."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    write_once(home, [line("aaaa", "x" * 60_000) for _ in range(30)])
    query = LogQuery(("aaaa",))
    with open_reader(home.database) as reader:
        scope = reader.scope(query)
        look = reader.look_from(scope, query.jobs, 0, 2000)
        assert (len(look.view["logs"]), look.complete) == (4, False)


def test_the_newest_entries_begin_with_a_bounded_look(tmp_path):
    """Eight viewers that read slowly held a gigabyte: 5,000 entries each, whose fields nobody counted."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    write_once(home, [line("aaaa", str(n))._replace(fields={"x": "x" * 30_000}) for n in range(60)])
    query = LogQuery(("aaaa",))
    with open_reader(home.database) as reader:
        scope = reader.scope(query)
        look = reader.look_newest(scope, query.jobs, 50, 2000)
        assert ([entry["message"] for entry in look.view["logs"]], look.complete) == (
            [*map(str, range(10, 18))],
            False,
        )
        assert look.view["meta"]["has_more"] is True
        nothing = reader.look_newest(scope, query.jobs, 0, 2000)
        assert (nothing.view["logs"], nothing.view["meta"]["has_more"], nothing.complete) == ([], True, True)
        assert reader.look_newest(scope, query.jobs, 60, 2000).view["meta"]["has_more"] is False


def test_an_entry_has_the_shape_of_the_wire(tmp_path):
    """Clients rely on names, and on keys that are absent rather than null."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    fact = line("aaaa", "Fetched", worker=17)._replace(fields={"status": 200})
    write_once(home, [fact, line("aaaa", "own", step=None), line(None, "service")])
    with open_reader(home.database) as reader:
        worker, own = reader.page(LogQuery(("aaaa",)), limit=9)["logs"]
        (service,) = reader.page(LogQuery(), limit=9)["logs"]
    assert worker == {
        "id": 1, "timestamp": "2026-01-15T10:30:45.123Z", "level": "info", "message": "Fetched", "job_id": "aaaa",
        "step_id": "aaaa.work", "step_name": "work", "worker": "work-17", "originator": "worker", "source": "shell",
        "line_number": 1, "job_line": 1, "fields": {"status": 200},
    }  # fmt: skip
    assert own == {
        "id": 2, "timestamp": "2026-01-15T10:30:45.123Z", "level": "info", "message": "own", "job_id": "aaaa",
        "originator": "", "source": "shell", "line_number": 1, "job_line": 2,
    }  # fmt: skip
    assert set(service) == {"id", "timestamp", "level", "message", "originator", "source"}


def test_a_job_is_found_as_people_name_it(tmp_path):
    """An ID, its beginning, a definition (its newest job) and `last` are what people type."""
    home = new_home(tmp_path)
    for job in ("abcd", "abxy", "demo"):
        start_job(home, job, definition="crawl" if job.startswith("ab") else "other")
    with open_reader(home.database) as reader:
        assert reader.find_job("abcd") == "abcd"
        assert reader.find_job("abx") == "abxy"
        assert reader.find_job("crawl") == "abxy"
        assert reader.find_job("last") == "demo"
        with pytest.raises(NotFoundError, match="ab begins several job IDs") as caught:
            reader.find_job("ab")
        assert caught.value.hint == "one of: abxy, abcd"
        with pytest.raises(NotFoundError, match="no job zz"):
            reader.find_job("zz")
        with pytest.raises(UsageError, match="step: no step thre") as caught:
            reader.scope(LogQuery(("abcd",), ("thre",)))
        assert caught.value.hint == "step takes one of: work"


def test_lists_are_filtered_and_paged(tmp_path):
    """`before` continues the list where a page ended."""
    home = new_home(tmp_path)
    for number in range(5):
        attempt = start_job(home, f"job{number}", definition="even" if number % 2 == 0 else "odd")
        if number < 3:
            write_once(home, ended(f"job{number}", attempt, Status.FAILED))
    with open_reader(home.database) as reader:

        def ids(**where):
            return [job["id"] for job in reader.list_jobs(**where)]

        assert ids(limit=2) == ["job4", "job3"]
        assert ids(limit=2, before="job3") == ["job2", "job1"]
        assert ids(statuses=["failed"]) == ["job2", "job1", "job0"]
        assert ids(statuses=["failed"], definition="even") == ["job2", "job0"]
        assert reader.job_counts() == {"failed": 3, "running": 2}


def test_a_reader_holds_no_transaction(tmp_path):
    """A reader that keeps a snapshot open lets the write-ahead log grow without bound."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    scribe = Scribe(home)
    with open_reader(home.database) as reader:
        query = LogQuery(("aaaa",))
        look = reader.look_newest(reader.scope(query), query.jobs, 10, 10)
        scribe.write([line("aaaa", "later")])
        look = reader.look_after(reader.scope(query), query.jobs, look.places, 10, has_more=False)
        assert [entry["message"] for entry in look.view["logs"]] == ["later"]
    scribe.close()


def test_a_step_with_workers_may_say_more(tmp_path):
    """What a crawl says of its speed would hide how many pages are left."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    write_once(home, [
        WorkerChanged("aaaa", "work", 1, Status.PENDING, NOW),
        StepProgressed("aaaa", "work", None, "7 queued, 3.5 pages/s"),
    ])  # fmt: skip
    with open_reader(home.database) as reader:
        (step,) = reader.status("aaaa")["steps"]
    assert step["progress_text"] == "1 pending, 0 running, 0 completed, 0 failed · 7 queued, 3.5 pages/s"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE log SET level = 77", "level 77"),
        ("UPDATE job SET status = 'odd'", "status 'odd'"),
        ("DROP TABLE log_count", "no such table"),
    ],
)
def test_what_quaero_never_writes_is_told_as_damage(tmp_path, sql, words):
    """Somebody would be shown Python's words for it, without the file and without a way out."""
    home = new_home(tmp_path)
    start_job(home, "aaaa")
    write_once(home, [line("aaaa", "x")])
    with closing(connect(home.database)) as connection:
        connection.execute(sql)

    def read() -> None:
        with open_reader(home.database) as reader:
            reader.list_jobs()
            reader.page(LogQuery(("aaaa",)), limit=5)

    with pytest.raises(StoreError, match=words) as caught:
        read()
    assert str(home.database) in caught.value.message
    assert "quaero db check" in (caught.value.hint or "")
