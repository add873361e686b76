"""bench/: what a ratio is judged by, and what the command does with its arguments. The benchmarks take longer."""

import importlib
import json
import math
import os
from pathlib import Path

import pytest

from bench import report
from bench.__main__ import NAMES, main
from bench.machine import cpu_seconds, describe, memory_mb, peak_memory_mb
from bench.verdict import SMOKE_SLACK, Fact, Figure, Promise, Ratio, Result, median, percentile, share_within

ROOT = Path(__file__).resolve().parent.parent


def ratio(ours, floor=10.0, target=2.0):
    return Ratio("ours", "theirs", ours, floor, "ms", target)


@pytest.mark.parametrize(
    ("ours", "whole", "smoke"), [(10.0, True, True), (20.0, True, True), (20.1, False, True), (60.1, False, False)]
)
def test_a_ratio_is_judged_by_its_target_and_a_smoke_run_by_three_times_that(ours, whole, smoke):
    """A slow change would pass, or CI would fail on a busy machine."""
    assert ratio(ours).value == pytest.approx(ours / 10)
    assert ratio(ours).holds(False) is whole
    assert ratio(ours).holds(True) is smoke
    assert ratio(1).bound(True) == SMOKE_SLACK * ratio(1).bound(False)


def test_what_cannot_be_divided_is_no_success():
    """A floor that measured nothing would let everything pass."""
    assert ratio(1.0, floor=0.0).value == math.inf
    assert not ratio(1.0, floor=0.0).holds(True)
    assert ratio(0.0, floor=0.0).holds(False)
    assert not ratio(math.nan).holds(True)


def test_a_result_holds_when_all_of_it_does():
    """One lost line among good times would go unseen."""
    good, bad = Fact("all there", True), Fact("one lost", False)
    assert Result("x", [ratio(1)], [good]).holds(False)
    assert not Result("x", [ratio(1)], [good, bad]).holds(True)
    assert not Result("x", [ratio(100)], [good]).holds(True)
    assert not Result("x", [ratio(1)], [good], error="broke").holds(True)
    assert not Result("x", figures=[Figure("some", 1, "")]).holds(True)


def test_a_promise_is_judged_in_a_whole_run_alone():
    """CI would fail on a busy machine, or a whole run pass what is too slow."""
    kept, missed, nothing = (Promise("soon", value, 10.0, "ms", "theirs") for value in (10.0, 10.1, math.nan))
    assert Result("x", [ratio(1)], promises=[kept]).holds(False)
    for broken in (missed, nothing):
        assert not Result("x", [ratio(1)], promises=[broken]).holds(False)
        assert Result("x", [ratio(1)], promises=[broken]).holds(True)


def test_what_others_do_is_said_once_below_the_rows_that_it_is_for():
    """A number would stand alone, or beside another matter's peer."""
    promises = [
        Promise(name, 1.0, 10.0, "ms", peer) for name, peer in (("a", "A"), ("b", "A"), ("c", ""), ("d", "D"))
    ]
    lines = report.as_text(Result("x", promises=promises, facts=[Fact("all there", True)]), smoke=False).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["a", "b", "others:", "c", "d", "others:", "all"]
    assert [line.strip() for line in lines if "others" in line] == ["others: A", "others: D"]


def test_medians_and_percentiles():
    """The numbers in the table would not be what their names say."""
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5
    assert [percentile(range(1, 101), percent) for percent in (0, 1, 50, 99, 100)] == [1, 1, 50, 99, 100]
    assert percentile([5, 7], 99) == 7
    assert share_within([1, 2, 3, 4], 3) == 75
    for measure in (median, lambda values: percentile(values, 50), lambda values: share_within(values, 1)):
        with pytest.raises(ValueError, match="nothing was measured"):
            measure([])


class Bench:
    """Stands in for the benchmarks: each is asked once, and finds what it is told."""

    def __init__(self, **found):
        self.found = found
        self.asked = []

    def __call__(self, name):
        def measure(smoke):
            self.asked.append((name, smoke))
            found = self.found.get(name, 1.0)
            if isinstance(found, Exception):
                raise found
            if not isinstance(found, float):
                found = next(found)  # another one each time
            return Result(name, [ratio(found * 10)], [Fact("all there", True)], [Figure("rate", 1234.5, "lines/s")])

        return measure


