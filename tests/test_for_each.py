"""`for_each`: one worker an item, each with its own status, retries, log and outputs."""

import pytest
import trio

from quaero_cli.engine.items import find_items, label_of
from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.model import ForEach
from quaero_cli.jobdef.placeholders import Scope
from quaero_cli.model import Level, LogLine, Status, WorkerChanged


def worker_lines(stage, number):
    return [f.message for f in stage.facts if isinstance(f, LogLine) and f.worker == number]


async def test_one_worker_an_item(stage, autojump_clock):
    """An item would have no log and no status of its own."""
    status = await stage.play("""
        [step.a]
        type = "each"
        for_each = ["x", 5, { id = 7 }]
        value = "item {item}"
        left = { of = "{item}" }
    """)
    assert status is Status.COMPLETED
    assert stage.workers() == {1: "completed", 2: "completed", 3: "completed"}
    assert [worker_lines(stage, n) for n in (1, 2, 3)] == [
        ["value item x"], ["value item 5"], ['value item {"id": 7}'],
    ]  # fmt: skip
    lines = [f for f in stage.facts if isinstance(f, LogLine) and f.worker]
    assert {(line.originator, line.step, line.source) for line in lines} == {("worker", "a", "each")}
    made = [f for f in stage.facts if isinstance(f, WorkerChanged) and f.status is Status.PENDING]
    assert [(fact.label, fact.item) for fact in made] == [("x", "x"), ("5", 5), ('{"id": 7}', {"id": 7})]


async def test_outputs_are_in_the_order_of_the_items(stage, autojump_clock):
    """Whoever ends first would take the first place; and a later step could not fan out over them."""
    status = await stage.play("""
        [error_tolerance]
        max_child_failures = 1
        [step.a]
        type = "each"
        for_each = [{ n = 1, s = 3 }, { n = 2, s = 2, fail = 1 }, { n = 3, s = 1, deep = [5, { x = "y" }] }]
        value = "{item.n}"
        seconds = "{item.s}"
        left = { n = "{item.n}", double = "{item.n}{item.n}" }
        [step.b]
        type = "each"
        depends = "a"
        for_each = "{steps.a.outputs.items}"
        value = "got {item.double}"
    """)
    assert status is Status.COMPLETED
    assert stage.outputs() == {"items": [{"n": n, "double": f"{n}{n}"} for n in (1, 2, 3)]}
    assert sorted(worker_lines(stage, 1)) == ["value 1", "value got 11"]
    done = [f.outputs for f in stage.facts if isinstance(f, WorkerChanged) and f.status is Status.COMPLETED]
    assert {"n": 3, "double": "33"} in done


@pytest.mark.parametrize(("concurrency", "most"), [("", 4), ("concurrency = 2", 2), ("concurrency = 0", 9)])
async def test_so_many_at_once(stage, autojump_clock, concurrency, most):
    """`concurrency` is a promise to whoever is at the other end."""
    items = [str(n) for n in range(9)]
    await stage.play(f"[step.a]\ntype = 'each'\nfor_each = {items}\nvalue = '{{item}}'\nseconds = 1\n{concurrency}\n")
    assert stage.most_at_once == most


async def test_each_worker_is_tried_again_by_itself(stage, autojump_clock):
    """One bad item would have all of them done again."""
    status = await stage.play("""
        [step.a]
        type = "each"
        for_each = [{ v = "good", bad = 0 }, { v = "flaky", bad = 2 }]
        value = "{item.v}"
        failures = "{item.bad}"
        retries = { limit = 2, delay = "2s" }
    """)
    assert status is Status.COMPLETED
    assert stage.tries == {"good": 1, "flaky": 3}
    assert stage.seconds == pytest.approx(6)
    assert worker_lines(stage, 2) == [
        "value flaky", "Attempt 1 of 3 failed: bad flaky; next in 2.0 s", "Attempt 2 of 3",
        "value flaky", "Attempt 2 of 3 failed: bad flaky; next in 4.0 s", "Attempt 3 of 3",
        "value flaky",
    ]  # fmt: skip
    warned = next(f for f in stage.facts if isinstance(f, LogLine) and f.level == Level.WARN)
    assert (warned.worker, warned.fields) == (2, {"attempt": 1, "delay_s": 2.0, "error": "bad flaky"})
    changes = [(str(f.status), f.attempt) for f in stage.facts if isinstance(f, WorkerChanged) and f.number == 2]
    assert changes == [("pending", 1), ("running", 1), ("running", 2), ("running", 3), ("completed", 3)]


