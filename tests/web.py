"""A small web server for tests of the crawler: real HTTP on loopback, every misbehaviour on request.

    web = await start_web(nursery)
    web.page("/", links=["/a", "/b"])
    web.add("/old", Answer(301, headers={"Location": "/a"}))
    web.add("/dead", Answer(cut=True))

It counts what it was asked for: `hits` by target, `times` of requests (start and end by trio's clock), `peak` of
requests at the same time. Written by hand, so that it can break the protocol where a test wants that.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import trio

_REASONS = {200: "OK", 301: "Moved", 302: "Found", 404: "Not Found", 410: "Gone", 429: "Slow Down", 500: "Broken"}


@dataclass(frozen=True)
class Answer:
    """What a target answers. `gate`: wait for this before answering; `cut`: hang up instead of answering;
    `short`: announce this many bytes more than are sent, then hang up; `raw`: these bytes and nothing else."""

    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = "text/html; charset=utf-8"
    gate: trio.Event | None = None
    cut: bool = False
    short: int = 0
    raw: bytes | None = None

    def encode(self) -> bytes:
        if self.raw is not None:
            return self.raw
        body = self.body.encode() if isinstance(self.body, str) else self.body
        length = {} if self.status == 304 else {"Content-Length": str(len(body) + self.short)}
        headers = {**length, **self.headers}
        if self.content_type is not None:
            headers = {"Content-Type": self.content_type, **headers}
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


NOT_FOUND = Answer(404, "<title>no</title>")

Handler = Callable[["Request"], Answer]


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    target: str
    headers: Mapping[str, str]
    started: float


class Web:
    """A running server. `url` has no slash at its end."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.routes: dict[str, Answer | Handler] = {}
        self.hits: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.statuses: list[tuple[str, int]] = []  # target and status of each answer
        self.active = 0
        self.peak = 0
        self._changed = trio.Condition()

    def add(self, target: str, answer: Answer | Handler) -> None:
        self.routes[target] = answer

    def page(self, target: str, *, links: list[str] | tuple[str, ...] = (), head: str = "", body: str = "") -> None:
        """An HTML page with these links."""
        anchors = "\n".join(f'<a href="{link}">x</a>' for link in links)
        self.add(target, Answer(body=f"<!doctype html><title>{target}</title>{head}<body>{body}\n{anchors}"))

    def pages_hit(self) -> int:
        """Requests for anything but robots.txt and sitemaps."""
        return sum(n for target, n in self.hits.items() if target not in ("/robots.txt", "/sitemap.xml"))

    async def busy(self, requests: int) -> None:
        """Wait until so many requests are being answered."""
        async with self._changed:
            while self.active < requests:
                await self._changed.wait()

    async def next(self) -> None:
        """Wait for the next request."""
        async with self._changed:
            await self._changed.wait()

    async def serve(self, stream: trio.SocketStream) -> None:
        waiting = b""
        try:
            while True:
                while b"\r\n\r\n" not in waiting:
                    part = await stream.receive_some(65536)
                    if not part:
                        return
                    waiting += part
                    if waiting.startswith(b"\x16"):  # somebody wants to speak TLS
                        await stream.send_all(Answer(400).encode())
                        return
                head, _, waiting = waiting.partition(b"\r\n\r\n")
                if not await self._answer(stream, head.decode("latin-1").split("\r\n")):
                    return
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _answer(self, stream: trio.SocketStream, lines: list[str]) -> bool:
        target = lines[0].split()[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        request = Request(target, headers, trio.current_time())
        self.hits[target] += 1
        self.requests.append(request)
        self.active += 1
        self.peak = max(self.peak, self.active)
        async with self._changed:
            self._changed.notify_all()
        try:
            route = self.routes.get(target, NOT_FOUND)
            answer = route(request) if callable(route) else route
            if answer.gate is not None:
                await answer.gate.wait()
            if answer.cut:
                return False
            self.statuses.append((target, answer.status))
            await stream.send_all(answer.encode())
            return not answer.short and answer.raw is None
        finally:
            self.active -= 1


async def start_web(nursery: trio.Nursery) -> Web:
    """A server in the test's nursery."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    web = Web(listeners[0].socket.getsockname()[1])

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            await web.serve(stream)

    nursery.start_soon(trio.serve_listeners, handle, listeners)
    return web


async def closed_port() -> int:
    """A loopback port on which nobody listens."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    for listener in listeners:
        await listener.aclose()
    return int(port)
