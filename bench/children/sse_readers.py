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
import zlib
from dataclasses import dataclass, field
from datetime import datetime

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


def read_batches(text: bytes) -> list[Batch]:
    """Return what the `logs` events in a text say."""
    found = []
    for event in text.split(b"\n\n"):
        if b"event: logs\n" not in event[:100]:
            continue
        entries = orjson.loads(event[event.index(b"\ndata: ") + 7 :])["logs"]
        numbers = [entry["job_line"] for entry in entries] or [0]
        whole = numbers == list(range(numbers[0], numbers[-1] + 1))
        logged = datetime.fromisoformat(entries[0]["timestamp"]).timestamp() * 1000 if entries else 0.0
        found.append(Batch(numbers[0], numbers[-1], whole, logged))
    return found


# What was read already, by its length and checksum: a thousand clients are sent the same.
_KNOWN: dict[tuple[int, int], list[Batch]] = {}


@dataclass(slots=True)
class Client:
    """One connection, and what it has been told. Looks at each byte once, or the server would have to wait for it."""

    connection: socket.socket
    batches: int = 0
    last: int = 0  # number of the last entry
    exact: bool = True
    late: list[float] = field(default_factory=list)  # ms from the log call of a batch's oldest entry to its coming
    ended: bool = False
    _line: bytes = b""  # of the head, or of a chunk's size
    _answered: bool = False
    _left: int = 0  # bytes of this chunk that are still to come
    _parts: list[memoryview] = field(default_factory=list)  # of the events that are not whole yet
    _size: int = 0
    _sum: int = 0

    def feed(self, data: bytes) -> None:
        """Take what came from the wire; nothing is the end of the connection."""
        self.ended = self.ended or not data
        rest = memoryview(data)
        while rest and not self.ended:
            if self._left:
                part, rest = rest[: self._left], rest[self._left :]
                self._left -= len(part)
                self._parts.append(part)
                self._size, self._sum = self._size + len(part), zlib.crc32(part, self._sum)
                if not self._left and bytes(part[-2:]).endswith(b"\n"):
                    self._take()
            else:
                rest = self._take_line(rest)

    def _take_line(self, data: memoryview) -> memoryview:
        """Take the head of the answer, or the size of a chunk; return what comes behind it."""
        self._line += bytes(data)
        end = b"\r\n" if self._answered else b"\r\n\r\n"
        line, found, rest = self._line.lstrip(b"\r\n").partition(end)
        if not found:
            return memoryview(b"")
        self._line = b""
        if self._answered:
            self._left = int(line, 16)
            self.ended = self._left == 0
        elif not line.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(line.decode(errors="replace"))
        self._answered = True
        return memoryview(rest)

    def _take(self) -> None:
        """Take whole events."""
        key = (self._size, self._sum)
        found = _KNOWN.get(key)
        if found is None:
            found = _KNOWN[key] = read_batches(b"".join(self._parts))
        self._parts, self._size, self._sum = [], 0, 0
        for batch in found:
            self.batches += 1
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
