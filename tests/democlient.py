"""A plain HTTP client for tests of the demo site: one connection, whole answers, and raw bytes where they matter."""

from dataclasses import dataclass

import h11

ARTICLES = 30


@dataclass
class Answer:
    """One response, as the client saw it."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes


class Client:
    """A plain HTTP client on one connection; `send` writes raw bytes."""

    def __init__(self, stream):
        self.stream = stream
        self.http = h11.Connection(h11.CLIENT)

    async def send(self, data):
        await self.stream.send_all(data)

    async def get(self, target, method="GET", **headers):
        if self.http.our_state is h11.DONE:
            self.http.start_next_cycle()
        fields = [("Host", "127.0.0.1"), *((name.replace("_", "-"), value) for name, value in headers.items())]
        request = h11.Request(method=method, target=target, headers=fields)
        await self.send(self.http.send(request) + self.http.send(h11.EndOfMessage()))
        return await self.answer()

    async def answer(self):
        body, head = b"", None
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                self.http.receive_data(await self.stream.receive_some(65536))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                assert isinstance(event, h11.EndOfMessage)
                headers = {name.decode(): value.decode() for name, value in head.headers}
                return Answer(head.status_code, head.reason.decode(), headers, body)

    async def rest(self):
        """Read until the server closes."""
        data = b""
        while chunk := await self.stream.receive_some(65536):
            data += chunk
        return data
