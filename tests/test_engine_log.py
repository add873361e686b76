"""The log that steps and workers are handed: what is kept of an entry, and as of when."""

import pytest

from quaero_cli.engine.log import JobLog
from quaero_cli.model import LogLine, LogLines


@pytest.fixture
def told():
    return []


@pytest.fixture
def log(told):
    return JobLog(told.append, "aaaa", step="a")


def test_long_messages_are_split_and_marked(log, told):
    """An entry is at most 64 KiB, and nothing of a longer one is lost."""
    text = "äb" * 50_000
    log.info(text, key=1)
    pieces = [fact for fact in told if isinstance(fact, LogLine)]
    assert "".join(piece.message for piece in pieces) == text
    assert all(len(piece.message.encode()) <= 65_536 for piece in pieces)
    assert [piece.fields.get("continued", False) for piece in pieces] == [True] * (len(pieces) - 1) + [False]


@pytest.mark.parametrize("takes_lines", [True, False])
def test_what_a_child_prints_at_once_is_logged_whole(told, takes_lines):
    """Quick output would lose lines, their order, or who said them."""
    heard = []
    log = JobLog(told.append, "aaaa", step="a", worker=2, heard=heard.append, takes_lines=takes_lines)
    many = [(f"line {number}", False) for number in range(20)]
    log.write_pieces(20, many, "stdout")
    log.write_pieces(20, [*many, ("part", True), ("rest", False)], "stderr")
    log.write_pieces(20, many[:1], "stdout")
    lines = [line for fact in told for line in (fact.messages if isinstance(fact, LogLines) else [fact.message])]
    texts = [text for text, _ in many]
    assert lines == heard == [*texts, *texts, "part", "rest", texts[0]]
    assert {(fact.job, fact.step, fact.worker, fact.originator) for fact in told} == {("aaaa", "a", 2, "worker")}
    assert [fact.message for fact in told if isinstance(fact, LogLine) and fact.fields == {"continued": True}] == [
        "part"
    ]
    assert sum(isinstance(fact, LogLines) for fact in told) == takes_lines


def test_odd_levels_and_messages_are_taken(log, told):
    """Libraries log at levels of their own; a reader knows four."""
    for level in (-5, 5, 10, 25, 30, 39, 50):
        log.write(level, 17)
    assert [(fact.level, fact.message) for fact in told] == [(level, "17") for level in (10, 10, 10, 20, 30, 30, 40)]


class Unspeakable:
    def __str__(self):
        raise RuntimeError("no words")


def test_fields_are_kept_as_they_were_when_they_were_logged(log, told):
    """A job that logs its state in a loop would find its last state in every line."""
    state = {"done": 0, "names": ["x"], "big": 2**70, 1: {2, 3}}
    for number in (1, 2):
        state["done"] = number
        log.info("state", state=state, count=number)
    state["names"].clear()
    assert [fact.fields["state"]["done"] for fact in told] == [1, 2]
    assert told[0].fields["state"] == {"done": 1, "names": ["x"], "big": 2**70, "1": [2, 3]}


def test_a_broken_object_is_logged_as_far_as_it_goes(log, told):
    """A line about a strange object would fail the step that only wanted to tell of it."""
    loop: list = []
    loop.append(loop)
    log.info(Unspeakable(), thing=Unspeakable(), loop=loop)
    (line,) = told
    assert line.message == line.fields["thing"] == "<Unspeakable without a text: RuntimeError>"


def test_a_table_of_fields_may_be_used_again(log, told):
    """A job that keeps one table of fields for all its lines would change those that are not stored yet."""
    fields = {"page": 1}
    log.write(20, "one", fields=fields)
    fields["page"] = 2
    log.write(20, "two", fields=fields)
    assert [fact.fields["page"] for fact in told] == [1, 2]
