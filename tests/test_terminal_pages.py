"""Lists, `show` and the summary, compared whole at several widths."""

import io
import re
from datetime import UTC

import pytest
from golden_files import check_golden
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from terminal_facts import ERRORS, NOW, at, counts, failed, step, summary

from quaero_cli.terminal.cells import cells, fit, fit_end, wrap
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.lists import definitions_table, jobs_table, step_type_page, step_types_table
from quaero_cli.terminal.page import Cell, Column, Page, table
from quaero_cli.terminal.palette import Paint
from quaero_cli.terminal.show import show_page
from quaero_cli.terminal.summary import Summary, summary_page, what_failed, write_summary
from quaero_cli.terminal.tables import write_job, write_jobs

JOBS = [
    summary("failed", finished=at("10:31:57.000"), total=1331, level_counts=counts(info=1292, warn=30, error=9)),
    summary("running", ident="9zzqm2aa", total=12345, level_counts=counts(debug=5, info=12340)),
    {**summary("completed", ident="2bbbm2xd", finished=at("10:30:45.500"), total=3), "definition": "hello"},
    {**summary("pending", ident="4cccm2xd"), "definition": "nightly-import-of-everything", "started_at": None},
    {**summary("interrupted", ident="5dddm2xd", total=1234567), "started_at": "2025-01-12T10:00:00.000Z",
     "finished_at": "2025-01-12T13:07:00.000Z"},
]  # fmt: skip
EMPTY = {"description": "", "steps": [{}], "schedule": [], "enabled": True, "error": None}
DEFINITIONS = [
    {**EMPTY, "id": "news-crawler", "name": "News Crawler", "steps": [{}, {}],
     "description": "Crawls a news site and keeps its articles", "schedule": ["*/30 7-19 * * 1-5"],
     "timezone": "Europe/Berlin", "parameters": [{"name": "start_urls", "required": False},
                                                 {"name": "site", "required": True}],
     "next_fire_at": "2026-01-15T11:00:00.000Z",
     "path": "/usr/lib/python3/site-packages/quaero_cli/_jobdefs/news-crawler.toml"},
    {**EMPTY, "id": "broken", "name": "", "path": "jobdefs/broken.toml", "steps": [], "enabled": False,
     "error": "jobdefs/broken.toml: step fetch: unknown key 'max_page'", "hint": "did you mean max_pages?"},
    {**EMPTY, "id": "off", "name": "Off", "path": "jobdefs/off.toml", "enabled": False},
    {**EMPTY, "id": "off", "name": "Off", "path": "/usr/lib/off.toml", "shadowed_by": "jobdefs/off.toml"},
]  # fmt: skip
SHELL = {
    "type": "shell",
    "summary": "Run a command and log its output line by line.",
    "description": "Run a command and log\nits output line by line.\n\n"
    "The child has a process group of its own,\nand nothing of it is left.\n\nIts exit code counts.",
    "options": [
        {"name": "command", "type": "string or list of strings", "default": None,
         "description": "what to run: a line for the shell, or a list of words that runs without one"},
        {"name": "levels", "type": "bool", "default": "false",
         "description": "read levels from JSON or `LEVEL message` lines"},
    ],
}  # fmt: skip
HTTP = {"type": "http", "summary": "Ask a URL, and fail when the answer is not as expected.", "options": []}
GOOD = {
    **failed(),
    "job": summary("completed", finished=at("10:31:57.000"), level_counts=counts(info=12)),
    "documents": 0,
}
GOOD["steps"] = GOOD["steps"][:1]

PAGES = {
    "jobs": lambda page: jobs_table(JOBS, page),
    "definitions": lambda page: definitions_table(DEFINITIONS, page),
    "step_types": lambda page: step_types_table([SHELL, HTTP], page),
    "step_type": lambda page: step_type_page(SHELL, page),
    "show": lambda page: show_page(failed(), ERRORS, page),
    "summary_failed": lambda page: summary_page(Summary(failed(), {"fetch": ERRORS}), page),
    "summary_completed": lambda page: summary_page(Summary(GOOD), page),
}


def page(width, *, color=False, unicode=True):
    return Page(width, Paint(color=color), unicode, NOW, UTC)


@pytest.mark.parametrize("width", [60, 100, 160, None])
@pytest.mark.parametrize("name", PAGES)
def test_pages_look_as_they_should(name, width):
    """Columns would stand askew, or be cut in a pipe."""
    text = PAGES[name](page(width))
    check_golden(f"{name}_{width or 'pipe'}.txt", text)
    if width:
        # Entries are never cut: the terminal wraps them.
        assert all(cell_len(line) <= width for line in text.splitlines() if not line.startswith(("10:", "    │")))


