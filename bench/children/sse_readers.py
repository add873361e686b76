"""Many clients of one server in one process: `sse_readers PORT TOKEN JOB COUNT`.

Says `ready` when each has its first batch. Tells in the end how many batches were delivered, the number of the last
entry that every one of them has seen, each with all entries before it, once and in order (0: one has not), and how
many milliseconds after it was logged the oldest entry of a batch came. What all are sent is parsed once.
"""

import json
import resource
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import orjson

_REQUEST = (
    "GET /api/logs/stream?scope=job&job_id={job}&level=debug&limit=5000 HTTP/1.1\r\n"
    "Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
)
_RECEIVE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries of one `logs` event: their numbers, whether none is missing between them, the oldest one's time."""

    first: int
    last: int
    whole: bool
    logged_ms: float


@lru_cache(maxsize=256)
def read_batch(event: bytes) -> Batch:
    """Return what an event says."""
    entries = orjson.loads(event[event.index(b"\ndata: ") + 7 :])["logs"]
    numbers = [entry["job_line"] for entry in entries]
    if not numbers:
        return Batch(0, 0, True, 0.0)
    whole = numbers == list(range(numbers[0], numbers[-1] + 1))
    logged = datetime.fromisoformat(entries[0]["timestamp"]).timestamp() * 1000
    return Batch(numbers[0], numbers[-1], whole, logged)


@dataclass(slots=True)
class Client:
    """One connection, and what it has been told."""

    connection: socket.socket
    batches: int = 0
    last: int = 0  # number of the last entry
    exact: bool = True
    late: list[float] = field(default_factory=list)  # ms from the log call of a batch's oldest entry to its coming
    ended: bool = False
    _raw: bytearray = field(default_factory=bytearray)  # of the wire: the head, then chunks
    _text: bytearray = field(default_factory=bytearray)  # of the stream: events
    _answered: bool = False

    def feed(self, data: bytes) -> None:
        """Take what came from the wire; nothing is the end of the connection."""
        self.ended = self.ended or not data
        self._raw += data
        if not self._answered:
            head, found, rest = self._raw.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode(errors="replace"))
            self._answered, self._raw = True, rest
        self._take_chunks()
        if self._text.endswith(b"\n\n"):  # nearly always: an event is sent whole
            events, self._text = bytes(self._text).split(b"\n\n"), bytearray()
            for event in events:
                self._take_event(event)

    def _take_chunks(self) -> None:
        while (end := self._raw.find(b"\r\n")) >= 0:
            size = int(self._raw[:end], 16)
            if len(self._raw) < end + size + 4:
                return
            self._text += self._raw[end + 2 : end + 2 + size]
            del self._raw[: end + size + 4]
            self.ended = self.ended or size == 0

    def _take_event(self, event: bytes) -> None:
        if b"event: logs\n" not in event[:64]:
            return
        self.batches += 1
        batch = read_batch(event)
        if batch.last:
            self.exact = self.exact and batch.whole and batch.first == self.last + 1
            self.last = batch.last
            if self.batches > 1:
                self.late.append(time.time() * 1000 - batch.logged_ms)


def connect(port: int, token: str, job: str) -> Client:
    """Open a stream."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(_REQUEST.format(port=port, token=token, job=job).encode())
    return Client(connection)


def main(port: int, token: str, job: str, count: int) -> None:
    """Read all streams to their ends and print what was found."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 100)), hard))
    clients = [connect(port, token, job) for _ in range(count)]
    waiting, ready = selectors.DefaultSelector(), False
    for client in clients:
        waiting.register(client.connection, selectors.EVENT_READ, client)
    while waiting.get_map():
        for key, _ in waiting.select():
            key.data.feed(key.data.connection.recv(_RECEIVE))
            if key.data.ended:
                waiting.unregister(key.data.connection)
        if not ready and all(client.batches for client in clients):
            print("ready", flush=True)
            ready = True
    same = {client.last if client.exact else 0 for client in clients}
    batches = sum(client.batches for client in clients)
    late = sorted(each for client in clients for each in client.late) or [0.0]
    told = {"batches": batches, "last": same.pop() if len(same) == 1 else 0}
    print(json.dumps({**told, "late_p50": late[len(late) // 2], "late_p99": late[len(late) * 99 // 100]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
