"""The viewer's files: what is served, and that nothing else is."""

import os

import pytest
from serving import running

from quaero_cli.server.files import Files

NAMES = frozenset({"alpine.js"})


@pytest.fixture
def viewer(tmp_path):
    """A viewer's folder with a secret beside it."""
    root = tmp_path / "viewer"
    for name, text in {
        "index.html": "<!doctype html>", "css/page.css": "a{}", "js/page.js": "1", "js/lib/deep.js": "2",
        "favicon.svg": "<svg/>",
        "package.json": "{}", "js/notes.md": "no", ".npmrc": "no", ".hidden/x.js": "no",
        "node_modules/evil/x.js": "no",
        "tests/unit/x.js": "no", "vendor/other.js": "no", "js/page.js.map": "no",
    }.items():  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "secret.js").write_text("secret")
    os.symlink(tmp_path / "secret.js", root / "js" / "link.js")
    os.symlink(tmp_path, root / "up")
    return root


def _files(root, installed=True):
    vendored = root / "node_modules" / "evil" / "x.js"
    return Files(root, lambda name: vendored if installed else None, NAMES)


def test_table(viewer):
    """Tests, notes, packages or what a link points to would be served."""
    files = _files(viewer)
    assert files.names() == ["css/page.css", "favicon.svg", "index.html", "js/lib/deep.js", "js/page.js"]
    assert files.get("vendor/alpine.js").body == b"no"
    assert files.get("vendor/other.js") is None


def test_changed_and_removed_files(viewer):
    """Whoever works on the viewer would see the old file until the server is started anew."""
    files = _files(viewer)
    first = files.get("js/page.js")
    assert files.get("js/page.js") is first
    (viewer / "js" / "page.js").write_text("changed")
    assert files.get("js/page.js").body == b"changed"
    assert files.get("js/page.js").etag != first.etag
    (viewer / "js" / "page.js").unlink()
    assert files.get("js/page.js") is None


async def test_serving(tmp_path, viewer):
    """The viewer would not load, or be fetched whole each time."""
    async with running(tmp_path, files=_files(viewer)) as web:
        host = web.headers()[:1]
        index = await web.request("GET", "/", host)
        assert (index.status, index.headers["content-type"]) == (200, "text/html; charset=utf-8")
        for target, kind in (
            ("/static/js/page.js", "text/javascript; charset=utf-8"),
            ("/static/js/lib/deep.js", "text/javascript; charset=utf-8"),
            ("/static/css/page.css", "text/css; charset=utf-8"),
            ("/static/vendor/alpine.js", "text/javascript; charset=utf-8"),
            ("/favicon.svg", "image/svg+xml"),
        ):
            answer = await web.request("GET", target, host)
            assert (answer.status, answer.headers["content-type"]) == (200, kind), target
            again = await web.request("GET", target, [*host, ("If-None-Match", answer.headers["etag"])])
            assert (again.status, again.body) == (304, b"")
            assert (await web.request("GET", target, [*host, ("If-None-Match", '"other"')])).status == 200
        assert (await web.request("GET", "/favicon.ico", host)).status == 404