def test_all_benchmarks_are_run_unless_some_are_named(capsys):
    """A benchmark would be forgotten, or run twice."""
    every, some = Bench(), Bench()
    assert main([], every) == 0
    assert every.asked == [(name, False) for name in NAMES]
    assert main(["--smoke", "stream", "ingest", "stream"], some) == 0
    assert some.asked == [("stream", True), ("ingest", True)]
    assert "1.00x, at most 6x" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "whole", "smoke"), [(1.9, 0, 0), (5.9, 1, 0), (6.1, 1, 1), (RuntimeError("no such thing"), 1, 1)]
)
def test_the_exit_code_tells(value, whole, smoke, capsys):
    """CI would go on after a catastrophe; the others run all the same."""
    for arguments, code in ((["ingest", "crawl"], whole), (["--smoke", "ingest", "crawl"], smoke)):
        bench = Bench(ingest=value)
        assert main(arguments, bench) == code
        assert len(bench.asked) == (3 if value == 6.1 and "--smoke" in arguments else 2)
        out = capsys.readouterr().out
        assert ("FAILED" in out) is bool(code)
        assert ("broke: RuntimeError: no such thing" in out) is isinstance(value, Exception)


def test_a_smoke_run_that_is_slow_once_is_measured_again(capsys):
    """CI would fail for a neighbour's burst of work, or forgive a lost line."""
    slow_once = Bench(ingest=iter([7.0, 1.0]))
    assert main(["--smoke", "ingest"], slow_once) == 0
    assert slow_once.asked == [("ingest", True)] * 2
    assert "measured again:" in capsys.readouterr().out
    assert not Result("x", [ratio(100)], [Fact("one lost", False)]).only_slow()
    assert not Result("x", [ratio(100)], error="broke").only_slow()
    assert not Result("x", [ratio(1)], [Fact("all there", True)]).only_slow()


def test_json_is_one_object_on_stdout(capsys):
    """A script could not read it."""
    assert main(["--json", "--smoke", "ingest"], Bench(ingest=7.0)) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["smoke"], found["ok"], found["machine"]["cores"]) == (True, False, describe().cores)
    (one,) = found["benchmarks"]
    assert (one["name"], one["ok"], one["ratios"][0]["ratio"], one["ratios"][0]["bound"]) == (
        "ingest",
        False,
        7.0,
        6.0,
    )
    assert one["facts"] == [{"what": "all there", "ok": True}]
    assert one["figures"] == [{"what": "rate", "value": 1234.5, "unit": "lines/s"}]
    assert "7.00x, at most 6x" in err


@pytest.mark.parametrize("arguments", [["nope"], ["--nope"], ["--smoke", "ingest", "nope"]])
def test_what_is_not_known_is_a_usage_error(arguments, capsys):
    """A misspelled name would pass as success."""
    bench = Bench()
    assert main(arguments, bench) == 2
    assert bench.asked == []
    assert "nope" in capsys.readouterr().err


def test_a_table_is_aligned():
    """People could not compare the columns."""
    result = Result("x", [ratio(1), Ratio("longer than that", "y", 1234.0, 1.0, "s", 1.0)], [Fact("so", True)])
    lines = report.as_text(result, smoke=False).splitlines()
    assert lines[0] == "x: FAILED (0 s)"
    assert lines[1].index("theirs") == lines[2].index("y: 1 s")
    assert "1,234 s" in lines[2]
    assert report.as_text(Result("x", error="broke"), smoke=True).splitlines() == [
        "x: FAILED (0 s)",
        "  broke: broke",
    ]


def test_what_could_not_be_measured_is_said():
    """A missing peer would look like one that was beaten."""
    result = Result("x", facts=[Fact("so", True)], notes=["no peer: it is not installed"])
    assert report.as_text(result, smoke=True).splitlines()[-1] == "  note: no peer: it is not installed"


def test_what_a_process_uses_is_read():
    """Memory and processor time would be of no process, or in no unit."""
    assert cpu_seconds(os.getpid()) == pytest.approx(sum(os.times()[:2]), abs=0.5)
    assert 5 < memory_mb(os.getpid()) <= peak_memory_mb(os.getpid()) < 20_000


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_is_there_and_described(name):
    """A name would lead nowhere, or nobody would know what its numbers mean."""
    module = importlib.import_module(f"bench.{name}")
    assert callable(module.measure)
    assert module.__doc__.startswith(f"`{name}`: ")
    assert f"## `{name}`" in (ROOT / "docs" / "benchmarks.md").read_text()
