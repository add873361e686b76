"""One request to a server and its answer, whole or piece by piece: h11 over a socket, on Trio.

Every wait is bounded. What goes wrong on the way is `Unreachable`, which may pass; what the server refuses is one of
quaero's own errors, with the server's words.
"""

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import h11
import orjson
import trio

from quaero_cli.errors import FilterError, NotFoundError, QuaeroError, ServerError, UsageError
from quaero_cli.remote.address import Address

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0  # a search of many millions of entries takes a few
# A stream says something at least every 5 seconds: after three such silences its other side is gone.
SILENCE_SECONDS = 16.0
_RECEIVE = 64 * 1024
_MAX_BODY = 64 * 1024 * 1024


class Unreachable(ServerError):
    """The server does not answer, or not with what was asked for; it may do so later. `retry_after` in seconds."""

    retry_after: float | None = None


class Answer:
    """An answer whose body is still to come. Its owner closes it; closing closes the connection."""

    def __init__(self, address: Address, stream: trio.abc.Stream) -> None:
        self._address = address
        self._stream = stream
        self._http = h11.Connection(h11.CLIENT)
        self.status = 0
        self.headers: Mapping[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        await trio.aclose_forcefully(self._stream)

    async def ask(self, target: str, headers: Mapping[str, str]) -> None:
        """Send the request and take the head of its answer. Raises Unreachable."""
        asked = h11.Request(method="GET", target=self._address.base + target, headers=list(headers.items()))
        try:
            with trio.fail_after(ANSWER_SECONDS):
                await self._stream.send_all(self._http.send(asked) + self._http.send(h11.EndOfMessage()))
                head = await self._event()
        except (OSError, trio.BrokenResourceError, trio.TooSlowError, h11.ProtocolError) as error:
            raise self._broken(error) from error
        if not isinstance(head, h11.Response):
            raise self._broken(None)
        self.status = head.status_code
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}

    async def piece(self, patience: float = ANSWER_SECONDS) -> bytes:
        """Return some more of the body; nothing is its clean end. Raises Unreachable."""
        try:
            with trio.fail_after(patience):
                event = await self._event()
        except (OSError, trio.BrokenResourceError, trio.TooSlowError, h11.ProtocolError) as error:
            raise self._broken(error) from error
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def body(self) -> bytes:
        """Return the rest of the body. Raises Unreachable."""
        body = bytearray()
        while piece := await self.piece():
            body += piece
            if len(body) > _MAX_BODY:
                raise self._broken(None)
        return bytes(body)

    async def _event(self) -> Any:  # noqa: ANN401  # h11's events have no common class
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(bytes(await self._stream.receive_some(_RECEIVE)))
            elif not isinstance(event, h11.InformationalResponse):
                return event

    def _broken(self, error: BaseException | None) -> Unreachable:
        words = "it does not answer" if isinstance(error, trio.TooSlowError) else "the connection broke"
        return Unreachable(f"cannot reach {self._address}: {words}", hint=_HINT)


_HINT = "is the server running there? start one with: quaero serve"


async def connect(address: Address) -> trio.abc.Stream:
    """Open a connection. Raises Unreachable."""
    try:
        with trio.fail_after(CONNECT_SECONDS):
            if address.unix is not None:
                return await trio.open_unix_socket(address.unix)
            if address.scheme == "https":
                tls = await trio.open_ssl_over_tcp_stream(address.host, address.port, https_compatible=True)
                await tls.do_handshake()
                return tls
            return await trio.open_tcp_stream(address.host, address.port)
    except trio.TooSlowError as error:
        raise Unreachable(f"cannot reach {address}: it does not answer", hint=_HINT) from error
    except ssl.SSLError as error:
        raise Unreachable(f"cannot reach {address}: {error.reason or 'no TLS'}", hint=_HINT) from error
    except (OSError, ExceptionGroup, trio.BrokenResourceError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else "no connection"
        raise Unreachable(f"cannot reach {address}: {words.lower()}", hint=_HINT) from error


async def get(address: Address, target: str, **headers: str) -> Answer:
    """Ask for a target; the answer is 200 or 204. Raises what the server's refusal means."""
    answer = Answer(address, await connect(address))
    sent = {"Host": address.authority, "Connection": "close", **headers}
    if address.token is not None:
        sent["Authorization"] = f"Bearer {address.token}"
    try:
        await answer.ask(target, sent)
        if answer.status not in (200, 204):
            raise _refusal(address, answer, await answer.body())
    except BaseException:
        await answer.aclose()
        raise
    return answer


async def get_json(address: Address, target: str) -> Any:  # noqa: ANN401  # whatever the route answers
    """Return the JSON of an answer. Raises what `get` does."""
    async with await get(address, target) as answer:
        body = await answer.body()
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ServerError(f"{address} is no quaero server", hint=_HINT) from error


def _refusal(address: Address, answer: Answer, body: bytes) -> QuaeroError:
    words, hint = _words(body)
    if answer.status == 401:
        return ServerError(
            f"{address} wants a token, or another one",
            hint="give it with --token, in QUAERO_TOKEN, or in the address that quaero serve printed",
        )
    if words is None:
        return Unreachable(f"{address} is no quaero server: it answers {answer.status}", hint=_HINT)
    if answer.status == 404:
        return NotFoundError(words, hint=hint)
    if answer.status in (400, 412):
        return _filter_error(body) or UsageError(words, hint=hint)
    if answer.status >= 500:
        busy = Unreachable(f"{address}: {words}", hint=hint)
        after = answer.headers.get("retry-after", "")
        busy.retry_after = float(after) if after.isascii() and after.isdigit() else None
        return busy
    return ServerError(f"{address}: {words}", hint=hint)


def _filter_error(body: bytes) -> FilterError | None:
    """Return the error that the same filter would have caused here, if it is one that is an option here, too."""
    told = orjson.loads(body)
    name = told.get("parameter")
    if name not in ("step", "worker"):
        return None
    return FilterError(name, str(told["error"]).removeprefix(f"{name}: "), str(told["allowed"]))


def _words(body: bytes) -> tuple[str | None, str | None]:
    """Return what the server's JSON error says, and its hint."""
    try:
        told = orjson.loads(body)
        return str(told["error"]), told.get("hint")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None, None
