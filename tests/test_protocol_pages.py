"""Pages of the log and lists of jobs, over HTTP, as the protocol describes them."""

import pytest
from serving import running

from quaero_cli.model import Level, Status
from quaero_cli.store.entries import PAGE_BYTES

JOB = "scope=job&job_id=j1"


def _texts(page: dict) -> list[str]:
    return [entry["message"] for entry in page["logs"]]


async def _numbered(web, count: int) -> None:
    web.add_job("j1")
    web.log("j1", *[f"line {number}" for number in range(1, count + 1)])


async def test_places_of_a_page(tmp_path):
    """Scrolling up would skip lines, or show some twice."""
    async with running(tmp_path) as web:
        await _numbered(web, 30)
        newest = (await web.get(f"/api/logs?{JOB}&limit=5")).json()
        assert _texts(newest) == [f"line {n}" for n in range(26, 31)]
        assert newest["meta"] == {
            "total_count": 30, "displayed_count": 30, "has_more": True, "oldest_id": 26, "newest_id": 30,
            "counts": {"debug": 0, "info": 30, "warn": 0, "error": 0},
        }  # fmt: skip
        older = (await web.get(f"/api/logs?{JOB}&limit=5&before={newest['meta']['oldest_id']}")).json()
        assert _texts(older) == [f"line {n}" for n in range(21, 26)]
        since = (await web.get(f"/api/logs?{JOB}&limit=3&since=10")).json()
        assert _texts(since) == ["line 11", "line 12", "line 13"]
        assert since["meta"]["has_more"] is True
        around = (await web.get(f"/api/logs?{JOB}&limit=4&around=10")).json()
        assert _texts(around) == ["line 9", "line 10", "line 11", "line 12"]
        for place, limit, oldest, newest in (
            (1, 10, 1, 10), (3, 10, 1, 10), (5, 10, 1, 10), (6, 10, 2, 11), (29, 10, 21, 30), (30, 9, 22, 30),
            (0, 4, 1, 4), (900, 4, 27, 30), (15, 1, 15, 15), (15, 2, 15, 16), (15, 5000, 1, 30),
        ):  # fmt: skip
            around = (await web.get(f"/api/logs?{JOB}&limit={limit}&around={place}")).json()
            assert _texts(around) == [f"line {n}" for n in range(oldest, newest + 1)], (place, limit)
            assert around["meta"]["has_more"] == (oldest > 1)
        first = (await web.get(f"/api/logs?{JOB}&before=4")).json()
        assert (_texts(first), first["meta"]["has_more"]) == (["line 1", "line 2", "line 3"], False)
        epoch = (await _first_id(web)).split("-")[0]
        assert (await web.get(f"/api/logs?{JOB}&limit=3&since={epoch}-10")).json() == since


async def _first_id(web) -> str:
    async with web.events(JOB) as events:
        await anext(events)
        return (await anext(events)).id


async def test_meta_is_exact_with_each_filter(tmp_path):
    """The counts above the log would not be those of the log."""
    async with running(tmp_path) as web:
        web.add_job("j1", steps=("fetch", "store"))
        for step, level, number in (
            ("fetch", Level.DEBUG, 5), ("fetch", Level.INFO, 4), ("store", Level.WARN, 3), ("store", Level.ERROR, 2),
            (None, Level.INFO, 1),
        ):  # fmt: skip
            web.log("j1", *["text"] * number, step=step, level=level)
        every = {"debug": 5, "info": 5, "warn": 3, "error": 2}
        store = {"debug": 0, "info": 0, "warn": 3, "error": 2}
        for query, total, displayed, counts in (
            ("level=debug", 15, 15, every), ("level=info", 15, 10, every), ("level=warn", 15, 5, every),
            ("level=error", 15, 2, every), ("step=store", 5, 5, store), ("step=j1.store&level=error", 5, 2, store),
            ("step=store&step=fetch&level=warn", 14, 5, {**every, "info": 4}),
            ("q=TEX", None, None, None), ("q=nothing", None, None, None),
        ):  # fmt: skip
            meta = (await web.get(f"/api/logs?{JOB}&{query}")).json()["meta"]
            assert (meta["total_count"], meta["displayed_count"], meta["counts"]) == (total, displayed, counts), query
            async with web.events(f"{JOB}&{query}") as events:
                opening = [await anext(events) for _ in range(3)]
            assert opening[2].data["meta"] == meta, query


