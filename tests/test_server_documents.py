"""`/api/documents`: what the viewer reads of the collection."""

from serving import running


async def test_documents_are_listed_and_searched(tmp_path):
    """The viewer could not show what was collected."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.keep("http://a.example/1", title="Rain", text="It rains.", authors=("Ann",))
        web.keep("http://b.example/2", title="Sun", text="No rain today.", fetched_at=1_700_000_100_000_000)

        async def ids(query: str) -> list[int]:
            return [each["id"] for each in (await web.get(f"/api/documents{query}")).json()["documents"]]

        whole = (await web.get("/api/documents")).json()
        assert (whole["total"], whole["has_more"]) == (2, False)
        assert "text" not in whole["documents"][0]
        assert await ids("") == [2, 1]
        assert await ids("?limit=1") == [2]
        assert (await web.get("/api/documents?limit=1")).json()["has_more"] is True
        assert await ids("?limit=1&offset=1") == [1]
        assert await ids("?q=rain") == [1, 2]
        assert await ids("?site=a.example") == [1]
        assert await ids("?job_id=j1") == [2, 1]
        assert await ids("?job_id=j2") == []
        assert await ids("?since=2023-11-14T22%3A15%3A00Z") == [2]
        assert (await web.get("/api/documents?q=sun")).json()["documents"][0]["snippet"] == "**Sun**"


async def test_one_document(tmp_path):
    """An article could not be read in the browser."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.keep("http://a.example/1", title="Old")
        web.keep("http://a.example/1", title="New")
        one = (await web.get("/api/documents/1")).json()
        assert (one["title"], one["text"], one["authors"]) == ("New", "Text", [])
        assert [version["title"] for version in one["versions"]] == ["Old"]
        for name in ("2", "0", "-1", "1.0", "one", "%31%00", "9" * 30):
            assert (await web.get(f"/api/documents/{name}")).status == 404, name


async def test_parameters_are_read_strictly(tmp_path):
    """A misspelt filter would show the whole collection."""
    async with running(tmp_path) as web:
        wrong = (
            "limit=0",
            "limit=501",
            "offset=-1",
            "q=",
            "q=%22%2A",
            "since=yesterday",
            "since=2026-01-01",
            "sites=x",
            "q=a&q=b",
        )
        for query in wrong:
            answer = await web.get(f"/api/documents?{query}")
            assert answer.status == 400, query
            assert answer.json()["parameter"] == query.partition("=")[0]
        assert (await web.get("/api/documents?q=%22OR%20%28", token="wrong")).status == 401
        assert (await web.get("/api/documents?q=%22OR%20%28")).status == 200
