"""The step type http against real servers: what it sends, what it makes of answers, how it says what went wrong."""

import gzip
import json as json_module
import socket
import ssl
from functools import partial
from pathlib import Path

import pytest
import trio
from fakes import FakeContext
from stage import Stage
from web import Answer

from quaero_cli.errors import DefinitionError, StepFailed
from quaero_cli.httpcall.call import MAX_BODY
from quaero_cli.httpcall.expect import json_difference, status_difference
from quaero_cli.jobdef.load import parse
from quaero_cli.masking.mask import Mask
from quaero_cli.steps.http import http
from quaero_cli.steps.registry import load_step_types

JSON = "application/json; charset=utf-8"


@pytest.fixture
def ctx(tmp_path):
    return FakeContext(tmp_path)


async def failure(ctx, **options) -> StepFailed:
    with pytest.raises(StepFailed) as caught:
        await http(ctx, **options)
    assert "\n" not in caught.value.message
    return caught.value


async def test_outputs_and_log(web, ctx):
    """Later steps would find nothing to go on with, and the log would not say what was asked."""
    web.add("/a", Answer(body='{"items": [{"id": 4}]}', content_type=JSON, headers={"X-Version": "7"}))
    outputs = await http(ctx, url=f"{web.url}/a")
    assert outputs["status"] == 200
    assert outputs["json"] == {"items": [{"id": 4}]}
    assert outputs["body"] == '{"items": [{"id": 4}]}'
    assert outputs["headers"]["x-version"] == "7"
    (line,) = ctx.lines
    assert line.message == f"GET {web.url}/a 200"
    assert line.fields["duration_ms"] >= 0
    assert {key: line.fields[key] for key in ("method", "status", "bytes")} == {
        "method": "GET", "status": 200, "bytes": 22
    }  # fmt: skip


async def test_what_is_sent(ctx):
    """An API would refuse a request that is not the one that the author wrote."""
    async with Recorder() as server:
        await http(ctx, url=server.url + "/p?q=1", json={"a": [1, "ä"]}, headers={"Authorization": "Bearer x"})
        await http(ctx, url=server.url, method="put", body="täxt")
        await http(ctx, url=server.url, method="HEAD")
        await http(ctx, url=server.url.replace("//", "//user:pass@") + "/b")
    first, second, third, fourth = server.requests
    assert first.startswith("POST /p?q=1 HTTP/1.1\r\n")
    assert json_module.loads(first.partition("\r\n\r\n")[2]) == {"a": [1, "ä"]}
    for header in ("authorization: Bearer x", "content-type: application/json", "user-agent: quaero/"):
        assert header in first
    assert "expect" not in first.lower()
    assert second.startswith("PUT / HTTP/1.1\r\n")
    assert second.endswith("\r\n\r\ntäxt")
    assert "content-length: 5" in second.lower()
    assert third.startswith("HEAD / ")
    assert "authorization: basic dxnlcjpwyxnz" in fourth.lower()
    assert "pass" not in "".join(line.message + str(line.fields) for line in ctx.lines)


class Recorder:
    """A server that keeps each request as it came, and answers 204."""

    async def __aenter__(self):
        self.requests: list[str] = []
        self._listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
        self.url = f"http://127.0.0.1:{self._listener.socket.getsockname()[1]}"
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        self._nursery.start_soon(partial(trio.serve_listeners, self._serve, [self._listener]))
        return self

    async def __aexit__(self, *error):
        self._nursery.cancel_scope.cancel()
        return await self._manager.__aexit__(*error)

    async def _serve(self, stream):
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < _announced(data):
            data += await stream.receive_some()
        self.requests.append(data.decode())
        await stream.send_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await stream.aclose()


def _announced(data: bytes) -> int:
    for line in data.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def test_an_unexpected_status_fails_and_shows_the_answer(web, ctx):
    """A broken deployment would pass for a good one, or its message would have to be looked up elsewhere."""
    web.add("/500", Answer(500, body="database is down"))
    error = await failure(ctx, url=f"{web.url}/500")
    assert error.message == f"GET {web.url}/500: status 500, not 2xx"
    assert ctx.lines[0].fields["body"] == "database is down"
    await http(ctx, url=f"{web.url}/500", expect_status=500)
    await http(ctx, url=f"{web.url}/500", expect_status=[200, 500])
    error = await failure(ctx, url=f"{web.url}/500", expect_status=[200, 404])
    assert error.message.endswith("status 500, not 200 or 404")


