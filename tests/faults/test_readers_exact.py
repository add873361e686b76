"""Many readers of one busy job, some slow, some cut again and again, some with filters, two behind nginx, while the
server is killed and started anew: each has the entries of the store for its filter, no hole, none twice. The job runs
here, or on a worker, and then it is its view that is killed.
"""

import http.client
import json
import random
import signal
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ports import own_port
from proxies import NGINX, proxy_to
from shells import PATIENCE, Shell, entries, first_job, read_line

MANY = """
[step.many]
type = "test_job_generator"
worker_count = {workers}
log_count = {lines}
log_delay_ms = {pause}
failure_rate = 0.0
child_count = 0
recursion_depth = 0
"""
FILTERS = ("level=debug", "level=info", "level=warn", "level=debug&step=many", "level=debug&q=1")


@dataclass
class Reader(threading.Thread):
    """A client that only knows the protocol: it keeps the id of the last event, and comes back with it."""

    port: int
    token: str
    job: str
    query: str
    chance: random.Random
    cuts: int  # how often it hangs up by itself
    slow: bool
    seen: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    done: bool = False
    place: str | None = None
    pause: threading.Event = field(default_factory=threading.Event)  # never set: waiting for it is waiting

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.done:
            try:
                self._connection()
            except (OSError, http.client.HTTPException):
                self.pause.wait(0.05)  # the server is not there

    def _connection(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            headers = {"Authorization": f"Bearer {self.token}"}
            if self.place is not None:
                headers["Last-Event-ID"] = self.place
            connection.request(
                "GET", f"/api/logs/stream?scope=job&job_id={self.job}&limit=5000&{self.query}", headers=headers
            )
            answer = connection.getresponse()
            if answer.status == 204:
                self.done = True
            elif answer.status == 200:
                self._read(answer)
            elif answer.status not in (502, 503, 504):  # of the proxy, while the server is away
                self.problems.append(f"{answer.status} {answer.read()!r}")
                self.done = True
        finally:
            connection.close()

    def _read(self, answer: http.client.HTTPResponse) -> None:
        id_, name = "", ""
        for raw in answer:
            line = raw.decode().rstrip("\n")
            if line.startswith("id: "):
                id_ = line[4:]
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: ") and raw.endswith(b"\n"):
                self._take(name, json.loads(line[6:]))
                self.place = id_ or self.place
                if self.done:
                    return
                if self.cuts and self.chance.random() < 0.3:
                    self.cuts -= 1
                    return
                if self.slow:
                    self.pause.wait(0.1)

    def _take(self, name: str, data: dict) -> None:
        if name == "logs":
            self.seen += [entry["id"] for entry in data["logs"]]
        elif name == "end":
            self.done = True
        elif name in ("gap", "reset"):
            self.problems.append(f"{name} {data}")


def _matching(stored: list[dict], query: str) -> list[int]:
    words = dict(part.split("=") for part in query.split("&"))
    levels = ("debug", "info", "warn", "error")
    wanted = levels[levels.index(words["level"]) :]
    return [
        entry["id"]
        for entry in stored
        if entry["level"] in wanted
        and entry.get("step_name") == words.get("step", entry.get("step_name"))
        and words.get("q", "") in entry["message"]
    ]


def _serve(shell: Shell, port: int):
    child = shell.start("serve", "--port", str(port))
    token = read_line(child.stdout).strip().partition("/#t=")[2]
    return child, token


@pytest.mark.workers_at_night
@pytest.mark.parametrize(
    ("seed", "pause"),
    [
        pytest.param(20261126, 0, id="as fast as can be"),
        pytest.param(20261127, 20, id="while the job runs"),  # it takes longer than all of the server's deaths
    ],
)
def test_every_reader_has_every_entry_once(anywhere: Shell, tmp_path: Path, campaign, seed, pause):
    """The promise: every line, live, once, to each reader, over restarts, proxies and slow networks."""
    if pause and not campaign(0, 1):
        pytest.skip("one of them is enough, but at night")
    chance = random.Random(seed)
    port = own_port()
    server, token = _serve(anywhere, port)
    text = MANY.format(workers=campaign(60, 301), lines=campaign(40, 1000), pause=campaign(50, pause))
    runner = anywhere.start("run", anywhere.define("many", text), "--json", "--level", "error")
    job = first_job(runner)
    drain = threading.Thread(target=runner.communicate, daemon=True)
    drain.start()
    with ExitStack() as stack:
        ports = [port] * 20
        if NGINX is not None:
            ports[:2] = [stack.enter_context(proxy_to(port, tmp_path / f"nginx{n}")).port for n in range(2)]
        readers = [
            Reader(port=ports[n], token=token, job=job, query=FILTERS[n % len(FILTERS)],
                   chance=random.Random(seed + n), cuts=campaign(5, 20) if n % 2 else 0, slow=n % 7 == 3)
            for n in range(20)
        ]  # fmt: skip
        for reader in readers:
            reader.start()
        for _ in range(campaign(2, 20)):
            readers[0].pause.wait(chance.uniform(0.2, 1.0))
            server.send_signal(signal.SIGKILL)
            server.communicate(timeout=PATIENCE)
            server, _ = _serve(anywhere, port)
        drain.join(PATIENCE * 4)
        assert runner.returncode == 0
        for reader in readers:
            reader.join(PATIENCE * 4)
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=PATIENCE)
    stored = entries(anywhere.lines("tail", job, "-n", "all", "--level", "debug"))
    if campaign(0, 1):
        print(f"{len(stored)} entries, 20 readers, {sum(len(reader.seen) for reader in readers)} seen")
    for number, reader in enumerate(readers):
        where = f"seed {seed}, reader {number}, {reader.query}"
        assert reader.done, where
        assert not reader.problems, (where, reader.problems)
        assert reader.seen, where
        wanted = [id_ for id_ in _matching(stored, reader.query) if id_ >= reader.seen[0]]
        assert reader.seen == wanted, (where, len(reader.seen), len(wanted))
