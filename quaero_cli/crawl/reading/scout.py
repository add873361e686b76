"""A scout: a reading process that fetches the pages itself, many at once, and answers with what it saw of them.

So a page's body never leaves the process that looks at it, and the event loop is spared the transfers. Whom to ask,
when, and what to make of the answers stays with the program: it sends addresses that it has judged, and a connection
goes to one of them or nowhere.

Theory of operation. One thread, one epoll over the pipe and libcurl's sockets. Frames go both ways, four bytes of
length and JSON. The first frame is an object: the settings of `Settings`. Each later one is a list of

    [origin, addresses]               where the requests to a site go from now on
    [number, url, conditions, fresh]  a request

and each answer a list of `[number, ...]`: with the fields of a FetchError, or with those of a Response and of what
was seen of its page (see `packed` and `unpacked`). Answers leave soon, few at a time: the program works on some while
the next ones are looked at.
"""

import select
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict

import orjson
import pycurl

from quaero_cli.crawl.answers import FetchError, Look, Response
from quaero_cli.crawl.request import Identity, Limits, Line, Requests
from quaero_cli.crawl.sockets import Sockets
from quaero_cli.crawl.transfer import Transfer, Wanted
from quaero_cli.crawl.urls import hostname

LENGTH = struct.Struct("!I")
FORGET = ""  # instead of an origin: the addresses of all sites are told anew

# What a crawl wants to know of an answer's headers.
_HEADERS = ("content-type", "etag", "last-modified", "location", "retry-after", "x-robots-tag")

_READ_BYTES = 64 * 1024
# Answers that wait for others: a page takes 0.2 ms, and the program half of that to wake up.
_TOGETHER = 4
# Idle connections kept for reuse.
_IDLE_CONNECTIONS = 512

# Looks at a page: a request of the reading processes' protocol, and its body.
_Look = Callable[[Mapping[str, Any], bytes], Mapping[str, Any]]


class Settings(TypedDict):
    """What is the same for all requests of a scout."""

    user_agent: str
    headers: Mapping[str, str]
    ca_file: str
    limits: tuple[float, float, float]  # seconds, see Limits
    limit: int  # bytes
    types: list[str]
    accept: str


class _Running(NamedTuple):
    """A request under way."""

    number: int
    url: str
    line: Line
    transfer: Transfer
    began: float


def serve(pipe: socket.socket, look: _Look) -> None:
    """Serve the program on a pipe until it ends. `look` answers `look` requests; it may raise."""
    inbox = Inbox(pipe)
    settings: Settings | None = None
    while settings is None:
        select.select([pipe], [], [])
        frames = inbox.read()
        if frames is None:
            return
        settings = frames[0] if frames else None
        rest = frames[1:]
    scout = _Scout(settings, look, lambda answers: pipe.sendall(frame(answers)))
    for items in rest:
        scout.take(items)
    scout.run(inbox)


def frame(value: object) -> bytes:
    """A value on its way through the pipe."""
    data = orjson.dumps(value)
    return LENGTH.pack(len(data)) + data


def packed(number: int, answer: Response | FetchError) -> list[Any]:
    """An answer on its way through the pipe."""
    if isinstance(answer, FetchError):
        return [number, answer.kind, answer.reason, answer.status, _chosen(answer.headers)]
    look = answer.look
    assert look is not None
    return [
        number, answer.status, _chosen(answer.headers), answer.duration, look.size, look.digest, look.view,
        look.problem,
    ]  # fmt: skip


def unpacked(url: str, item: list[Any]) -> Response | FetchError:
    """The answer that `packed` has packed."""
    if len(item) == 5:
        _, kind, reason, status, headers = item
        return FetchError(kind, reason, status, headers=headers)
    _, status, headers, duration, size, digest, view, problem = item
    return Response(url, status, headers, b"", duration, Look(size, digest, view, problem))


def _chosen(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in _HEADERS if name in headers}