@pytest.mark.parametrize("name", PAGES)
def test_colour_changes_no_letter(name):
    """What is said in colour would be missing without."""
    colored = PAGES[name](page(100, color=True))
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == PAGES[name](page(100))


@pytest.mark.parametrize("name", PAGES)
def test_an_ascii_terminal_gets_ascii(name):
    """In a C locale tables would be full of escapes."""
    assert PAGES[name](page(60, unicode=False)).isascii()


def test_a_page_says_what_a_job_was_started_for():
    """A late job could not be told from one on time, and a hook's would belong to a step named None."""
    report = failed()
    report["job"] |= {"trigger": "schedule", "scheduled_for": at("10:30:00.000"), "parent_id": "9zzqm2aa"}
    text = show_page(report, [], page(None))
    assert f"schedule, due {at('10:30:00.000')}\n" in text
    assert "parent      9zzqm2aa\n" in text
    assert "9zzqm2aa, step fetch\n" in show_page({**report, "parent_step": "fetch"}, [], page(None))
    report["job"] |= {"trigger": "retry", "scheduled_for": None, "retry_of": "8aaqm2zz"}
    assert "by          retry of 8aaqm2zz\n" in show_page(report, [], page(None))


def test_nothing_is_an_empty_page():
    """A title without a table would be taken for data by a script."""
    assert jobs_table([], page(80)) == definitions_table([], page(80)) == step_types_table([], page(80)) == ""


def test_what_is_written_is_the_page():
    """The commands would print something else than was checked here."""
    stream = io.StringIO()
    terminal = Terminal(stream, {})
    write_jobs(terminal, JOBS, now=NOW)
    write_job(terminal, failed(), ERRORS, now=NOW)
    write_summary(terminal, Summary(GOOD), now=NOW)
    assert stream.getvalue() == jobs_table(JOBS, page(None)) + show_page(failed(), ERRORS, page(None)) + summary_page(
        Summary(GOOD), page(None)
    )


def test_hostile_text_is_only_text():
    """An error message or a parameter could take over the terminal of whoever asks for the job."""
    bad = "\x1b[2J\u202e\n\ud800"
    report = failed()
    report["job"] |= {"name": bad, "definition": bad, "error": bad, "id": bad}
    report["steps"] = [step(bad, "failed", error=bad)]
    report["workers"] = [
        {
            "name": bad,
            "status": "failed",
            "label": bad,
            "error": bad,
            "attempt": 1,
            "started_at": None,
            "finished_at": None,
        }
    ]
    report |= {"parameters": {bad: bad}, "outputs": {bad: {bad: [bad]}}, "definition_path": bad}
    text = show_page(report, ERRORS, page(100)) + summary_page(Summary(report, {bad: ERRORS}), page(100))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)


TEXT = st.text(max_size=30)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5), st.integers(20, 120))
def test_tables_fit(rows, width):
    """A line would wrap, and the table be unreadable."""
    columns = (
        Column("NAME", least=4),
        Column("NOTE", least=4, wrap=True),
        Column("MORE", right=True, least=4, drop=1),
    )
    text = table(page(width), columns, [[Cell(part) for part in row] for row in rows])
    assert all(cell_len(line) <= width and line == line.rstrip(" ") for line in text.splitlines())


@given(TEXT, st.integers(0, 40))
def test_cutting_keeps_within_the_width(text, width):
    """A wide character at the edge would push a column to the right."""
    assert cells(fit(text, width)) <= width
    assert cells(fit_end(text, width)) <= max(width, 0)


@given(
    st.lists(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=30)),
    st.integers(1, 40),
)
def test_wrapping_loses_nothing(words, width):
    """The end of an error message would be missing."""
    text = " ".join(words)
    lines = wrap(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_failed_worker_says_why_and_not_those_that_went_well():
    """Of a thousand workers one failed: the last lines of the step would be those of the others."""
    report = failed()
    assert what_failed(report["steps"], report["workers"]) == [("fetch", "fetch-36")]
    text = summary_page(Summary(report), Page(100, Paint(color=False), unicode=True, now=NOW, tz=UTC))
    why = text.partition("Why\n")[2].splitlines()
    assert [line.split()[0] for line in why[2:5]] == ["fetch-36", "fetch-72", "fetch-108"]
    assert what_failed(report["steps"][:1], report["workers"]) == []
