"""What the viewer asks of a whole job: map, errors, hits and lines."""

from serving import running

from quaero_cli.model import Level


async def test_a_map_of_a_job(tmp_path):
    """The stripes beside the log would be in the wrong places."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        assert (await web.get("/api/jobs/j1/map?parts=2")).json() == {
            "lines": 0,
            "warnings": [0, 0],
            "errors": [0, 0],
        }
        web.log("j1", *["fine"] * 50)
        web.log("j1", "bad", "worse", level=Level.ERROR)
        web.log("j1", *["fine"] * 46)
        web.log("j1", "careful", "careful", level=Level.WARN)
        answer = (await web.get("/api/jobs/j1/map?parts=10")).json()
        assert answer == {"lines": 100, "warnings": [0] * 9 + [2], "errors": [0] * 5 + [2] + [0] * 4}
        for query in ("?parts=0", "?parts=1001", "?level=warn"):
            assert (await web.get(f"/api/jobs/j1/map{query}")).status == 400
        assert (await web.get("/api/jobs/nope/map")).status == 404


async def test_errors_by_kind(tmp_path):
    """A thousand errors of one cause would hide the other one."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log(
            "j1", *[f"item {number} of 'x{number}' failed" for number in range(30)], level=Level.ERROR, step="fetch"
        )
        web.log("j1", "disk full", level=Level.ERROR)
        web.log("j1", "fine")
        answer = (await web.get("/api/jobs/j1/errors")).json()
        assert [(group["message"], group["count"], group["steps"]) for group in answer["groups"]] == [
            ("item 0 of 'x0' failed", 30, ["fetch"]),
            ("disk full", 1, []),
        ]
        assert answer["complete"] is True
        assert answer["groups"][0]["first"]["job_line"] == 1
        assert (await web.get("/api/jobs/j1/errors?limit=1")).json()["complete"] is False


async def test_hits_and_lines(tmp_path):
    """Next and previous would miss hits, a link to a line would open another."""
    async with running(tmp_path) as web:
        web.add_job("j1", steps=("fetch", "save"))
        web.log("j1", *["needle", "hay"] * 3, step="fetch")
        web.log("j1", "Needle 100%", level=Level.WARN, step="save")
        answer = (await web.get("/api/jobs/j1/hits?q=NEEDLE")).json()
        assert answer == {"count": 4, "complete": True, "hits": [[1, 1], [3, 3], [5, 5], [7, 7]]}
        assert (await web.get("/api/jobs/j1/hits?q=needle&step=save&level=warn")).json()["hits"] == [[7, 7]]
        assert (await web.get("/api/jobs/j1/hits?q=needle&limit=2")).json()["complete"] is False
        assert (await web.get("/api/jobs/j1/hits?scope=job")).status == 400
        assert (await web.get("/api/jobs/j1/lines/3")).json() == {"job_line": 3, "id": 3}
        for line in ("0", "8", "x", "-1"):
            assert (await web.get(f"/api/jobs/j1/lines/{line}")).status == 404


async def test_originator_and_worker(tmp_path):
    """The filters of the log view would show other entries than they say."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "of the runner")
        web.log("j1", "of the step", step="fetch")
        page = "/api/logs?scope=job&job_id=j1&originator="
        assert [entry["message"] for entry in (await web.get(page + "step")).json()["logs"]] == ["of the step"]
        assert [entry["message"] for entry in (await web.get(page + "runner")).json()["logs"]] == ["of the runner"]
        assert (await web.get(page + "worker")).json()["logs"] == []
        assert (await web.get("/api/logs?scope=job&job_id=j1&worker=fetch-1")).json()["logs"] == []
        assert (await web.get("/api/logs?scope=service&worker=fetch-1")).status == 400
