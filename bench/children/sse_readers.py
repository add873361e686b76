"""Many clients of one server in one process: `sse_readers PORT TOKEN JOB COUNT [FILTER...]`.

A filter is the rest of a query string (`level=warn`); clients take them in turn, without any they ask for everything.
Says `ready` when each has its first batch. Tells in the end how many batches were delivered, by filter the numbers
of the entries that its clients have seen (null: not all of them the same), and how many milliseconds after they were
logged entries came: every entry of every client, and the oldest of each batch alone. What all are sent is parsed
once.
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
    "GET /api/logs/stream?scope=job&limit=5000&job_id={job} HTTP/1.1\r\n"
    "Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
)
_RECEIVE = 256 * 1024
_LATEST = 60_000  # milliseconds; what is later counts as this


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries of one `logs` event: their numbers, and when they were logged, in milliseconds."""

    numbers: list[int]
    logged_ms: list[float]


def read_batches(text: bytes) -> list[Batch]:
    """Return what the `logs` events in a text say."""
    found = []
    for event in text.split(b"\n\n"):
        if b"event: logs\n" not in event[:100]:
            continue
        entries = orjson.loads(event[event.index(b"\ndata: ") + 7 :])["logs"]
        logged = [datetime.fromisoformat(entry["timestamp"]).timestamp() * 1000 for entry in entries]
        found.append(Batch([entry["job_line"] for entry in entries], logged))
    return found


# What was read already, by its length and checksum: a thousand clients are sent the same.
_KNOWN: dict[tuple[int, int], list[Batch]] = {}


@dataclass(slots=True)
class Client:
    """One connection, and what it has been told. Looks at each byte once, or the server would have to wait for it."""

    connection: socket.socket
    filter: str = ""
    came: list[tuple[float, Batch]] = field(default_factory=list)  # and when, in milliseconds since 1970
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
        now = time.time() * 1000
        self.came += [(now, batch) for batch in found]

    def numbers(self) -> list[int]:
        """Return the numbers of all entries, as they came."""
        return [number for _, batch in self.came for number in batch.numbers]


def connect(port: int, token: str, job: str, wanted: str) -> Client:
    """Open a stream."""
    connection = socket.create_connection(("127.0.0.1", port))
    target = f"{job}&{wanted}" if wanted else job
    connection.sendall(_REQUEST.format(port=port, token=token, job=target).encode())
    return Client(connection, wanted)


def same_numbers(clients: list[Client]) -> list[int] | None:
    """Return what all of them have seen; None when it is not the same."""
    first, *others = clients
    numbers = first.numbers()
    return numbers if all(other.numbers() == numbers for other in others) else None


def lateness(clients: list[Client]) -> tuple[list[int], list[int]]:
    """Return how often an entry came so many milliseconds late (by index), and the same of each batch's oldest."""
    counts, oldest = [0] * (_LATEST + 1), [0] * (_LATEST + 1)
    for client in clients:
        for now, batch in client.came[1:]:  # the first was logged before it had come
            late = [min(_LATEST, max(0, int(now - logged))) for logged in batch.logged_ms]
            for each in late:
                counts[each] += 1
            oldest[max(late, default=0)] += bool(late)
    return counts, oldest


def percentile(counts: list[int], percent: float) -> int:
    """Return the index at or below which so many percent of the counted are."""
    left = sum(counts) * percent / 100
    for index, count in enumerate(counts):
        left -= count
        if left <= 0:
            return index
    return len(counts) - 1


def main(port: int, token: str, job: str, count: int, filters: list[str]) -> None:
    """Read all streams to their ends and print what was found."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 100)), hard))
    filters = filters or [""]
    clients = [connect(port, token, job, filters[number % len(filters)]) for number in range(count)]
    waiting, ready = selectors.DefaultSelector(), False
    for client in clients:
        waiting.register(client.connection, selectors.EVENT_READ, client)
    while waiting.get_map():
        for key, _ in waiting.select():
            key.data.feed(key.data.connection.recv(_RECEIVE))
            if key.data.ended:
                waiting.unregister(key.data.connection)
        if not ready and all(client.came for client in clients):
            print("ready", flush=True)
            ready = True
    seen = {wanted: same_numbers([client for client in clients if client.filter == wanted]) for wanted in filters}
    every, oldest = lateness(clients)
    told = {"batches": sum(len(client.came) for client in clients), "seen": seen}
    told |= {"late_p50": percentile(every, 50), "late_p99": percentile(every, 99)}
    print(json.dumps({**told, "oldest_p99": percentile(oldest, 99)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:])
