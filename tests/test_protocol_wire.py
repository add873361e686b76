"""The wire protocol, sentence by sentence, where no other test looks: shapes, filters, the moving cursor, sizes."""

import json
import re

import pytest
from serving import Event, running

from quaero_cli.model import Level, LogLine, Status, WorkerChanged
from quaero_cli.server.limits import Limits

JOB = "scope=job&job_id=j1"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOW = 1_700_000_000_000_000


def _number(event: Event) -> int:
    return int(event.id.split("-")[1])


def _messages(events: list) -> list[str]:
    return [
        entry["message"]
        for event in events
        if isinstance(event, Event) and event.name == "logs"
        for entry in event.data["logs"]
    ]


async def test_the_shape_of_entries(tmp_path):
    """A client that was written after the protocol would not find what it looks for."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.apply(WorkerChanged("j1", "fetch", 17, Status.RUNNING, NOW))
        web.apply(
            LogLine(
                "j1", "fetch", 17, NOW, 20, "of a worker", "worker", "crawler", {"status": 200, "duration_ms": 41}
            ),
            LogLine("j1", "fetch", None, NOW, 30, "of a step", "step", "crawler", None),
            LogLine("j1", None, None, NOW, 40, "of the runner", "", "runner", None),
        )
        web.log(None, "of the service")
        worker, step, runner = (await web.get(f"/api/logs?{JOB}")).json()["logs"]
        (service,) = (await web.get("/api/logs?scope=service")).json()["logs"]
    assert worker == {
        "id": 1, "timestamp": "2023-11-14T22:13:20.000Z", "level": "info", "message": "of a worker", "job_id": "j1",
        "step_id": "j1.fetch", "step_name": "fetch", "worker": "fetch-17", "originator": "worker",
        "source": "crawler", "line_number": 1, "job_line": 1, "fields": {"status": 200, "duration_ms": 41},
    }  # fmt: skip
    assert (step["originator"], step["line_number"], step["job_line"], step["level"]) == ("step", 2, 2, "warn")
    assert "fields" not in step
    assert "worker" not in step
    assert (runner["originator"], runner["line_number"], runner["job_line"]) == ("", 1, 3)
    assert not {"step_id", "step_name", "worker", "fields"} & set(runner)
    assert set(service) == {"id", "timestamp", "level", "message", "originator", "source"}


async def test_the_shape_of_a_status(tmp_path):
    """The tree of steps would lack a number, or show one that is not there."""
    async with running(tmp_path) as web:
        web.add_job("j1", steps=("fetch", "store"))
        web.apply(
            WorkerChanged("j1", "fetch", 1, Status.RUNNING, NOW),
            WorkerChanged("j1", "fetch", 2, Status.COMPLETED, NOW),
        )
        web.log("j1", "one", step="fetch")
        async with web.events(JOB) as events:
            await anext(events)
            status = (await anext(events)).data
    assert set(status) == {"job", "steps"}
    assert {"id", "definition", "name", "status", "progress", "started_at", "finished_at", "error"} <= set(
        status["job"]
    )
    fetch = status["steps"][0]
    assert fetch["id"] == "j1.fetch"
    assert fetch["workers"] == {"pending": 0, "running": 1, "completed": 1, "failed": 0, "cancelled": 0}
    assert fetch["progress_text"] == "0 pending, 1 running, 1 completed, 0 failed"
    assert fetch["counts"] == {"debug": 0, "info": 1, "warn": 0, "error": 0}
    assert {"name", "type", "status", "progress", "started_at", "finished_at"} <= set(fetch)


async def test_filtered_entries_move_the_cursor(tmp_path):
    """A reader of errors alone would read a whole night's log again each time that it comes back."""
    async with running(tmp_path, limits=Limits(ping_seconds=0.1)) as web:
        web.add_job("j1")
        async with web.events(f"{JOB}&level=error") as events:
            for _ in range(3):
                await anext(events)
            web.log("j1", *["only info"] * 50)
            async for event in events:
                if event.name == "ping" and _number(event) == 50:
                    assert set(event.data) == {"timestamp"}
                    assert STAMP.fullmatch(event.data["timestamp"])
                    break
            web.log("j1", "an error", level=Level.ERROR)
            async for event in events:
                if event.name == "logs":
                    break
            web.log("j1", "another info")
        assert _number(event) == 51
        async with web.events(f"{JOB}&level=error", Last_Event_ID=event.id) as events:
            opening = [await anext(events) for _ in range(3)]
        assert opening[2].data["logs"] == []
        assert opening[2].data["meta"]["has_more"] is True
        assert opening[2].data["meta"]["displayed_count"] == 1