async def test_redirects_are_not_followed_but_told(web, ctx):
    """A token in a header would go to whoever the first server names."""
    web.add("/old", Answer(301, headers={"Location": "https://elsewhere.example/"}))
    error = await failure(ctx, url=f"{web.url}/old")
    assert error.hint == "it leads to https://elsewhere.example/; redirects are not followed"
    assert (await http(ctx, url=f"{web.url}/old", expect_status=301))["status"] == 301


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        ({"status": "ok"}, None),
        ({"items.0.id": 4, "items": [{"id": 4.0}, {}]}, None),
        ({"data": {"deep": {"x": None}}}, None),
        ({"a.b": 1}, None),  # a name with a dot in it
        ({"status": "down"}, 'status is "ok", not "down"'),
        ({"items.1.id": 4}, "items.1.id is not there"),
        ({"items.7": 4}, "items.7 is not there"),
        ({"items": [{"id": 4}]}, 'items is [{"id":4},{"id2":true}], not [{"id":4}]'),
        ({"data": {"deep": {"x": 1}}}, "data.deep.x is null, not 1"),
        ({"data": {"deep": "x"}}, 'data.deep is {"x":null}, not "x"'),
        ({"status": {"a": 1}}, 'status is "ok", not a table'),
        ({"items.1.id2": 1}, "items.1.id2 is true, not 1"),
    ],
)
def test_expectations_of_json(expected, difference):
    """A health check would pass on an answer that says "down"."""
    found = {"status": "ok", "items": [{"id": 4}, {"id2": True}], "data": {"deep": {"x": None}}, "a.b": 1}
    assert json_difference(found, expected) == difference


def test_expectations_of_the_status():
    """The default would take a redirect for success."""
    assert [status_difference(status, []) is None for status in (199, 200, 299, 300)] == [False, True, True, False]


async def test_json_that_is_expected_and_is_none(web, ctx):
    """A login page in HTML would pass for an answer of the API."""
    web.add("/", Answer(body="<html>"))
    web.add("/broken", Answer(body="{", content_type=JSON))
    error = await failure(ctx, url=web.url, expect_json={"a": 1})
    assert error.message.startswith(f"GET {web.url}/: the answer is no JSON: Expecting value")
    assert "json" not in await http(ctx, url=f"{web.url}/broken")
    web.add("/text", Answer(body='{"a": 1}', content_type="text/plain"))
    assert (await http(ctx, url=f"{web.url}/text", expect_json={"a": 1}))["json"] == {"a": 1}
    web.add("/list", Answer(body="[]", content_type=JSON))
    assert (await failure(ctx, url=f"{web.url}/list", expect_json={"a": 1})).message.endswith("a is not there")


async def test_bodies_are_bounded(web, ctx):
    """An answer of a gigabyte, or a small one that unpacks to it, would eat the runner's memory."""
    web.add("/big", Answer(body="x" * (MAX_BODY + 5000)))
    web.add("/packed", Answer(body=gzip.compress(b"y" * 50_000), headers={"Content-Encoding": "gzip"}))
    web.add("/bomb", Answer(body=gzip.compress(b"\0" * 300_000_000), headers={"Content-Encoding": "gzip"}))
    web.add("/odd", Answer(body=b"\xff\0a"))
    assert (await http(ctx, url=f"{web.url}/big"))["body"] == "x" * MAX_BODY
    assert ctx.lines[-1].fields["truncated"] is True
    assert (await http(ctx, url=f"{web.url}/packed"))["body"] == "y" * 50_000
    assert len((await http(ctx, url=f"{web.url}/bomb"))["body"]) <= 4 * MAX_BODY
    assert (await http(ctx, url=f"{web.url}/odd"))["body"] == "\\xff\\x00a"