class Inbox:
    """Frames that came through the pipe."""

    def __init__(self, pipe: socket.socket) -> None:
        self.pipe = pipe
        self._data = bytearray()

    def read(self) -> list[Any] | None:
        """What has come until now, without waiting; None at the end."""
        try:
            part = self.pipe.recv(_READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        if not part:
            return None
        self._data += part
        found = []
        while len(self._data) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(self._data)[0]
            if len(self._data) < end:
                break
            found.append(orjson.loads(self._data[LENGTH.size : end]))
            del self._data[:end]
        return found


class _Scout:
    """Requests under way, and the pages that they brought."""

    def __init__(self, settings: Settings, look: _Look, tell: Callable[[list[Any]], None]) -> None:
        self._look = look
        self._tell = tell
        identity = Identity(settings["user_agent"], settings["headers"], ca_file=settings["ca_file"])
        self._limits = Limits(*settings["limits"])
        self._requests = Requests(identity, self._limits, self._is_approved)
        self._wanted = Wanted(settings["limit"], frozenset(settings["types"]), accept=settings["accept"])
        self._addresses: dict[str, list[str]] = {}  # by origin
        self._approved: dict[str, list[str]] = {}  # the same by host
        self._before: dict[str, list[str]] = {}  # before it was to forget them
        self._running: dict[pycurl.Curl, _Running] = {}
        self._silent: dict[pycurl.Curl, float] = {}  # when an answer must have begun; in this order
        self._answers: list[Any] = []
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, _IDLE_CONNECTIONS)
        self._sockets = Sockets(self._multi)
        self._due: float | None = None  # when libcurl wants to be called without any socket being ready

    def run(self, inbox: Inbox) -> None:
        """Fetch and look until the pipe ends."""
        pipe = inbox.pipe.fileno()
        epoll = self._sockets.epoll
        epoll.register(pipe, select.EPOLLIN)
        while True:
            ready = epoll.poll(self._patience())
            if any(descriptor == pipe for descriptor, _ in ready):
                frames = inbox.read()
                if frames is None:
                    return
                for items in frames:
                    self.take(items)
            self._sockets.turn(ready)
            if self._due is not None and time.monotonic() >= self._due:
                self._due = None
                self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            self._give_up_the_silent()
            self._collect()

    def take(self, items: list[Any]) -> None:
        """Begin requests."""
        for item in items:
            if not isinstance(item[0], str):
                self._begin(*item)
            elif item[0] == FORGET:
                # Requests that have not connected yet are still to find theirs.
                self._addresses, self._before, self._approved = {}, self._approved, {}
            else:
                self._addresses[item[0]] = self._approved[hostname(item[0] + "/")] = item[1]

    def _begin(self, number: int, url: str, conditions: Mapping[str, str] | None, fresh: bool) -> None:
        transfer = Transfer(self._wanted)
        site = self._requests.site(url)
        line = self._requests.line(
            url, site, self._addresses[site.name], self._wanted.accept, transfer, fresh=fresh, conditions=conditions
        )
        now = time.monotonic()
        self._running[line.handle] = _Running(number, url, line, transfer, now)
        self._silent[line.handle] = now + self._limits.first_byte
        self._multi.add_handle(line.handle)

    def _is_approved(self, host: str, address: str) -> bool:
        return address in self._approved.get(host, ()) or address in self._before.get(host, ())

    def _patience(self) -> float:
        """Seconds until something is to be done without an event."""
        dues = [] if self._due is None else [self._due]
        if self._silent:
            dues.append(next(iter(self._silent.values())))
        return max(0.0, min(dues) - time.monotonic()) if dues else -1

    def _collect(self) -> None:
        """Look at what has come."""
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            for handle in done:
                self._end(handle, None)
            for handle, code, text in failed:
                self._end(handle, (code, text))
        self._flush()

    def _end(self, handle: pycurl.Curl, error: tuple[int, str] | None) -> None:
        running = self._running.pop(handle)
        self._silent.pop(handle, None)
        self._multi.remove_handle(handle)
        transfer, duration = running.transfer, time.monotonic() - running.began
        answer: Response | FetchError
        if error is None:
            answer = transfer.response(running.url, duration)
        else:
            cut = transfer.problem or transfer.cut(running.url, duration)
            answer = cut or self._requests.explain(running.line, transfer, *error)
        self._requests.give_back(running.line)
        if isinstance(answer, Response):
            answer = self._seen(answer)
        self._answers.append(packed(running.number, answer))
        if len(self._answers) >= _TOGETHER:
            self._flush()

    def _flush(self) -> None:
        if self._answers:
            self._tell(self._answers)
            self._answers = []

    def _seen(self, answer: Response) -> Response:
        view, problem = None, ""
        if 200 <= answer.status < 300:
            try:
                view = self._look(
                    {"op": "look", "url": answer.url, "content_type": answer.headers.get("content-type", "")},
                    answer.body,
                )
            except MemoryError:
                raise  # the heap is full: a fresh process is better
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"[:500]
        look = Look(len(answer.body), answer.digest if answer.body else "", view, problem)
        return Response(answer.url, answer.status, answer.headers, b"", answer.duration, look)

    def _give_up_the_silent(self) -> None:
        """End requests whose answer has not begun in time."""
        now = time.monotonic()
        while self._silent:
            handle, deadline = next(iter(self._silent.items()))
            if deadline > now:
                return
            del self._silent[handle]
            if not self._running[handle].transfer.begun:
                self._end(handle, (pycurl.E_OPERATION_TIMEDOUT, "given up"))

    def _on_timer(self, milliseconds: int) -> int:
        self._due = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000
        return 0
