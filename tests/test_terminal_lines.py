"""Entries as lines, for pipes and for terminals."""

import re
from datetime import UTC, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from terminal_facts import entry

from quaero_cli.terminal.fields import field_value, inline_fields
from quaero_cli.terminal.lines import LineFormat
from quaero_cli.terminal.palette import Paint

PLAIN = Paint(color=False)


def test_a_line_says_when_how_bad_who_what_and_the_facts():
    """Scripts that read the plain log would break, and readers would miss whose line it is."""
    form = LineFormat(PLAIN)
    worker = entry(5123, "Fetched /a.html", worker=17, fields={"status": 200, "duration_ms": 41})
    assert form.line(worker) == (
        "2026-01-15T10:31:05.123Z INFO  fetch-17 [worker]  Fetched /a.html  status=200 duration_ms=41\n"
    )
    assert form.line(entry(1, "Started", "warn")) == "2026-01-15T10:31:00.001Z WARN  fetch [step]       Started\n"
    runner = entry(2, "Status changed: running", step_name="", originator="")
    assert form.line(runner) == "2026-01-15T10:31:00.002Z INFO                     Status changed: running\n"


def test_several_jobs_are_told_apart():
    """Lines of two jobs followed at once could not be told apart."""
    form = LineFormat(PLAIN, jobs=True)
    text = form.batch([entry(1, "a", job_id="aaaaaaaa"), entry(2, "b\nc", job_id="bbbbbbbb")])
    assert [line[:11] for line in text.splitlines()] == ["aaaaaaaa │ ", "bbbbbbbb │ ", "bbbbbbbb │ "]


def test_a_message_cannot_pass_for_another_entry():
    """A log line with a newline could forge the entries of somebody else."""
    form = LineFormat(PLAIN)
    text = form.line(entry(1, "ok\n2026-01-15T10:31:00.001Z ERROR root forged", fields={"note": "x\ny"}))
    first, *more = text.splitlines()
    assert first.endswith("ok")
    assert more == ["    │ 2026-01-15T10:31:00.001Z ERROR root forged", "    │ note:", "    │ x", "    │ y"]


def test_fields_are_quoted_where_a_word_would_not_do():
    """`key=value` could not be taken apart again."""
    fields = {
        "a": "word",
        "b": "two words",
        "c": "",
        "d": 'q"q',
        "e": None,
        "f": True,
        "g": [1, {"x": "y z"}],
        "h i": 1,
    }
    inline, blocks = inline_fields(fields | {"j": 1.5, "k": "a=b", "l": "\x1b[2J"})
    assert inline == (
        r'  a=word b="two words" c="" d="q\"q" e=null f=true g=[1,{"x":"y z"}] "h i"=1 j=1.5 k="a=b" l=\x1b[2J'
    )
    assert blocks == []
    assert field_value(object()).startswith('"<object object')


def test_local_times_name_the_day_where_it_changes():
    """The log of yesterday would look like one of today."""
    form = LineFormat(PLAIN, clock="local", tz=timezone(timedelta(hours=-10, minutes=-30)), today="2026-01-15")
    today, next_day = entry(1, "a"), entry(2, "b")
    next_day["timestamp"] = "2026-01-16T10:31:00.000Z"
    assert form.batch([today, next_day, next_day]).splitlines() == [
        "00:01:00.001 INFO  fetch [step]  a",
        "2026-01-16",
        "00:01:00.000 INFO  fetch [step]  b",
        "00:01:00.000 INFO  fetch [step]  b",
    ]


def test_a_narrow_terminal_gets_short_lines():
    """At 60 columns times and tags would leave no room for the message."""
    form = LineFormat(PLAIN, clock="local", today="2026-01-15", tz=UTC)
    form.fit(60)
    assert form.line(entry(1, "a", worker=17)) == "10:31:00 INFO  fetch-17  a\n"
    form.fit(100)
    assert form.line(entry(1, "a", worker=17)) == "10:31:00.001 INFO  fetch-17 [worker]  a\n"


def test_colour_carries_nothing_alone():
    """Without colour, or to a colour-blind reader, levels would vanish."""
    lines = [
        entry(number, "text", level, worker=number) for number, level in enumerate(("debug", "info", "warn", "error"))
    ]
    colored = LineFormat(Paint(color=True)).batch(lines)
    assert "\x1b[1;31mERROR\x1b[0m" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == LineFormat(PLAIN).batch(lines)


TEXT = st.text(st.characters(), max_size=20)


@given(
    st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT, st.dictionaries(TEXT, TEXT | st.integers() | st.none(), max_size=3)))
)
def test_whatever_is_logged_makes_printable_lines(facts):
    """One strange entry could end `tail`, or take over the terminal."""
    form = LineFormat(PLAIN, jobs=True)
    for message, level, step, job_id, fields in facts:
        text = form.line(entry(1, message, level, step_name=step, job_id=job_id, fields=fields))
        assert text.endswith("\n")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
