"""Query strings: the corpus of what is refused, and in which words."""

import re
from contextlib import suppress

import pytest
from documents import ROOT
from hypothesis import given
from hypothesis import strategies as st
from serving import running

from quaero_cli.model import Level, LogQuery
from quaero_cli.server.cursor import Cursor, parse_cursor
from quaero_cli.server.filters import MAX_SERVICE_LIMIT, STREAM_RULES, read_page_request, read_stream_request
from quaero_cli.server.limits import Limits
from quaero_cli.server.params import BadParameter, read_query

JOB = b"scope=job&job_id=j1"


def test_defaults():
    """A viewer that asks for nothing special would get something odd."""
    asked = read_stream_request(JOB, None)
    assert asked.query == LogQuery(("j1",), (), Level.INFO)
    assert (asked.limit, asked.since) == (100, None)
    assert read_stream_request(b"scope=service", None).query == LogQuery()


def test_the_viewer_asks_for_no_larger_pages_than_there_are():
    """After a pause of the computer the service log would be refused for good: what it missed is one page."""
    source = (ROOT / "viewer" / "js" / "lib" / "history.js").read_text()
    (page,) = re.findall(r"^export const PAGE = (\d+);$", source, re.MULTILINE)
    asked = read_page_request(f"scope=service&since=3f2a-7&limit={page}".encode(), Limits())
    assert asked.limit == int(page) == MAX_SERVICE_LIMIT


def test_everything_at_once():
    """A filter would be lost on the way."""
    raw = JOB + b"&job_id=j2&job_id=j1&step=a&step=j1.b&level=warn&limit=5000&since=3f2a-7&q=a%20%C3%A4+b%26&skip=1"
    asked = read_stream_request(raw, "")
    assert asked.query == LogQuery(("j1", "j2"), ("a", "j1.b"), Level.WARN, None, "a ä b&")
    assert (asked.limit, asked.since) == (5000, Cursor("3f2a", 7))
    assert read_stream_request(raw, "3f2a-9").since == Cursor("3f2a", 9)


# (query, the parameter that is named)
REFUSED = [
    (b"", "scope"), (b"job_id=j1", "scope"), (b"scope=", "scope"), (b"scope=jobs", "scope"), (b"scope=JOB", "scope"),
    (b"scope=job&scope=job", "scope"), (b"scope=job", "job_id"), (b"scope=job&job_id=", "job_id"),
    (b"scope=service&job_id=j1", "job_id"), (b"scope=service&step=a", "step"), (b"scope=service&limit=501", "limit"),
    (JOB + b"&job_id=j1%0A", "job_id"), (JOB + b"&job_id=" + b"a" * 201, "job_id"),
    (JOB + b"&level=", "level"), (JOB + b"&level=INFO", "level"), (JOB + b"&level=20", "level"),
    (JOB + b"&level=info&level=warn", "level"), (JOB + b"&step=", "step"), (JOB + b"&step=a%00", "step"),
    *[
        (JOB + b"&limit=" + value, "limit")
        for value in (
            b"", b"-1", b"+1", b"5001", b"1.0", b"1e3", b"1_000", b"0x10", b"%201", b"1%20", b"1%0A", b"9" * 400,
            b"18446744073709551616", b"%D9%A3", b"%EF%BC%91%EF%BC%92", b"NaN", b"null", b"true", b"%00", b"1;2",
        )
    ],
    (JOB + b"&limit=1&limit=1", "limit"),
    *[
        (JOB + b"&since=" + value, "since")
        for value in (
            b"", b"-", b"5", b"a-", b"-5", b"a-b", b"a--5", b"a-5-6", b"a-%2B5", b"a-5%20", b"a-5%0A",
            b"a_b-5", b"a-" + b"9" * 19,
            b"%C3%A4-5", b"a-%D9%A3", b"a" * 33 + b"-5",
        )
    ],
    (JOB + b"&since=a-1&since=a-1", "since"), (JOB + b"&skip=", "skip"), (JOB + b"&skip=2", "skip"),
    (JOB + b"&skip=true", "skip"), (JOB + b"&q=", "q"), (JOB + b"&q=" + b"a" * 201, "q"), (JOB + b"&q=%00", "q"),
    (JOB + b"&q=a&q=b", "q"), (JOB + b"&workers=a-1", "workers"), (JOB + b"&Limit=5", "Limit"),
    (JOB + b"&before=5", "before"),
    (JOB + b"&=1", ""), (JOB + b"&constructor=1", "constructor"), (JOB + b"&job_id[]=j1", "job_id[]"),
    (JOB + b"&", "query"), (b"&" + JOB, "query"), (JOB + b"&level", "query"), (JOB + b"&q=%", "query"),
    (JOB + b"&q=%zz", "query"), (JOB + b"&q=%C3", "query"), (JOB + b"&q=%ED%A0%80", "query"),
    (JOB + b"&q=\xc3\xa4", "query"),
    (JOB + b"&step=a" * 251, "query"), (JOB + b"&job_id=j1" * 101, "job_id"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "name"), REFUSED)
