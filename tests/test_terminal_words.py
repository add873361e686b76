"""Durations, times, counts, exit codes."""

import pytest
from terminal_facts import NOW, at, counts, step, workers

from quaero_cli.model import Status
from quaero_cli.stream.events import Gap
from quaero_cli.terminal import words
from quaero_cli.terminal.codes import exit_code


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0ms"), (0, "0ms"), (0.0179, "18ms"), (0.1, "0.1s"),
        (0.44, "0.4s"), (9.94, "9.9s"), (9.96, "9.9s"), (41.9, "41s"), (60, "1m 00s"),
        (83, "1m 23s"), (3599.9, "59m 59s"), (7500, "2h 05m"), (86400, "1d 00h"), (273600, "3d 04h"),
    ],
)  # fmt: skip
def test_durations(seconds, said):
    """A duration would be shown with a unit that does not fit it."""
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("timestamp", "said"),
    [
        (at("10:33:19.500"), "just now"), (at("10:34:00.000"), "just now"), (at("10:32:39.000"), "41s ago"),
        (at("10:28:00.000"), "5m ago"), (at("08:00:00.000"), "2h ago"), ("2026-01-12T10:00:00.000Z", "3d ago"),
        ("2025-10-01T10:00:00.000Z", "2025-10-01"),
    ],
)  # fmt: skip
def test_how_long_ago(timestamp, said):
    """The list of jobs would tell the wrong age."""
    assert words.ago(timestamp, NOW) == said


def test_what_is_to_come_is_told_by_its_distance():
    """A schedule would be a date to be counted back from."""
    ahead = [(at("10:33:20.500"), "now"), (at("10:34:01.000"), "in 41s"), (at("10:38:59.000"), "in 5m")]
    assert [words.ahead(moment, NOW) for moment, _ in ahead] == [text for _, text in ahead]
    assert words.ahead(at("12:38:59.000"), NOW) == "in 2h 05m"
    assert words.ahead("2027-01-01T00:00:00.000Z", NOW) == "2027-01-01"


def test_elapsed_runs_until_it_is_finished():
    """A running step would show no time, or a finished one would go on counting."""
    assert words.elapsed(None, None, NOW) == ""
    assert words.elapsed(at("10:33:00.000"), None, NOW) == "20s"
    assert words.elapsed(at("10:33:00.000"), at("10:33:01.000"), NOW) == "1.0s"


def test_counts_are_words():
    """`1 errors`."""
    assert [words.count(n, "error") for n in (0, 1, 1201)] == ["0 errors", "1 error", "1,201 errors"]
    assert [words.entries(n) for n in (1, 2)] == ["1 entry", "2 entries"]
    assert words.workers(workers(completed=105, failed=2)) == "105 completed, 2 failed"
    assert words.summed([step("a", counts=counts(1, 2, 3, 4)), step("b", counts=counts(1, 1, 1, 1))]) == counts(
        2, 3, 4, 5
    )


def test_gaps_say_what_is_missing_and_why():
    """A reader would not know that entries are missing."""
    lag = Gap("7k3qm2xd", 1, 1300, 1300, "lag", 1300)
    assert words.gap(lag) == "1,300 entries of 7k3qm2xd not shown: the reader was too far behind"
    assert "deleted by retention" in words.gap(Gap(None, 1, 1, 1, "retention", 1))


def test_exit_codes_are_those_of_the_contract():
    """Scripts decide by them."""
    final = {status: exit_code(status) for status in Status if status.final and status != Status.SKIPPED}
    assert final == {"completed": 0, "warning": 0, "failed": 1, "cancelled": 3, "interrupted": 5}
    with pytest.raises(ValueError, match="running"):
        exit_code("running")
