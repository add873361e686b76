"""Server-sent events back into the records that a local follower makes. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from quaero_cli.stream.events import Ended, Gap, Logs, Ping, StatusChange, StreamEvent


@dataclass(frozen=True, slots=True)
class Message:
    """One event as it came. `id` is the place so far when it brought none."""

    name: str
    id: str
    data: Any


class Parser:
    """Takes bytes as they come, gives whole messages. `id` is the last one that was seen."""

    def __init__(self) -> None:
        self._rest = b""
        self.id = ""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that are complete now."""
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
            self.id = fields.get(b"id", self.id.encode()).decode()
            if b"event" in fields:
                yield Message(fields[b"event"].decode(), self.id, orjson.loads(fields.get(b"data", b"null")))


def to_event(message: Message) -> StreamEvent | None:
    """Return what a follower would have told; None for what concerns the connection alone, or the service's state."""
    cursor = place_of(message.id)
    data = message.data
    match message.name:
        case "logs":
            return Logs(data, cursor)
        case "status" if "job" in data:
            return StatusChange(data, cursor)
        case "ping":
            return Ping(cursor)
        case "end":
            return Ended(data["job_id"], data["status"], data["counts"], cursor)
        case "gap":
            return Gap(data["job_id"], data["from_id"], data["to_id"], data["count"], data["reason"], cursor)
    return None


def place_of(cursor: str) -> int:
    """Return the entry's id in a cursor."""
    number = cursor.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdigit() else 0