async def test_a_worker_that_fails_for_good_fails_its_step_and_no_other_worker(stage, autojump_clock):
    """A step with failed workers is never just completed; and the rest of the work is done."""
    status = await stage.play("""
        [step.a]
        type = "each"
        for_each = ["x", "y", "z"]
        value = "{item}"
        failures = 9
        retries = { limit = 1, delay = "1s" }
        concurrency = 1
    """)
    assert (status, stage.reason("a")) == (Status.FAILED, "3 workers failed")
    errors = [f.error for f in stage.facts if isinstance(f, WorkerChanged) and f.status is Status.FAILED]
    assert errors == [f"bad {value}, after 2 attempts" for value in "xyz"]
    assert stage.outputs() == {"items": [{}, {}, {}]}


async def test_the_tolerance_counts_the_workers_of_a_fan_out(stage, autojump_clock):
    """A thousand imports with two bad files would be a failed job; a thousand bad files would go on for hours."""
    text = """
        [error_tolerance]
        max_child_failures = {most}
        failure_action = "stop_all"
        [step.a]
        type = "each"
        for_each = [0, 0, 9, 9, 0, 0]
        value = "{{item}}"
        failures = "{{item}}"
        seconds = 1
        concurrency = 1
    """
    assert await stage.play(text.format(most=2)) is Status.WARNING
    stage.facts.clear()
    stage.tries.clear()
    assert await stage.play(text.format(most=1)) is Status.FAILED
    assert stage.workers()[5] == stage.workers()[6] == "cancelled"


async def test_an_item_that_does_not_fit_fails_its_worker_alone(stage, autojump_clock):
    """One line of a file without a key would end the import of all others; and it would be tried in vain."""
    status = await stage.play("""
        [params.rows]
        type = "list"
        [step.a]
        type = "each"
        for_each = "{params.rows}"
        value = "{item.name}"
        retries = { limit = 5, delay = "100s" }
    """, {"rows": [{"name": "good"}, {"nam": "bad"}, "text"]})  # fmt: skip
    assert status is Status.FAILED
    assert stage.workers() == {1: "completed", 2: "failed", 3: "failed"}
    errors = [f.error for f in stage.facts if isinstance(f, WorkerChanged) and f.status is Status.FAILED]
    assert errors == ["the item has no 'name'"] * 2
    assert stage.seconds == 0


async def test_no_items_are_nothing_to_do(stage, autojump_clock):
    """A list that is empty today is no failure, and it is told."""
    status = await stage.play("""
        [params.rows]
        type = "list"
        [step.a]
        type = "each"
        for_each = "{params.rows}"
        value = "{item}"
        [step.b]
        type = "work"
        depends = "a"
    """, {"rows": []})  # fmt: skip
    assert status is Status.COMPLETED
    assert "Nothing to do: for_each has no items" in stage.messages("a")
    assert stage.outputs() == {"items": []}


@pytest.mark.parametrize("value", ["a, b", None, 5, {"a": 1}])
async def test_what_is_no_list_fails_the_step(stage, autojump_clock, value):
    """A text would fan out over its letters."""
    text = "[params.x]\n[step.a]\ntype = 'each'\nfor_each = '{params.x}'\nvalue = '{item}'\n"
    assert await stage.play(text, {"x": value}) is Status.FAILED
    assert stage.reason("a").startswith("for_each must be a list, not ")
    assert stage.workers() == {}


