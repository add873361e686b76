"""A client of the server on a plain connection. It checks and repairs nothing: what is sent is what a test sees."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import h11
import trio

# The job of most tests.
JOB = "scope=job&job_id=j1"


@dataclass
class Answer:
    """One answer, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Event:
    """One server-sent event."""

    name: str
    id: str | None
    data: Any


class Client:
    """One connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)

    async def send(self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes = b"") -> None:
        out = self.http.send(h11.Request(method=method, target=target, headers=list(headers)))
        if body:
            out += self.http.send(h11.Data(data=body))
        out += self.http.send(h11.EndOfMessage())
        await self.stream.send_all(out)

    async def event(self) -> Any:
        while (event := self.http.next_event()) is h11.NEED_DATA:
            try:
                self.http.receive_data(await self.stream.receive_some())
            except trio.BrokenResourceError:
                self.http.receive_data(b"")
        return event

    async def head(self) -> h11.Response:
        event = await self.event()
        assert isinstance(event, h11.Response), event
        return event

    async def body(self) -> AsyncGenerator[bytes, None]:
        while isinstance(event := await self.event(), h11.Data):
            yield bytes(event.data)
        assert isinstance(event, h11.EndOfMessage), event

    async def answer(self) -> Answer:
        head = await self.head()
        body = b"".join([part async for part in self.body()])
        headers = {name.decode(): value.decode() for name, value in head.headers}
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
        return Answer(head.status_code, headers, body)

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        parts = []
        try:
            while part := await self.stream.receive_some():
                parts.append(part)
        except trio.BrokenResourceError:
            parts.append(b"<reset>")
        return b"".join(parts)


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[Event | int, None]:
    """The events of a stream; `retry:` fields come as integers."""
    buffer = b""
    async for chunk in chunks:
        buffer += chunk
        while (end := buffer.find(b"\n\n")) >= 0:
            block, buffer = buffer[:end], buffer[end + 2 :]
            lines = dict(line.split(": ", 1) for line in block.decode().split("\n"))
            if "retry" in lines:
                yield int(lines["retry"])
            else:
                yield Event(lines["event"], lines.get("id"), json.loads(lines["data"]))


def named(events: list[Event | int]) -> list[str]:
    """The events' names; `retry` for a field of that name."""
    return [event.name if isinstance(event, Event) else "retry" for event in events]


def entries_in(events: list[Event | int]) -> list[dict[str, Any]]:
    """The entries that the events bring."""
    return [
        entry for event in events if isinstance(event, Event) and event.name == "logs" for entry in event.data["logs"]
    ]