async def test_a_page_of_the_largest_entries_is_bounded(tmp_path):
    """One request for 5,000 entries of 64 KB would take 300 MB of the server's memory, and of the browser's."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.add_job("j2")
        for number in range(180):
            web.log(("j1", "j2")[number % 3 == 0], f"{number}:" + "x" * 60_000, "small")
        query = f"{JOB}&job_id=j2&limit=5000"
        down: list[dict] = []
        place = "&since=0"
        while page := (await web.get(f"/api/logs?{query}{place}")).json()["logs"]:
            assert sum(len(entry["message"]) for entry in page) < PAGE_BYTES + 400_000
            down += page
            place = f"&since={page[-1]['id']}"
        up: list[dict] = []
        place = ""
        while page := (answer := (await web.get(f"/api/logs?{query}{place}")).json())["logs"]:
            assert sum(len(entry["message"]) for entry in page) < PAGE_BYTES + 100_000
            up = page + up
            assert answer["meta"]["has_more"] == (page[0]["id"] > 1)
            place = f"&before={page[0]['id']}"
        assert [entry["id"] for entry in down] == [entry["id"] for entry in up] == list(range(1, 361))


@pytest.mark.parametrize("route", ["/api/logs", "/api/logs/stream"])
async def test_an_unknown_step_names_the_parameter(tmp_path, route):
    """A script would not know which of its values was wrong, nor which are right."""
    async with running(tmp_path) as web:
        web.add_job("j1", steps=("fetch", "store"))
        answer = await web.get(f"{route}?{JOB}&step=fetsch")
        assert answer.status == 400
        body = answer.json()
        assert body["parameter"] == "step"
        assert body["allowed"] == "one of: fetch, store"
        assert "fetsch" in body["error"]


async def test_lists_of_jobs_page_by_page(tmp_path):
    """The list of jobs would skip one, or show it on two pages."""
    async with running(tmp_path) as web:
        for number in range(25):
            web.add_job(f"a{number:02}", definition="one" if number % 2 else "two")
            if number % 5 == 0:
                web.finish(f"a{number:02}", Status.FAILED)
        seen: list[str] = []
        place = ""
        while jobs := (await web.get(f"/api/jobs?limit=10{place}")).json()["jobs"]:
            seen += [job["id"] for job in jobs]
            place = f"&before={seen[-1]}"
        assert seen == [f"a{number:02}" for number in reversed(range(25))]
        failed = (await web.get("/api/jobs?status=failed&definition=two")).json()["jobs"]
        assert [job["id"] for job in failed] == ["a20", "a10", "a00"]
        both = (await web.get("/api/jobs?status=failed&status=running&limit=500")).json()["jobs"]
        assert len(both) == 25
        assert (await web.get("/api/jobs?before=zzz")).status == 404


async def test_exports_are_streams_of_the_whole_log(tmp_path):
    """A long log would be held in memory whole before its first byte is sent; or the file would lack lines."""
    async with running(tmp_path) as web:
        await _numbered(web, 9000)
        web.log("j1", "quiet", level=Level.DEBUG)
        for kind, content in (("txt", "text/plain; charset=utf-8"), ("ndjson", "application/x-ndjson")):
            answer = await web.get(f"/api/jobs/j1/logs.{kind}")
            assert answer.headers["content-type"] == content
            assert answer.headers["transfer-encoding"] == "chunked"
            assert answer.headers["content-disposition"] == f'attachment; filename="j1.{kind}"'
            assert answer.body.count(b"\n") == 9001
            assert b"quiet" in answer.body.splitlines()[-1]
        assert (await web.get("/api/jobs/nope/logs.txt")).status == 404
