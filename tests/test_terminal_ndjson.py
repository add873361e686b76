"""The JSON stream and JSON lists."""

import io
import json
import re

from hypothesis import given
from hypothesis import strategies as st
from terminal_facts import entry, logs, running

from quaero_cli.stream.events import Gap
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.display import open_display
from quaero_cli.terminal.tables import json_array, json_object


def test_a_stream_is_one_object_a_line_and_ends_with_the_end():
    """Scripts that follow a job could not parse it, or would wait for ever."""
    out, err = io.StringIO(), io.StringIO()
    first, second = entry(1, "a\nb \u2028", worker=1, fields={"x": [1]}), entry(2, "c")
    with open_display(mode="json", out=Terminal(out, {}), err=Terminal(err, {})) as display:
        display.status(running())
        display.logs(logs([first, second]))
        display.gap(Gap("7k3qm2xd", 3, 4, 2, "lag", 4))
        display.notice("words")
        display.ended("7k3qm2xd", "failed", 1)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert events == [
        {"event": "status", **running()},
        {"event": "log", **first},
        {"event": "log", **second},
        {"event": "gap", "job_id": "7k3qm2xd", "from_id": 3, "to_id": 4, "count": 2, "reason": "lag"},
        {"event": "end", "job_id": "7k3qm2xd", "status": "failed", "exit_code": 1},
    ]
    assert err.getvalue() == "words\n"


@given(st.dictionaries(st.text(st.characters()), st.text(st.characters()) | st.integers() | st.none()))
def test_json_comes_back_as_it_was_and_moves_no_cursor(value):
    """A parser would see something else than was logged; or a terminal would obey what it is shown."""
    line = json_object(value)
    assert json.loads(line) == value
    assert line.endswith("\n")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", line[:-1])


def test_a_list_is_one_array():
    """`quaero jobs --json | jq length` would fail, most of all when there are none."""
    assert json.loads(json_array([{"a": 1}, {"b": 2}])) == [{"a": 1}, {"b": 2}]
    assert json.loads(json_array([])) == []
