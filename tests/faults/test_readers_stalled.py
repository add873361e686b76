"""Readers that stop reading: they cost little, harm nobody, are let go, and never keep the server from stopping."""

import http.client
import json
import os
import resource
import signal
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from places import place
from proxies import NGINX, proxy_to
from shells import PATIENCE, Server, Shell, first_job
from stores import NOW, Scribe, line, start_job

from quaero_cli.model import Level, LogLine
from quaero_cli.settings import Settings
from quaero_cli.store.schema import prepare
from quaero_cli.stream.nudge import nudge

# Megabytes that a thousand stalled readers may cost.
MEMORY = 80
# What a smaller run may cost beside its share: the first readers pay for what all of them use.
MEMORY_BASE = 24
BIG = """
[step.big]
type = "shell"
command = "for n in $(seq 2000); do printf '%010000d\\n' $n; done; echo the last"
"""
QUIET = """
id = "quiet"
[step.listen]
type = "shell"
command = "echo listening; read words < {fifo}; echo said: $words"
"""


def _open_files(number: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, number)), hard))


@contextmanager
def _filled(tmp_path: Path, runs_on: str) -> Iterator[tuple[Shell, Server, str]]:
    """Serve a store with a job of 20 MB; gives the job, too."""
    with place(runs_on, tmp_path, QUAERO_SERVER_MAX_STREAMS="2000") as shell:
        if runs_on == "here":
            # Nobody runs it: it is marked as interrupted when the server starts, so its readers get an end, too.
            settings = Settings(home=shell.home)
            prepare(settings.database)
            start_job(settings, "j1")
            with closing(Scribe(settings)) as scribe:
                for _ in range(20):
                    scribe.write([LogLine("j1", "work", None, NOW, 20, "x" * 10_000, "step", "", None)] * 100)
                scribe.write([line("j1", "the last")])
        with shell.serving() as server:
            job = "j1" if runs_on == "here" else shell.lines("run", shell.define("big", BIG))[-1]["job_id"]
            yield shell, server, job


def _open(server: Server, job: str = "j1", *, stalled: bool) -> socket.socket:
    connection = socket.socket()
    if stalled:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", server.port))
    limit = 5000 if stalled else 1
    connection.sendall(
        f"GET /api/logs/stream?scope=job&job_id={job}&limit={limit} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {server.token}\r\n\r\n".encode()
    )
    return connection


def _memory(server: Server, field: str) -> float:
    """Resident megabytes of the server: `VmRSS` now, `VmHWM` at most so far."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.partition(f"{field}:")[2].split()[0]) * 1024 / 1e6


@pytest.mark.workers_at_night
def test_stalled_readers_cost_little_and_are_let_go(tmp_path, campaign, runs_on):
    """A thousand frozen tabs would take the server's memory, and everybody else's log with it."""
    number = campaign(100, 1000)
    _open_files(number + 500)
    with _filled(tmp_path, runs_on) as (shell, server, job), ExitStack() as stack:
        healthy = stack.enter_context(closing(_Healthy(server, Settings(home=shell.home))))
        for _ in range(campaign(5, 50)):
            healthy.write_and_read()
        alone = healthy.take_delays()
        before = _memory(server, "VmRSS")
        stalled = [stack.enter_context(closing(_open(server, job, stalled=True))) for _ in range(number)]
        for each in stalled:
            each.recv(100)  # its answer has begun
        started = time.monotonic()
        # The healthy reader is told how many there are; each of them is reset, none is waited for longer than it may.
        while healthy.streams != 1:
            healthy.write_and_read()
        seconds = time.monotonic() - started
        grown = _memory(server, "VmHWM") - before
        beside = healthy.take_delays()
        print(
            f"{number} stalled readers: {grown:.0f} MB, let go after {seconds:.1f} s; a line came after"
            f" {statistics.median(beside) * 1000:.0f} ms, at most {max(beside) * 1000:.0f};"
            f" alone {statistics.median(alone) * 1000:.0f} and {max(alone) * 1000:.0f}"
        )
        assert grown < (MEMORY if number == 1000 else MEMORY_BASE + MEMORY * number / 1000)
        assert seconds < campaign(PATIENCE, 15)
        assert healthy.seen == list(range(len(healthy.seen)))
        assert server.get("/api/logs?scope=service&level=debug")["logs"]


class _Healthy:
    """A reader that reads, of the service's log: each line that is written must come to it, once and in order."""

    def __init__(self, server: Server, settings: Settings) -> None:
        self.streams = 0
        self.seen: list[int] = []
        self._events = server.stream("/api/logs/stream?scope=service&level=error")
        self._settings = settings
        self._scribe = Scribe(settings)
        self._delays: list[float] = []
        next(self._events), next(self._events)

    def write_and_read(self) -> None:
        wanted = len(self.seen)
        started = time.monotonic()
        self._scribe.write([line(None, str(wanted), level=Level.ERROR)])
        nudge(self._settings.wake)
        while len(self.seen) == wanted:
            name, _, data = next(self._events)
            if name == "status":
                self.streams = data["service"]["streams"]
            elif name == "logs":
                self.seen += [int(entry["message"]) for entry in data["logs"]]
        self._delays.append(time.monotonic() - started)

    def close(self) -> None:
        self._scribe.close()

    def take_delays(self) -> list[float]:
        delays, self._delays = self._delays, []
        return delays


@pytest.mark.workers_at_night
def test_sigterm_with_stalled_readers(tmp_path, campaign, runs_on):
    """A server with one frozen tab could only be killed."""
    number = campaign(60, 300)
    _open_files(number + 500)
    with _filled(tmp_path, runs_on) as (_, server, job), ExitStack() as stack:
        stalled = [stack.enter_context(closing(_open(server, job, stalled=True))) for _ in range(number)]
        for each in stalled:
            each.recv(100)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(PATIENCE)
        seconds = time.monotonic() - started
        print(f"SIGTERM with {number} stalled readers: {seconds:.1f} s")
        assert seconds < campaign(PATIENCE, 10)


@pytest.mark.workers_at_night
def test_sigterm_with_live_readers(anywhere, campaign):
    """Viewers would show an error instead of coming back when the server is updated."""
    number = campaign(30, 100)
    _open_files(number + 500)
    with anywhere.serving() as server, ExitStack() as stack:
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
        seconds = time.monotonic() - started
        print(f"SIGTERM with {number} live readers, who keep their connections open: {seconds:.2f} s")
        assert seconds < campaign(PATIENCE, 1)


@pytest.mark.workers_at_night
def test_idle_streams_stay_open_and_exact(tmp_path, campaign, runs_on):
    """A quiet job's viewer would be cut after a minute, here or by a proxy, and what comes then be lost."""
    # In CI a minute of silence is a second long.
    with ExitStack() as stack:
        ping = str(campaign(0.1, 5))
        shell = stack.enter_context(place(runs_on, tmp_path, QUAERO_LOGGING_STREAM_PING_INTERVAL_SEC=ping))
        server = stack.enter_context(shell.serving())
        os.mkfifo(tmp_path / "words")
        runner = shell.start("run", shell.define("quiet", QUIET.format(fifo=tmp_path / "words")), "--json")
        job = first_job(runner)
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
        for events in streams:
            next(events)  # it is open from here on
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
