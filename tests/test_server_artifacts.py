"""`/api/jobs/{id}/artifacts/...`: the files that steps have left, and nothing else of the machine."""

import os

import pytest
from serving import running

from quaero_cli.server.limits import Limits

FILES = {
    "fetch/two\nlines\n": b"its name ends in one",
    "fetch/out.txt": b"hello",
    "fetch/empty": b"",
    "fetch/deep/er/report 1.html": b"<script>1</script>",
    'fetch/größe "1".csv': b"1;2",
    "check/large.bin": os.urandom(1_500_000),
}


def _fill(web, job="j1"):
    """A job with files; beside them a secret, which links of the step's lead to."""
    web.add_job(job)
    home = web.database.parent / "artifacts" / job
    for name, body in FILES.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    (web.database.parent / "secret.txt").write_bytes(b"secret")
    os.symlink(web.database.parent / "secret.txt", home / "fetch" / "link")
    os.symlink(web.database.parent, home / "fetch" / "up")
    os.symlink(web.database.parent, home / "linked")
    os.mkfifo(home / "fetch" / "pipe")
    (home / "fetch" / os.fsdecode(b"odd\xff")).write_bytes(b"odd")


async def test_each_listed_file_is_handed_out_for_saving(tmp_path):
    """A report would be listed and could not be had; or a page in it would run beside the viewer."""
    async with running(tmp_path) as web:
        _fill(web)
        listed = (await web.get("/api/jobs/j1")).json()["artifacts"]
        assert len(listed) == len(FILES) + 1
        for each in listed:
            name = f"{each['step']}/{each['name']}"
            answer = await web.get(f"/api/jobs/j1/artifacts/{_quoted(name)}")
            assert answer.status == 200, name
            assert answer.body == FILES.get(name, b"odd"), name
            assert len(answer.body) == each["bytes"]
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-disposition"].startswith("attachment; ")
        odd = _quoted('fetch/größe "1".csv')
        told = (await web.get(f"/api/jobs/j1/artifacts/{odd}")).headers
        assert told["content-disposition"] == (
            "attachment; filename=\"gr__e__1_.csv\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22.csv"
        )
        head = await web.request("HEAD", "/api/jobs/j1/artifacts/fetch/out.txt", web.headers())
        assert (head.status, head.body) == (200, b"")


def _quoted(name: str) -> str:
    return "".join(f"%{byte:02x}" if chr(byte) not in "/.abc" else chr(byte) for byte in name.encode())


HOSTILE = [
    "", "/", "//", ".", "..", "../secret.txt", "fetch", "fetch/", "fetch//out.txt", "fetch/./out.txt",
    "fetch/../../../secret.txt", "fetch/..%2f..%2f..%2fsecret.txt", "fetch/%2e%2e/%2e%2e/%2e%2e/secret.txt",
    "fetch/%252e%252e%252fsecret.txt", "fetch/..%5c..%5csecret.txt", "fetch/link", "fetch/up/secret.txt",
    "fetch/up", "fetch/pipe", "linked/secret.txt", "..%2fj1/fetch/out.txt", "%2e%2e/j1/fetch/out.txt",
    "../secret.txt/..", "../../secret.txt", "%2fetc/passwd", "fetch/%2fetc%2fpasswd", "/etc/passwd",
    "fetch/out.txt%00", "fetch/out.txt%0a", "fetch/out.txt/", "fetch/out.txt/..", "fetch/OUT.TXT", "fetch/out.txt%20",
    "fetch/deep", "fetch/deep/er", "fetch/deep/er/", "fetch/deep//er/report%201.html", "FETCH/out.txt",
    "fetch/%ef%bc%8e%ef%bc%8e/secret.txt", "fetch/%c0%ae%c0%ae/secret.txt", "fetch/odd%ff", "fetch/*", "*/out.txt",
    "fetch/out.txt;x=1", "fetch/file:///etc/passwd", "fetch/C:/x", "check/out.txt", "j2/fetch/out.txt",
]  # fmt: skip


async def test_nothing_else_is(tmp_path):
    """Any file of the machine could be read with a token that is for watching jobs."""
    async with running(tmp_path) as web:
        _fill(web)
        for name in HOSTILE:
            answer = await web.get(f"/api/jobs/j1/artifacts/{name}")
            assert answer.status == 404, name
            assert b"root:" not in answer.body, name
            assert answer.headers["content-type"] == "application/json", name
        for job in ("j2", "..", "%2e%2e", "J1", "*", "j1%2f..%2fj1"):
            assert (await web.get(f"/api/jobs/{job}/artifacts/fetch/out.txt")).status == 404, job
        assert (await web.get("/api/jobs/j1/artifacts/fetch/out.txt?inline=1")).status == 400
        assert (await web.request("POST", "/api/jobs/j1/artifacts/fetch/out.txt", web.headers())).status == 405


@pytest.mark.parametrize("given", ["", "wrong" * 9])
async def test_only_with_the_token(tmp_path, given):
    """Whoever reaches the port could read what jobs have made."""
    async with running(tmp_path) as web:
        _fill(web)
        headers = [header for header in web.headers(token=given or "-") if given or header[0] == "Host"]
        answer = await web.request("GET", "/api/jobs/j1/artifacts/fetch/out.txt", headers)
        assert (answer.status, b"hello" in answer.body) == (401, False)


async def test_a_deleted_jobs_files_are_gone(tmp_path):
    """Whoever deletes a job would leave its files for all to read."""
    async with running(tmp_path) as web:
        _fill(web)
        web.finish("j1")
        assert (await web.request("DELETE", "/api/jobs/j1", web.headers())).status == 202
        assert (await web.get("/api/jobs/j1/artifacts/fetch/out.txt")).status == 404


async def test_it_takes_a_place_and_gives_it_back(tmp_path):
    """Many downloads would take all files that the process may open; or none would go after a few."""
    async with running(tmp_path, limits=Limits(streams=1)) as web:
        _fill(web)
        for _ in range(3):
            assert (await web.get("/api/jobs/j1/artifacts/fetch/out.txt")).status == 200
            assert (await web.get("/api/jobs/j1/artifacts/fetch/none")).status == 404
