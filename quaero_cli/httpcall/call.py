"""One HTTP request, answered or not: `send`.

What is promised: http and https only, certificates checked, no redirect followed, no proxy from the environment,
never more than `MAX_BODY` bytes of body kept, an end within the time given. Cancelled, the connection is dropped at
once. Unlike the crawler's requests these go wherever the author says, loopback and intranet included.
"""

import errno
import io
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import ada_url
import pycurl
import trio

from quaero_cli.crawl.body import Body, BodyProblem
from quaero_cli.crawl.curl import CurlError, CurlLoop
from quaero_cli.errors import StepFailed

# Of an answer: outputs are kept with the job; data of any size is fetched by a program, into a file.
MAX_BODY = 1024 * 1024
# Seconds to a connection: a host that is there answers in a tenth of one.
CONNECT_SECONDS = 30.0

_CONNECT_WORDS = {
    errno.ECONNREFUSED: "connection refused: nobody listens there",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENETUNREACH: "network unreachable",
}
_TLS_CODES = frozenset({35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98})
_CUT_CODES = frozenset({16, 18, 52, 55, 56, 92})


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. Header names are sent in lower case."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came. Header names are lower case; `truncated`: the body had more than `MAX_BODY` bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    seconds: float

    @property
    def is_json(self) -> bool:
        """Whether the answer says that it is JSON."""
        media = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return media == "application/json" or media.endswith("+json")


def shown_url(url: str) -> str:
    """Return the URL for a log: without the user's name and password. Raises StepFailed for what is no http URL."""
    try:
        found = ada_url.URL(url)
    except ValueError as error:
        raise StepFailed(f"not a URL: {url!r}", hint="write https://host/path") from error
    if found.protocol not in ("http:", "https:"):
        raise StepFailed(f"not an http or https URL: {url!r}")
    found.username = found.password = ""
    return str(found.href)


async def send(request: Request, *, timeout: float | None) -> Answer:
    """Send the request, return the answer whatever its status. Raises StepFailed, in one line, when there is none.

    `timeout` in seconds is that of the whole; None: only a connection must come in time.
    """
    url = ada_url.URL(request.url)
    addresses = await _addresses(url.hostname)
    loop, handle, coming = CurlLoop(), pycurl.Curl(), _Coming()
    begun = trio.current_time()
    try:
        _prepare(handle, str(url.href), request, coming, timeout)
        if addresses:
            port = url.port or ("443" if url.protocol == "https:" else "80")
            handle.setopt(pycurl.RESOLVE, [f"{url.hostname}:{port}:{','.join(addresses)}"])
        failure: CurlError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(loop.run)
            try:
                await loop.perform(handle)
            except CurlError as error:
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None and not coming.full:
            raise StepFailed(_explained(handle, failure, coming, timeout))
        return coming.answer(trio.current_time() - begun)
    finally:
        handle.close()
        loop.close()


async def _addresses(host: str) -> list[str]:
    """Resolve here: libcurl's own resolver cannot be cancelled. None for an address, which needs no look."""
    if host.startswith("[") or host.replace(".", "").isdigit():
        return []
    with trio.move_on_after(CONNECT_SECONDS):
        try:
            found = await trio.socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            raise StepFailed(f"the host {host!r} has no address: {error.strerror}") from error
        addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
        return [f"[{address}]" if ":" in address else address for address in addresses]
    raise StepFailed(f"no address of the host {host!r} within {CONNECT_SECONDS:g} s")


class _Coming:
    """What has come so far."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body: Body | None = None

    @property
    def full(self) -> bool:
        """Whether the transfer was ended because no more is wanted."""
        return self._body is not None and self._body.full

    def on_header(self, line: bytes) -> None:
        text = line.decode("latin-1").strip()
        name, colon, value = text.partition(":")
        if text.startswith("HTTP/") and "/" in name:
            self._status, self._headers = int(text.split(None, 2)[1]), {}  # an interim answer gives way
        elif colon:
            known = self._headers.get(name.lower())
            self._headers[name.lower()] = value.strip() if known is None else f"{known}, {value.strip()}"

    def on_body(self, chunk: bytes) -> int | None:
        try:
            if self._body is None:
                self._body = Body(self._headers.get("content-encoding", ""), limit=MAX_BODY, truncate=True)
            self._body.feed(chunk)
        except BodyProblem as problem:
            self.problem = problem.reason
            return -1
        return -1 if self._body.full else None

    def answer(self, seconds: float) -> Answer:
        try:
            body = b"" if self._body is None else self._body.finish()
        except BodyProblem as problem:
            raise StepFailed(f"the answer cannot be read: {problem.reason}") from problem
        return Answer(self._status, self._headers, body, self.full, seconds)


def _prepare(handle: pycurl.Curl, url: str, request: Request, coming: _Coming, timeout: float | None) -> None:
    for option, value in (
        (pycurl.NOSIGNAL, 1),
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
        (pycurl.PROXY, ""),
        (pycurl.NOPROXY, "*"),
        (pycurl.FOLLOWLOCATION, 0),
        (pycurl.CONNECTTIMEOUT_MS, round(CONNECT_SECONDS * 1000)),
        (pycurl.URL, url),
        (pycurl.HEADERFUNCTION, coming.on_header),
        (pycurl.WRITEFUNCTION, coming.on_body),
    ):
        handle.setopt(option, value)
    if timeout is not None:
        handle.setopt(pycurl.TIMEOUT_MS, max(1, round(timeout * 1000)))
    if request.body is not None:
        handle.setopt(pycurl.UPLOAD, 1)
        handle.setopt(pycurl.READFUNCTION, io.BytesIO(request.body).read)
        handle.setopt(pycurl.INFILESIZE, len(request.body))
    if request.method == "HEAD":
        handle.setopt(pycurl.NOBODY, 1)
    handle.setopt(pycurl.CUSTOMREQUEST, request.method)
    headers = {"accept-encoding": "gzip, deflate", **{name.lower(): value for name, value in request.headers.items()}}
    # Without this libcurl asks whether it may send, and waits a second for servers that do not answer that.
    lines = ["expect:", *(f"{name}: {value}" if value else f"{name};" for name, value in headers.items())]
    handle.setopt(pycurl.HTTPHEADER, [line.encode() for line in lines])


def _explained(handle: pycurl.Curl, error: CurlError, coming: _Coming, timeout: float | None) -> str:
    code, words = error.code, error.text.strip().rstrip(".")
    words = words[:1].lower() + words[1:200]
    if coming.problem is not None:
        return f"the answer cannot be read: {coming.problem}"
    if code == pycurl.E_COULDNT_CONNECT:
        return _CONNECT_WORDS.get(handle.getinfo(pycurl.OS_ERRNO), f"cannot connect: {words}")
    if code == pycurl.E_OPERATION_TIMEDOUT:
        connected = handle.getinfo(pycurl.CONNECT_TIME) > 0 or timeout is None
        return f"no complete answer within {timeout:g} s" if connected and timeout else f"no connection: {words}"
    if code in _TLS_CODES:
        return f"no secure connection: {words}"
    if code in _CUT_CODES:
        return f"the connection ended before the answer was whole: {words}"
    return words or f"libcurl error {code}"