async def test_a_secret_is_not_cut_in_two(web, ctx):
    """The beginning of a token at the end of a long answer would be stored."""
    ctx.mask = Mask(["hunter2-hunter2"])
    web.add("/cut", Answer(500, body="x" * 490 + "hunter2-hunter2"))
    web.add("/big", Answer(body="x" * (MAX_BODY - 7) + "hunter2-hunter2"))
    await failure(ctx, url=f"{web.url}/cut")
    assert "hunter" not in str(ctx.lines)
    assert "hunter" not in (await http(ctx, url=f"{web.url}/big"))["body"]


async def test_errors_of_the_network_are_one_line(web, ctx, tmp_path):
    """The author would have to know libcurl's numbers."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        error = await failure(ctx, url=url)
    assert error.message == f"GET {url}: connection refused: nobody listens there"
    error = await failure(ctx, url="http://no-such-host.invalid/")
    assert error.message.startswith(
        "GET http://no-such-host.invalid/: the host 'no-such-host.invalid' has no address: "
    )
    web.add("/cut", Answer(cut=True))
    web.add("/short", Answer(body="abc", short=10))
    for path in ("/cut", "/short"):
        error = await failure(ctx, url=f"{web.url}{path}")
        assert ": the connection ended before the answer was whole: " in error.message
    error = await failure(ctx, url=web.url.replace("http:", "https:"))
    assert ": no secure connection: " in error.message


async def test_a_certificate_that_nobody_signed_is_refused(ctx, tmp_path, nursery):
    """A token would be sent to whoever stands between."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    await trio.run_process(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        capture_stdout=True, capture_stderr=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)

    async def talk(stream):
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()

    listeners = await trio.open_ssl_over_tcp_listeners(0, context, host="127.0.0.1")
    nursery.start_soon(partial(trio.serve_listeners, talk, listeners))
    port = listeners[0].transport_listener.socket.getsockname()[1]
    error = await failure(ctx, url=f"https://localhost:{port}/")
    assert error.message.startswith(f"GET https://localhost:{port}/: no secure connection: ")
    assert "certificate" in error.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('url = "no url"', "step a: url: not a URL: 'no url'"),
        ('url = "ftp://x/"', "step a: url: not an http or https URL: 'ftp://x/'"),
        ('url = "file:///etc/passwd"', "not an http or https URL"),
        ('url = "http://x/"\nbody = "a"\njson = {}', "step a: body and json cannot stand together"),
        ('url = "http://x/"\nbody = "{params.p}"\njson = 1', "step a: body and json cannot stand together"),
        ('url = "http://x/"\nmethod = "GET /x"', "step a: method: 'GET /x' is no HTTP method"),
        ('url = "http://x/"\nheaders = { "A B" = "c" }', "step a: headers: 'A B' cannot be the name of a header"),
        ('url = "http://x/"\nheaders = { A = "b\\r\\nC: d" }', "step a: headers: the header A holds a line break"),
        (
            'url = "http://x/"\nheaders = { A = "\\u001b" }',
            "step a: headers: the header A holds a line break or another",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_when_the_file_is_loaded(options, message):
    """A mistake would show when the job runs, at night; or a value would smuggle a header, or read a file."""
    text = f'[params.p]\n[step.a]\ntype = "http"\n{options}\n'
    with pytest.raises(DefinitionError) as caught:
        parse(text, path=Path("job.toml"), step_types=load_step_types())
    assert message in caught.value.message


async def test_what_is_known_only_when_the_step_starts_is_refused_then(tmp_path):
    """A parameter would bring in what the file itself may not hold."""
    stage = Stage(tmp_path, more_types=load_step_types())
    text = """
        [params.url]
        [step.a]
        type = "http"
        url = "{params.url}"
    """
    assert await stage.play(text, {"url": "file:///etc/passwd"}) == "failed"
    assert "not an http or https URL: 'file:///etc/passwd'" in stage.reason("a")


async def test_the_time_limit(web, ctx, monkeypatch):
    """A server that never answers would hold the job for ever."""
    monkeypatch.setattr("quaero_cli.steps.http.DEFAULT_SECONDS", 0.3)
    web.add("/slow", Answer(gate=trio.Event()))
    error = await failure(ctx, url=f"{web.url}/slow")
    assert error.message == f"GET {web.url}/slow: no complete answer within 0.3 s"
    ctx.timeout = 3600  # the engine's affair
    with trio.move_on_after(1) as scope:
        await http(ctx, url=f"{web.url}/slow")
    assert scope.cancelled_caught
