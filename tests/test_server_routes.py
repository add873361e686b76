"""The API apart from the stream: what each route answers, and its errors."""

import json

import pytest
from serving import Web, running

from quaero_cli.errors import DefinitionError, StoreError
from quaero_cli.model import Level, Status
from quaero_cli.server.encode import to_json
from quaero_cli.server.limits import Limits

JOB = "scope=job&job_id=j1"


def _fill(web: Web) -> None:
    web.add_job("j1")
    web.log("j1", *[f"line {number}" for number in range(10)], step="fetch")
    web.log("j1", "careful", level=Level.WARN)
    web.log("j1", "details", level=Level.DEBUG)


async def test_pages(tmp_path):
    """Scrolling up in the viewer would skip lines or show some twice."""
    async with running(tmp_path) as web:
        _fill(web)
        newest = (await web.get(f"/api/logs?{JOB}&limit=4")).json()
        assert [entry["id"] for entry in newest["logs"]] == [8, 9, 10, 11]
        assert newest["meta"]["has_more"] is True
        before = (await web.get(f"/api/logs?{JOB}&limit=4&before=8")).json()
        assert [entry["id"] for entry in before["logs"]] == [4, 5, 6, 7]
        since = (await web.get(f"/api/logs?{JOB}&limit=100&since=9")).json()
        assert [entry["id"] for entry in since["logs"]] == [10, 11]
        around = (await web.get(f"/api/logs?{JOB}&limit=3&around=5&level=debug")).json()
        assert 5 in [entry["id"] for entry in around["logs"]]
        assert [entry["message"] for entry in (await web.get(f"/api/logs?{JOB}&q=CAREFUL")).json()["logs"]] == [
            "careful"
        ]
        assert (await web.get(f"/api/logs?{JOB}&limit=0")).json()["logs"] == []
        assert (await web.get("/api/logs?scope=job&job_id=nope")).status == 404
        assert (await web.get(f"/api/logs?{JOB}&step=nope")).status == 400
        assert (await web.get("/api/logs?scope=service")).json()["logs"] == []


async def test_jobs(tmp_path):
    """The list of jobs would be wrong or in a wrong order."""
    async with running(tmp_path) as web:
        for number in range(5):
            web.add_job(f"j{number}", definition="odd" if number % 2 else "even")
        web.finish("j0")
        web.finish("j1", Status.FAILED)

        async def ids(query: str) -> list[str]:
            return [job["id"] for job in (await web.get(f"/api/jobs{query}")).json()["jobs"]]

        assert await ids("") == ["j4", "j3", "j2", "j1", "j0"]
        assert await ids("?limit=2") == ["j4", "j3"]
        assert await ids("?limit=2&before=j3") == ["j2", "j1"]
        assert await ids("?status=completed&status=failed") == ["j1", "j0"]
        assert await ids("?definition=odd") == ["j3", "j1"]
        assert (await web.get("/api/jobs?before=nope")).status == 404


async def test_one_job(tmp_path):
    """The page of a job would lack its steps or counts."""
    async with running(tmp_path) as web:
        _fill(web)
        job = (await web.get("/api/jobs/j1")).json()
        assert job["job"]["status"] == "running"
        assert job["job"]["counts"] == {"debug": 1, "info": 10, "warn": 1, "error": 0}
        assert [step["name"] for step in job["steps"]] == ["fetch"]
        assert {"workers", "parameters", "outputs"} <= set(job)
        for name in ("nope", "J1", "..", "%2e%2e", "a%00b", "x" * 300):
            answer = await web.get(f"/api/jobs/{name}")
            assert answer.status == 404, name
            assert answer.json()["error"]


async def test_whole_logs(tmp_path, monkeypatch):
    """A downloaded log would lack lines, or the page boundary would repeat one."""
    monkeypatch.setattr("quaero_cli.server.log_routes._EXPORT_PAGE", 5)
    async with running(tmp_path) as web:
        _fill(web)
        web.add_job("j2")
        answer = await web.get("/api/jobs/j1/logs.ndjson")
        assert answer.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in answer.body.splitlines()]
        assert [line["job_line"] for line in lines] == list(range(1, 13))
        text = await web.get("/api/jobs/j1/logs.txt")
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        assert text.body.decode().splitlines()[-2:] == ["warn careful", "debug details"]
        assert (await web.get("/api/jobs/j2/logs.ndjson")).body == b""
        head = await web.request("HEAD", "/api/jobs/j1/logs.txt")
        assert head.body == b""
        assert "content-length" not in head.headers, "it would say that the log is empty"
        for kind in ("txt", "ndjson"):
            assert (await web.get(f"/api/jobs/nope/logs.{kind}")).status == 404
        assert (await web.get("/api/jobs/j1/logs.csv")).status == 404