def test_refused(raw, name):
    """A mistake would be taken for a wish: another scope's entries, or all of them."""
    with pytest.raises(BadParameter) as refusal:
        read_stream_request(raw, None)
    assert refusal.value.parameter == name
    assert refusal.value.hint.startswith(f"{name} takes ")
    assert refusal.value.message[0] == refusal.value.message[0].lower() or name[:1].isupper()


@pytest.mark.parametrize("header", ["5", "a-", "null", "a-b", "a-1, a-2", "\xe4-1", "a-1 "])
def test_malformed_last_event_id(header):
    """A client with a broken place would be answered as if it had none, and show lines twice."""
    with pytest.raises(BadParameter, match="Last-Event-ID"):
        read_stream_request(JOB, header)


def test_pages():
    """A page would come from another place than the one that was asked for."""
    for place in ("before", "since", "around"):
        asked = read_page_request(JOB + f"&{place}=18231&limit=500".encode())
        assert (asked.place, asked.cursor, asked.limit) == (place, 18231, 500)
        assert read_page_request(JOB + f"&{place}=3f2a-5".encode()).cursor == Cursor("3f2a", 5)
    assert read_page_request(JOB).place is None
    for raw in (
        b"&before=1&since=1",
        b"&around=1&before=2",
        b"&since=" + b"9" * 19,
        b"&before=-1",
        b"&skip=1",
        b"&since=x",
    ):
        with pytest.raises(BadParameter):
            read_page_request(JOB + raw)


def test_long_values_are_not_shown_whole():
    """An error would be as long as what caused it."""
    with pytest.raises(BadParameter) as refusal:
        read_query(b"limit=" + b"9" * 3000, STREAM_RULES)
    assert len(str(refusal.value)) < 200


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw):
    """Some query would be answered with 500."""
    with suppress(BadParameter):
        assert read_stream_request(JOB + b"&" + raw, None)


@given(st.from_regex(r"[0-9A-Za-z]{1,32}", fullmatch=True), st.integers(0, 10**18 - 1))
def test_cursors_come_back_as_they_went(epoch, number):
    """A client would resume at another place than it was told."""
    if not re.fullmatch(r"[0-9A-Za-z]{1,32}", epoch, re.ASCII):
        return
    assert parse_cursor(str(Cursor(epoch, number))) == Cursor(epoch, number)


async def test_errors_over_http(tmp_path):
    """A script would have to guess which parameter was wrong, and what it may be."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        for target, name in (
            ("/api/logs/stream?scope=job&job_id=j1&limit=-1", "limit"),
            ("/api/logs?scope=job", "job_id"),
            ("/api/logs?scope=job&job_id=j1&before=1&since=2", "since"),
            ("/api/jobs?status=done", "status"),
            ("/api/jobs?limit=0", "limit"),
            ("/api/jobs/j1?verbose=1", "verbose"),
            ("/api/jobs/j1/logs.txt?level=info", "level"),
            ("/api/job-definitions?x=1", "x"),
        ):
            answer = await web.get(target)
            assert answer.status == 400, target
            assert answer.headers["content-type"] == "application/json"
            body = answer.json()
            assert body["parameter"] == name
            assert name in body["error"]
            assert body["allowed"] in body["hint"]
        answer = await web.get("/api/logs/stream?scope=job&job_id=j1", Last_Event_ID="x")
        assert (answer.status, answer.json()["parameter"]) == (400, "Last-Event-ID")
        two = [*web.headers(), ("Last-Event-ID", "a-1"), ("Last-Event-ID", "a-2")]
        assert (await web.request("GET", "/api/logs/stream?scope=job&job_id=j1", two)).status == 400
        # Full-width and foreign digits get no further than the URL itself.
        assert (await web.get("/api/jobs?limit=%EF%BC%91")).status == 400
