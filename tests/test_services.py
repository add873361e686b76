"""Service steps: when they can be used, and what becomes of those that cannot."""

import http.server
import socket
import threading
from contextlib import contextmanager

import pytest
import trio
from ports import own_port

from quaero_cli.engine.readiness import Readiness
from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.model import Ready
from quaero_cli.model import Status

USED = """
    [step.site]
    type = "{type}"
    service = true
    {more}
    [step.use]
    type = "work"
    depends = "site"
    say = "use {{job.id}}"
"""


async def test_a_service_that_never_says_it_is_ready_fails(stage, autojump_clock):
    """What needs it would wait for ever, and nobody would know for what."""
    text = USED.format(type="service", more="seconds = 1000\nready = { timeout = '5s' }")
    assert await stage.play(text) is Status.FAILED
    assert stage.states() == {"site": "failed", "use": "skipped"}
    assert stage.reason("site") == "not ready after 5 s: it never called ctx.ready()"
    assert stage.seconds == pytest.approx(5)


async def test_a_service_that_was_not_ready_is_started_again(stage, autojump_clock):
    """A database that sometimes hangs at its start would fail the job that would have had it a moment later."""
    more = "seconds = 1000\nready = { timeout = '5s' }\nretries = { limit = 1, delay = '1s' }"
    assert await stage.play(USED.format(type="service", more=more)) is Status.FAILED
    assert stage.reason("site") == "not ready after 5 s: it never called ctx.ready(), after 2 attempts"
    assert stage.seconds == pytest.approx(11)


async def test_it_has_a_minute_when_nothing_else_is_said(stage, autojump_clock):
    """A service that hangs at its start would hang its job."""
    assert await stage.play(USED.format(type="service", more="seconds = 1000")) is Status.FAILED
    assert stage.seconds == pytest.approx(60)


async def test_a_line_of_its_log_says_that_it_is_ready(stage, autojump_clock):
    """A server that picks its port tells it in a line; what follows would not find it."""
    text = """
        [params.word]
        default = "listening"
        [step.site]
        type = "talker"
        service = true
        ready = { log = '{params.word} on port (?P<port>\\d+)' }
        [step.use]
        type = "work"
        depends = "site"
        say = "port {steps.site.outputs.port}"
    """
    assert await stage.play(text, {"word": "listening"}) is Status.COMPLETED
    assert stage.messages("use")[1] == "port 8081"
    assert stage.seconds == pytest.approx(3)


@pytest.mark.parametrize("log", ["on port 8081", "port [::]:80", "(unclosed"])
async def test_a_text_stands_for_itself(stage, autojump_clock, log):
    """Whoever writes a piece of a line would have to know what a regular expression is."""
    assert await stage.play(USED.format(type="talker", more=f"ready = {{ log = '{log}' }}")) is Status.COMPLETED


async def test_no_such_line_fails_it(stage, autojump_clock):
    """The reason is what the author has to mend."""
    more = "ready = { log = 'never said', timeout = '9s' }"
    assert await stage.play(USED.format(type="talker", more=more)) is Status.FAILED
    assert stage.reason("site") == "not ready after 9 s: no line of its log said so"


async def test_a_type_that_does_not_announce_itself_is_ready_when_it_has_started(stage, autojump_clock):
    """Most programs say nothing; they would never be ready."""
    text = USED.format(type="quiet", more="")
    assert await stage.play(text) is Status.COMPLETED
    assert stage.order == ["quiet begins", "use begins", "use ends", "quiet ends"]
    assert stage.seconds == pytest.approx(2)


async def test_a_function_may_say_it_itself(stage, autojump_clock):
    """A function that prepares for a while and then hands over its port would be used too early."""
    text = USED.format(type="quiet", more="ready = { call = true }").replace("{job.id}", "{steps.site.outputs.port}")
    assert await stage.play(text) is Status.COMPLETED
    assert stage.messages("use")[1] == "use 7"
    assert stage.seconds == pytest.approx(3)


async def test_what_ready_names_is_filled_and_checked(stage, autojump_clock):
    """A port that another step left as text would be no port; a word would be waited for."""
    text = """
        [step.a]
        type = "work"
        output = { port = "none" }
        [step.site]
        type = "quiet"
        depends = "a"
        service = true
        ready = { port = "{steps.a.outputs.port}" }
        [step.use]
        type = "work"
        depends = "site"
    """
    assert await stage.play(text) is Status.FAILED
    assert stage.reason("site") == "ready: port: must be a port, 1 to 65535, not 'none'"


# ------------------------------------------------------------------ the world


@contextmanager
def listening(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        listener.listen()
        yield listener.getsockname()[1]


async def test_a_port_is_ready_when_somebody_listens():
    """The first request of the next step would be refused."""
    with listening() as port:
        assert await Readiness(Ready("port", 30, port)).wait() == {}
    port = own_port()
    with pytest.raises(StepFailed, match=f"not ready after 0.3 s: nothing listens on port {port}"):
        await Readiness(Ready("port", 0.3, port)).wait()


async def test_it_asks_until_somebody_listens():
    """A server that needs a second would have failed at the first look."""
    port = own_port()
    async with trio.open_nursery() as nursery:
        ready = trio.Event()

        async def wait():
            await Readiness(Ready("port", 30, port)).wait()
            ready.set()

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert not ready.is_set()
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
            await ready.wait()


@contextmanager
def web_server(*statuses):
    """Answers with these, one after the other, and stays with the last."""
    waiting = list(statuses)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(waiting.pop(0) if len(waiting) > 1 else waiting[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_url_is_ready_when_it_answers_well(monkeypatch):
    """A server that listens but is not up yet answers 503; and a proxy answers for whatever is behind it."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    with web_server(503, 500, 204) as url:
        assert await Readiness(Ready("url", 30, url)).wait() == {}


@pytest.mark.parametrize("status", [404, 503])
async def test_a_url_that_answers_badly_is_not_ready(status):
    """The reason names the URL and the answer."""
    with web_server(status) as url, pytest.raises(StepFailed, match=f"{url} answered {status}"):
        await Readiness(Ready("url", 0.5, url)).wait()


async def test_a_url_that_does_not_answer_says_why():
    """Refused, or no HTTP at all: the author would look in the wrong place."""
    url = f"http://127.0.0.1:{own_port()}/"
    with pytest.raises(StepFailed, match=f"{url} did not answer: connection refused"):
        await Readiness(Ready("url", 0.5, url)).wait()
    with pytest.raises(StepFailed, match="did not answer: "):
        await Readiness(Ready("url", 0.5, "http://a b:x/")).wait()