async def test_batches_are_bounded(tmp_path):
    """One event of 60 MB would freeze the page, and take the memory of whoever reads it."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", *["x" * 60_000] * 30)
        for text in ("small", "ä" * 200, "\x1b[1m" * 40, "\x01" * 20_000):
            web.log("j1", *[text] * (50 if len(text) > 1000 else 2500), step="fetch")
        web.finish("j1")
        epoch = (await web.all_events(JOB))[1].id.split("-")[0]
        events = await web.all_events(f"{JOB}&since={epoch}-0")
        batches = [event.data["logs"] for event in events[1:] if event.name == "logs"]
        raw = (await web.get(f"/api/logs/stream?{JOB}&since={epoch}-0")).body
    assert sum(map(len, batches)) == 30 + 7500 + 50 + 1
    assert max(map(len, batches)) <= 2000
    sizes = [len(frame) for frame in raw.split(b"\n\n") if b"event: logs" in frame]
    assert max(sizes) <= 256 * 1024
    assert sorted(sizes)[len(sizes) // 2] > 160 * 1024, "as few events as there can be, nearly"
    assert [event.name for event in events[1:]].count("status") == 1
    ids = [entry["id"] for batch in batches for entry in batch]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("q=NEEDLE", ["a needle", "Needle, too"]), ("q=%C3%84%C3%9Fe", ["äße"]), ("q=100%25", ["100% sure"]),
        ("step=store", ["a needle"]), ("step=j1.fetch", ["Needle, too"]),
        ("step=store&step=fetch&q=too", ["Needle, too"]),
        ("level=error", ["loud"]), ("level=warn", ["careful", "loud"]), ("worker=fetch-3", ["Needle, too"]),
        ("q=nothing+like+it", []),
    ],
)  # fmt: skip
async def test_the_filters_of_the_stream_are_those_of_the_pages(tmp_path, query, wanted):
    """Scrolling up would bring entries that the stream has held back, or lack some."""
    async with running(tmp_path) as web:
        web.add_job("j1", steps=("fetch", "store"))
        web.apply(WorkerChanged("j1", "fetch", 3, Status.RUNNING, NOW))
        web.log("j1", "a needle", step="store")
        web.apply(LogLine("j1", "fetch", 3, NOW, 20, "Needle, too", "worker", "", None))
        web.log("j1", "äße", "100% sure", "100 sure")
        web.log("j1", "careful", level=Level.WARN)
        web.log("j1", "loud", level=Level.ERROR)
        web.log("j1", "a quiet needle", level=Level.DEBUG)
        events = []
        async with web.events(f"{JOB}&{query}") as stream:
            for _ in range(3):
                events.append(await anext(stream))
        assert _messages(events) == wanted
        page = (await web.get(f"/api/logs?{JOB}&{query}")).json()
        assert [entry["message"] for entry in page["logs"]] == wanted
        assert page["meta"] == events[2].data["meta"]
        if "q=" in query or "worker=" in query:
            assert page["meta"]["total_count"] is page["meta"]["displayed_count"] is page["meta"]["counts"] is None


async def test_limits_of_the_scopes(tmp_path):
    """A page of the service could be as large as a job's, or a limit be refused that is allowed."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        for target, status in (
            (f"{JOB}&limit=5000", 200), (f"{JOB}&limit=5001", 400), (f"{JOB}&limit=0", 200),
            ("scope=service&limit=500", 200), ("scope=service&limit=501", 400), ("scope=service&step=a", 400),
            ("scope=both", 400), ("limit=5", 400), (f"{JOB}&skip=1", 200), (f"{JOB}&skip=yes", 400),
        ):  # fmt: skip
            async with web.stream(target) as (found, _):
                assert found == status, target
        for method, status in (("HEAD", 200), ("POST", 405), ("OPTIONS", 405), ("PUT", 405), ("DELETE", 405)):
            answer = await web.request(method, f"/api/logs/stream?{JOB}", web.headers())
            assert answer.status == status, method
            assert status == 200 or answer.json()["error"]


HOSTILE = [
    "", " ", "data: {}", "x\n\nevent: end\ndata: {}", "a\rb", "a\r\nb", "id: beef-99", ": comment", "retry: 1",
    "\u2028\u2029\x85\x0b\x0c", "\x00nul", "\x1b]0;title\x07\x1b[31m", "\ud800 half", "\udfff\ud83d", "\U0001f600",
    "\ufeffmark", "\uffff", '"quoted" \\u0000', "</script><img src=x onerror=alert(1)>", "é" * 40_000,
    "\x01" * 65_000,
]  # fmt: skip


def _as_the_standard_says(body: bytes) -> list[tuple[str, str, str]]:
    """Read a stream as a browser does: a line ends with CR, LF or both. Return (event, id, data)."""
    found, event, id_, data = [], "", "", []
    for line in re.split("\r\n|\n|\r", body.decode()):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            found += [(event, id_, "\n".join(data))] if data else []
            event, data = "", []
        elif name == "event":
            event = value
        elif name == "id":
            id_ = value
        elif name == "data":
            data.append(value)
        else:
            assert name == "retry", line[:80]
            assert int(value) >= 500, line
    return found


async def test_hostile_lines_stay_within_their_events(tmp_path):
    """A line that a job prints would end the stream of whoever watches, move its cursor, or break its page."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", *HOSTILE, odd="\r\n\n\u2028\x00\ud800", **{"key\n\ndata": 1})
        web.finish("j1")
        answer = await web.get(f"/api/logs/stream?{JOB}")
        told = _as_the_standard_says(answer.body)
        assert {name for name, _, _ in told} == {"status", "logs", "end"}
        assert [name for name, _, _ in told].count("end") == 1
        entries = [entry for name, _, data in told if name == "logs" for entry in json.loads(data)["logs"]]
        wanted = [text.replace("\0", "\\x00").encode(errors="backslashreplace").decode() for text in HOSTILE]
        assert [entry["message"] for entry in entries[:-1]] == wanted
        assert all("key\n\ndata" in entry["fields"] for entry in entries[:-1])
        assert (await web.get(f"/api/logs?{JOB}&limit=5000")).json()["logs"] == entries
        lines = (await web.get("/api/jobs/j1/logs.ndjson")).body.split(b"\n")
        assert [json.loads(line) for line in lines[:-1]] == entries