async def test_cancel(tmp_path):
    """A job could not be stopped from the viewer, or a finished one would seem to be."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        answer = await web.post("/api/jobs/j1/cancel")
        assert (answer.status, answer.json()) == (202, {"job_id": "j1", "status": "running"})
        web.finish("j1")
        assert (await web.post("/api/jobs/j1/cancel")).status == 409
        assert (await web.post("/api/jobs/nope/cancel")).status == 404
        assert (await web.get("/api/jobs/j1/cancel")).status == 405


async def test_definitions_and_execute(tmp_path):
    """Starting a job from the viewer would fail without saying why."""
    async with running(tmp_path) as web:
        listed = (await web.get("/api/job-definitions")).json()
        assert [definition["id"] for definition in listed["definitions"]] == ["hello", "news-crawler"]
        assert (await web.get("/api/job-definitions/hello")).json() == {"id": "hello"}
        assert (await web.get("/api/job-definitions/nope")).status == 404
        run = "/api/job-definitions/hello/execute"
        answer = await web.post(run, {"n": 3})
        assert (answer.status, answer.json()) == (202, {"job_id": "new1", "status": "pending"})
        assert (await web.post(run)).status == 202
        assert web.actions.executed == [("hello", {"n": 3}), ("hello", {})]
        assert (await web.post(run, {"n": "three"})).status == 400
        assert (await web.post("/api/job-definitions/nope/execute")).status == 404
        assert (await web.post("/api/job-definitions/news-crawler/execute")).status == 409
        for bad in ([1], "text", 5):
            assert (await web.post(run, bad)).status == 400
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
            assert (await web.post(run, {"n": 1}, kind)).status == 415
        for body in (b"{", b'{"n": }', b"\xff", b"[" * 60_000, b'{"n": NaN}'):
            headers = web.headers(Content_Type="application/json")
            assert (await web.request("POST", run, headers, body)).status == 400
        for name in ("..", "%2e%2e%2fetc", "a%2Fb", ".hidden", "a%00", "-x", "x" * 200):
            assert (await web.post(f"/api/job-definitions/{name}/execute")).status == 404, name
        assert len(web.actions.executed) == 2


async def test_failures_are_logged_and_not_shown(tmp_path):
    """A traceback would go to the browser, and nobody else would see it."""
    async with running(tmp_path) as web:
        web.actions.failure = ZeroDivisionError("the secret is 42")
        answer = await web.get("/api/job-definitions?")
        assert answer.status == 500
        assert set(answer.json()) == {"error", "hint"}
        assert b"ZeroDivision" not in answer.body
        assert b"secret" not in answer.body
        line = next(line for line in web.said if line[0] == Level.ERROR)
        assert line[2]["error"] == "ZeroDivisionError"
        assert line[2]["path"] == "/api/job-definitions"
        assert "Traceback" in line[2]["traceback"]
        web.actions.failure = ExceptionGroup("several", [ValueError("x")])
        assert (await web.get("/api/job-definitions")).status == 500
        web.actions.failure = DefinitionError("a.toml: broken", hint="mend it")
        assert (await web.get("/api/job-definitions")).json() == {"error": "a.toml: broken", "hint": "mend it"}
        web.actions.failure = StoreError("the disk is full")
        answer = await web.get("/api/job-definitions")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        web.actions.failure = None
        assert (await web.get("/api/job-definitions")).status == 200


async def test_unknown_routes_and_methods(tmp_path):
    """A script would get a page of HTML where it expects JSON, or be redirected somewhere."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        for target in ("/api", "/api/", "/api/jobs/", "/api//jobs", "/api/jobs/j1/", "/api/jobs/j1/again",
                       "/api/./jobs", "/api/jobs/../jobs", "/API/jobs", "/index.html"):  # fmt: skip
            answer = await web.get(target)
            assert answer.status == 404, target
            assert set(answer.json()) == {"error", "hint"}
        assert (await web.get("//api/jobs")).status == 400
        for method, target, allowed in (
            ("POST", "/api/jobs", "GET, HEAD"),
            ("PUT", "/api/jobs/j1", "DELETE, GET, HEAD"),
            ("OPTIONS", "/api/logs/stream", "GET, HEAD"),
            ("GET", "/api/job-definitions/hello/execute", "POST"),
            ("TRACE", "/", "GET, HEAD"),
        ):
            answer = await web.request(method, target, web.headers())
            assert answer.status == 405, (method, target)
            assert ", ".join(sorted(answer.headers["allow"].split(", "))) == allowed
            assert answer.json()["error"]


async def test_health(tmp_path):
    """A probe would need the token, or learn something without it."""
    async with running(tmp_path, limits=Limits(grace_seconds=5)) as web:
        host = web.headers()[:1]
        answer = await web.request("GET", "/api/health", host)
        assert (answer.status, answer.json()) == (200, {"status": "ok"})
        assert (await web.request("HEAD", "/api/health", host)).body == b""


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"n": 2**80}, {"n": 2**80}),
        ({"s": "a\ud800b"}, None),
        ({"f": float("nan")}, {"f": None}),
        ({"t": "</script>\r\n\u2028"}, {"t": "</script>\r\n\u2028"}),
    ],
)
def test_any_value_is_encoded(value, wanted):
    """One odd value in one entry would end the streams of everybody who sees it."""
    encoded = to_json({"fields": value})
    assert b"\n" not in encoded
    assert b"\r" not in encoded
    decoded = json.loads(encoded)["fields"]
    assert wanted is None or decoded == wanted
