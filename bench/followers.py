"""Followers of a job: `quaero tail` in a process, and a client of the server's stream. Each notes when what came.

They read in threads and take no time for it: what they were sent is kept as it came, and parsed when it is over.
"""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from bench.homes import PATIENCE, Home, Server, ending


@dataclass(slots=True)
class Follower:
    """What one of them has seen: (nanoseconds since 1970, the bytes) of each event."""

    attached: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    came: list[tuple[int, bytes]] = field(default_factory=list)

    def wait_attached(self) -> None:
        """Return when the first event is there: it misses nothing from now on. Raises RuntimeError."""
        if not self.attached.wait(PATIENCE) or not self.came:
            raise RuntimeError("a follower ended before it had begun")

    def arrivals(self) -> list[tuple[int, int]]:
        """Return (number in the job, nanoseconds since 1970) of each entry, in the order in which they came."""
        self.ended.wait(PATIENCE)
        return [(entry["job_line"], when) for when, data in self.came for entry in _entries(json.loads(data))]

    def newest(self) -> list[tuple[int, int]]:
        """Return the same of the newest entry of each event."""
        self.ended.wait(PATIENCE)
        events = ((when, _entries(json.loads(data))) for when, data in self.came)
        return [(entries[-1]["job_line"], when) for when, entries in events if entries]


def _entries(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of an event: of a line of NDJSON, or of the data of a `logs` event."""
    found: list[dict[str, Any]] = event.get("logs", [])
    return [event] if event.get("event") == "log" else found


@contextmanager
def tailing(home: Home, job: str) -> Iterator[Follower]:
    """Follow with `quaero tail --json`, from the first entry on."""
    follower = Follower()
    with ending(home.start("tail", job, "--json", "-n", "all", "--level", "debug")) as tail:
        assert tail.stdout is not None
        with _reading(follower, tail.stdout, b""):
            yield follower


@contextmanager
def streaming(server: Server, job: str) -> Iterator[Follower]:
    """Follow the server's stream, from the first entry on (with a backlog of at most 5,000)."""
    follower = Follower()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    target = f"/api/logs/stream?scope=job&job_id={job}&level=debug&limit=5000"
    connection.request("GET", target, headers={"Authorization": f"Bearer {server.token}"})
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(f"the stream answered {response.status}")
    with _reading(follower, response, b"data: "):
        yield follower
    connection.close()


@contextmanager
def _reading(follower: Follower, pipe: IO[bytes] | http.client.HTTPResponse, prefix: bytes) -> Iterator[None]:
    thread = threading.Thread(target=_read, args=(follower, pipe, prefix), daemon=True)
    thread.start()
    yield
    thread.join(PATIENCE)


def _read(follower: Follower, pipe: IO[bytes] | http.client.HTTPResponse, prefix: bytes) -> None:
    """Note every line that begins with `prefix`, without it, until the end."""
    try:
        while line := pipe.readline():
            if line.startswith(prefix):
                follower.came.append((time.time_ns(), line[len(prefix) :]))
                follower.attached.set()
    finally:
        follower.attached.set()
        follower.ended.set()