async def test_timeouts_of_worker_and_step(stage, autojump_clock):
    """One hanging item would hold up the step for ever, or end it for all the others."""
    text = """
        [step.a]
        type = "each"
        for_each = [1, 50, 2]
        value = "{{item}}"
        seconds = "{{item}}"
        {limits}
        concurrency = 1
    """
    assert await stage.play(text.format(limits="worker_timeout = '5s'")) is Status.FAILED
    assert stage.workers() == {1: "completed", 2: "failed", 3: "completed"}
    errors = [f.error for f in stage.facts if isinstance(f, WorkerChanged) and f.status is Status.FAILED]
    assert errors == ["timed out after 5 s"]
    stage.facts.clear()
    assert await stage.play(text.format(limits="timeout = '5s'")) is Status.FAILED
    assert stage.workers() == {1: "completed", 2: "cancelled", 3: "cancelled"}
    assert stage.reason("a") == "timed out after 5 s"
    stage.facts.clear()
    assert await stage.play(text.format(limits="idle_timeout = '10s'")) is Status.FAILED
    assert stage.reason("a") == "no output for 10 s"


async def test_a_cancel_reaches_workers_that_wait_for_their_next_attempt(stage, autojump_clock):
    """A cancelled fan-out would come back minutes later."""
    run = stage.prepare("""
        [step.a]
        type = "each"
        for_each = ["x", "y", "z"]
        value = "{item}"
        failures = 9
        concurrency = 2
        retries = { limit = 5, delay = "100s" }
    """)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await trio.sleep(50)
        run.cancel("cancelled on request")
    assert stage.workers() == {1: "cancelled", 2: "cancelled", 3: "cancelled"}
    assert stage.tries == {"x": 1, "y": 1}
    assert stage.seconds == pytest.approx(50)


async def test_a_step_has_one_fan_out(stage, autojump_clock):
    """Workers of workers would have the same numbers."""
    assert await stage.play("[step.a]\ntype = 'fan'\nfor_each = [1]\n") is Status.FAILED
    errors = [f.error for f in stage.facts if isinstance(f, WorkerChanged) and f.status is Status.FAILED]
    assert errors == ["a step with for_each has its workers"]


def scope(**params):
    return Scope("aaaa", params=params)


async def test_items_of_a_glob_are_names_from_the_definitions_folder(tmp_path):
    """The same files would come in another order each time, or only where somebody stands."""
    for name in ("b.csv", "a.csv", "c.txt", "sub/d.csv", ".hidden.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    async def names(pattern):
        return await find_items(ForEach(glob=pattern), scope(kind="csv"), tmp_path)

    assert await names("*.csv") == ["a.csv", "b.csv"]
    assert await names("**/*.{params.kind}") == ["a.csv", "b.csv", "sub/d.csv"]
    assert await names(f"{tmp_path}/a.*") == [f"{tmp_path}/a.csv"]
    assert await names("*.none") == []


async def test_items_of_a_file_are_its_lines(tmp_path):
    """A line would be lost, or a name with a blank would be two items."""

    async def lines(name, text):
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return await find_items(ForEach(file="{params.name}"), scope(name=name), tmp_path)

    assert await lines("x.ndjson", '\ufeff{"a": 1}\r\n\n["b"]\n"c"\n5') == [{"a": 1}, ["b"], "c", 5]
    assert await lines("x.txt", 'one two\n {"a"}\n{"a": 1}\n{half\n5\n') == [
        "one two",
        ' {"a"}',
        {"a": 1},
        "{half",
        "5",
    ]
    assert await lines("empty.txt", "") == []
    with pytest.raises(StepFailed, match=r"x\.jsonl line 2: not JSON: 'nope'"):
        await lines("x.jsonl", "{}\nnope\n")
    with pytest.raises(StepFailed, match=r"x\.txt is not UTF-8"):
        await lines("x.txt", b"\xff\n")
    with pytest.raises(StepFailed, match="cannot be read: no such file"):
        await find_items(ForEach(file="nowhere.txt"), scope(), tmp_path)


async def test_far_too_many_items_are_refused(tmp_path):
    """A file of ten million lines would fill memory and store before the first worker starts."""
    with pytest.raises(StepFailed, match="for_each has 100001 items, and 100000 are the most"):
        await find_items(ForEach(items="{params.x}"), scope(x=[0] * 100_001), tmp_path)


def test_a_label_is_short():
    """A table of a megabyte would be sent with each list of workers."""
    assert label_of({"a": [1, None]}) == '{"a": [1, null]}'
    assert label_of("x" * 1000) == "x" * 199 + "…"
