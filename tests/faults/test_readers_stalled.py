"""Readers that stop reading: they cost little, harm nobody, are let go, and never keep the server from stopping."""

import http.client
import json
import os
import resource
import signal
import socket
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

from proxies import NGINX, proxy_to
from shells import PATIENCE, Server, Shell, first_job
from stores import NOW, Scribe, line, start_job

from quaero_cli.model import Level, LogLine
from quaero_cli.settings import Settings
from quaero_cli.store.schema import prepare

# Megabytes that a thousand stalled readers may cost.
MEMORY = 80
# What a smaller run may cost beside its share: the first readers pay for what all of them use.
MEMORY_BASE = 24
QUIET = """
id = "quiet"
[step.listen]
type = "shell"
command = "echo listening; read words < {fifo}; echo said: $words"
"""


def _open_files(number: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, number)), hard))


def _shell(tmp_path) -> Shell:
    """A home with a running job of 20 MB."""
    shell = Shell(tmp_path, {"QUAERO_SERVER_MAX_STREAMS": "2000"})
    settings = Settings(home=shell.home)
    prepare(settings.database)
    start_job(settings, "j1")
    with closing(Scribe(settings)) as scribe:
        for _ in range(20):
            scribe.write([LogLine("j1", "work", None, NOW, 20, "x" * 10_000, "step", "", None)] * 100)
        scribe.write([line("j1", "the last")])
    return shell


def _open(server: Server, *, stalled: bool) -> socket.socket:
    connection = socket.socket()
    if stalled:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", server.port))
    limit = 5000 if stalled else 1
    connection.sendall(
        f"GET /api/logs/stream?scope=job&job_id=j1&limit={limit} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {server.token}\r\n\r\n".encode()
    )
    return connection


def _memory(server: Server) -> float:
    """Resident megabytes of the server."""
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


@contextmanager
def _serving(shell: Shell):
    # Nobody runs the job: it is marked as interrupted when the server starts, so its readers get an end, too.
    with shell.serving() as server:
        yield server


def test_stalled_readers_cost_little_and_are_let_go(tmp_path, campaign):
    """A thousand frozen tabs would take the server's memory, and everybody else's log with it."""
    number = campaign(100, 1000)
    _open_files(number + 500)
    shell = _shell(tmp_path)
    with _serving(shell) as server, ExitStack() as stack:
        before = _memory(server)
        stalled = [stack.enter_context(closing(_open(server, stalled=True))) for _ in range(number)]
        for each in stalled:
            each.recv(100)  # its answer has begun
        assert server.get("/api/jobs")["jobs"][0]["id"] == "j1"
        assert _memory(server) - before < MEMORY_BASE + MEMORY * number / 1000
        # The service's stream tells how many there are; each of them is reset, none is waited for longer than it may.
        for event, _, data in server.stream("/api/logs/stream?scope=service&level=error"):
            if event == "status" and data["service"]["streams"] == 1:
                break
        assert server.get("/api/logs?scope=service&level=debug")["logs"]


def test_sigterm_with_stalled_readers(tmp_path, campaign):
    """A server with one frozen tab could only be killed."""
    number = campaign(60, 300)
    _open_files(number + 500)
    shell = _shell(tmp_path)
    with _serving(shell) as server, ExitStack() as stack:
        stalled = [stack.enter_context(closing(_open(server, stalled=True))) for _ in range(number)]
        for each in stalled:
            each.recv(100)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(PATIENCE)
        assert time.monotonic() - started < campaign(PATIENCE, 10)


def test_sigterm_with_live_readers(tmp_path, campaign):
    """Viewers would show an error instead of coming back when the server is updated."""
    number = campaign(30, 100)
    _open_files(number + 500)
    shell = Shell(tmp_path)
    with _serving(shell) as server, ExitStack() as stack:
        live = []
        for _ in range(number):
            connection = stack.enter_context(
                closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE))
            )
            connection.request(
                "GET", "/api/logs/stream?scope=service", headers={"Authorization": f"Bearer {server.token}"}
            )
            answer = connection.getresponse()
            while not answer.readline().startswith(b"event: logs"):
                pass
            live.append(answer)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        for answer in live:
            # To a clean end: http.client raises where the last chunk is missing.
            rest = answer.read().decode()
            block = next(block for block in rest.split("\n\n") if "event: shutdown" in block)
            assert json.loads(block.partition("data: ")[2])["retry_ms"] >= 500
        server.process.wait(PATIENCE)
        # The readers keep their connections open. 0.4 s were measured.
        assert time.monotonic() - started < campaign(PATIENCE, 1)


def test_idle_streams_stay_open_and_exact(tmp_path, campaign):
    """A quiet job's viewer would be cut after a minute, here or by a proxy, and what comes then be lost."""
    # In CI a minute of silence is a second long.
    shell = Shell(tmp_path, {"QUAERO_LOGGING_STREAM_PING_INTERVAL_SEC": str(campaign(0.1, 5))})
    os.mkfifo(tmp_path / "words")
    runner = shell.start("run", shell.define("quiet", QUIET.format(fifo=tmp_path / "words")), "--json")
    job = first_job(runner)
    with _serving(shell) as server, ExitStack() as stack:
        ports = [server.port] * 3
        if NGINX is not None:
            ports[1] = stack.enter_context(proxy_to(server.port, tmp_path / "nginx")).port
        scopes = (
            "scope=service&level=error",
            f"scope=job&job_id={job}",
            f"scope=job&job_id={job}&level=error&limit=0",
        )
        streams = [
            stack.enter_context(closing(replace(server, port=port).stream(f"/api/logs/stream?{scope}")))
            for port, scope in zip(ports, scopes, strict=True)
        ]
        while "listening" not in _messages([next(streams[1])]):
            pass
        for events in streams:
            pings = 0
            # At night ten minutes; the others' pings wait in the kernel meanwhile.
            while pings < campaign(10, 120):
                pings += next(events)[0] == "ping"
        with closing(Scribe(Settings(home=shell.home))) as scribe:
            scribe.write([line(None, "after the silence", level=Level.ERROR)])
        (tmp_path / "words").write_text("after the silence\n")
        seen = [next(event for event in streams[0] if event[0] == "logs")]
        assert _messages(seen) == ["after the silence"]
        told = list(streams[1])
        assert told[-1][0] == "end"
        assert [message for message in _messages(told) if "silence" in message] == ["said: after the silence"]
        assert list(streams[2])[-1][0] == "end"
    runner.communicate(timeout=PATIENCE)


def _messages(events: list) -> list[str]:
    return [entry["message"] for name, _, data in events if name == "logs" for entry in data["logs"]]