HOSTILE = [
    "/static/", "/static//etc/passwd", "/static/../secret.js", "/static/..%2fsecret.js", "/static/%2e%2e/secret.js",
    "/static/%2e%2e%2fsecret.js", "/static/%252e%252e%252fsecret.js", "/static/js/../../secret.js",
    "/static/..\\secret.js",
    "/static/..%5csecret.js", "/static/%c0%ae%c0%ae/secret.js", "/static/js/page.js%00", "/static/js/page.js%00.css",
    "/static/%00", "/static/js%2fpage.js/", "/static/js/page.js/..", "/static/js/./page.js", "/static/js//page.js",
    "/static//js/page.js", "/static/C:/windows/x.js", "/static/file:///etc/passwd", "/static/%2fetc%2fpasswd",
    "/static/js/link.js", "/static/up/secret.js", "/static/package.json", "/static/.npmrc", "/static/.hidden/x.js",
    "/static/node_modules/evil/x.js", "/static/tests/unit/x.js", "/static/vendor/other.js",
    "/static/vendor/../js/page.js",
    "/static/vendor/..%2f..%2fsecret.js", "/static/js/notes.md", "/static/js/page.js.map", "/static/js",
    "/static/JS/page.js",
    "/static/js/page.js ".strip() + "%20", "/static/js/page.js.", "/static/js/page.js~",
    "/static/js/page.js%0d%0aX-A:1",
    "/static/%ef%bc%8e%ef%bc%8e/secret.js", "/static/js/page.js;x=1", "/favicon.png", "/favicon.svg/..",
    "/favicon/../secret.js",
]  # fmt: skip


async def test_hostile_paths(tmp_path, viewer):
    """A file of the machine would be read through the viewer, without the token."""
    async with running(tmp_path, files=_files(viewer)) as web:
        for target in HOSTILE:
            answer = await web.request("GET", target, web.headers()[:1])
            assert answer.status == 404, target
            assert b"secret" not in answer.body.replace(target.encode(), b"").replace(b"secret.js", b""), target
            assert "x-a" not in answer.headers
        assert (
            await web.request("GET", "/static/js%2fpage.js", web.headers()[:1])
        ).status == 200  # one and the same name


async def test_missing_packages_are_named(tmp_path, viewer):
    """A fresh checkout would show an empty page and no reason."""
    async with running(tmp_path, files=_files(viewer, installed=False)) as web:
        for target in ("/", "/static/vendor/alpine.js"):
            answer = await web.request("GET", target, web.headers()[:1])
            assert answer.status == 503
            assert b"npm ci --prefix viewer" in answer.body
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert (await web.request("GET", "/static/js/page.js", web.headers()[:1])).status == 200


async def test_no_viewer_at_all(tmp_path):
    """The API would not start without the viewer's folder."""
    async with running(tmp_path, files=_files(tmp_path / "none")) as web:
        assert (await web.get("/")).status == 503
        assert (await web.get("/api/jobs")).status == 200


PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
TYPED = {
    "/jobs/7k3qm2xd": "../#/job/7k3qm2xd", "/job/7k3qm2xd": "../#/job/7k3qm2xd", "/jobs": "./#/", "/jobs/": "../#/",
    "/documents/12": "../#/document/12", "/definitions": "./#/definitions", "/workers": "./#/workers",
    "/service": "./#/service",
}  # fmt: skip


async def test_an_address_that_a_person_types_leads_to_the_viewer(tmp_path, viewer):
    """Who types `/jobs/ID`, or follows a link to it, would see JSON; or a script would be sent to a page."""
    async with running(tmp_path, files=_files(viewer)) as web:
        for path, address in TYPED.items():
            for headers in (web.headers(Accept=PAGE), [*web.headers(token="wrong"), ("Accept", PAGE)]):
                answer = await web.request("GET", path, headers)
                assert (answer.status, answer.headers["location"], answer.body) == (302, address, b"")
                assert answer.headers["x-content-type-options"] == "nosniff"
            assert (await web.get(path, Accept="*/*")).status == 404
            assert (await web.request("GET", path, web.headers(token="wrong"))).status == 401
            assert (await web.request("POST", path, web.headers(Accept=PAGE))).status == 404
            evil = web.headers(Accept=PAGE, Origin="http://evil.example")
            assert (await web.request("GET", path, evil)).status == 403
        for path in (
            "/api/jobs/7k3qm2xd",
            "/jobs/a%20b",
            "/jobs/a%0d%0ax",
            "/jobs//x",
            "/jobs/x/y",
            "/workers/x",
            "/x",
        ):
            assert (await web.get(path, Accept=PAGE)).status == 404, path
