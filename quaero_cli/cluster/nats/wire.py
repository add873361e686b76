"""The connection to the servers, and requests of JetStream's API over it. Runs in the asyncio thread."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout

from quaero_cli.cluster.ports import EngineAway
from quaero_cli.errors import ServerError

# Seconds for the first connection: the client would try for ever, also with a wrong password.
CONNECT_DEADLINE = 15.0
# Seconds for an answer. Requests under way when a server dies are not failed but run into this.
ANSWER_DEADLINE = 2.0
# Seconds beyond its wait until a stored message is thought not to come.
MESSAGE_DEADLINE = 2.0
_RECONNECT_WAIT = 0.25  # seconds; the annotation of the client says whole ones
_PING_INTERVAL = 5  # seconds; two without an answer, and the connection is dead

_WRONG_LAST_SEQUENCE = 10071
_NOT_FOUND = 404


class ApiError(Exception):
    """JetStream refused a request."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("description", error)))
        self.code = int(error.get("code", 0))
        self.number = int(error.get("err_code", 0))

    @property
    def is_missing(self) -> bool:
        """Whether what was asked for is not there."""
        return self.code == _NOT_FOUND

    @property
    def is_conflict(self) -> bool:
        """Whether somebody else was first."""
        return self.number == _WRONG_LAST_SEQUENCE


class NoMessage(EngineAway):
    """What was waited for did not come in its time, and the server did not say so."""


class Wire:
    """One connection, which comes back by itself. `connections` counts: after a change, look again at everything."""

    def __init__(self) -> None:
        self._client = Client()
        self._problem = "no answer"
        self.connections = 0

    async def connect(self, servers: list[str], name: str, ca_file: Path | None) -> None:
        """Connect. Raises ServerError when that fails within the deadline."""
        shown = ", ".join(map(without_password, servers))
        tls = None
        if ca_file is not None or any(server.startswith("tls://") for server in servers):
            try:
                tls = ssl.create_default_context(cafile=ca_file)
            except OSError as error:
                raise ServerError(f"{ca_file}: {error.strerror or error}", hint="cluster.ca_file names it") from error
        try:
            async with asyncio.timeout(CONNECT_DEADLINE):
                await self._client.connect(
                    servers=servers, name=name, error_cb=self._on_error, reconnected_cb=self._on_reconnect,
                    max_reconnect_attempts=-1, reconnect_time_wait=_RECONNECT_WAIT,  # type: ignore[arg-type]
                    connect_timeout=2,
                    ping_interval=_PING_INTERVAL, max_outstanding_pings=2, tls=tls,
                )  # fmt: skip
        except (TimeoutError, NatsError, OSError) as error:
            await self.close()
            words = self._problem if isinstance(error, TimeoutError) else str(error)
            raise ServerError(
                f"{shown}: the engine cannot be reached: {words}", hint="is nats-server running there, with -js?"
            ) from error
        self.connections += 1

    async def _on_error(self, error: Exception) -> None:
        self._problem = str(error) or type(error).__name__

    async def _on_reconnect(self) -> None:
        self.connections += 1

    async def close(self) -> None:
        """Close the connection."""
        if not self._client.is_closed:
            await self._client.close()

    async def subscribe(self, subject: str, on_message: Callable[[Msg], Awaitable[None]]) -> None:
        """Call a function with each message from now on, also after the connection came back."""
        await self._client.subscribe(subject, cb=on_message)

    async def tell(self, subject: str, body: bytes) -> None:
        """Send a message; nobody answers."""
        try:
            await self._client.publish(subject, body)
        except NatsError as error:
            raise EngineAway(_words(error)) from error

    async def request(
        self, subject: str, body: bytes = b"", *, headers: dict[str, str] | None = None, wait: float | None = None
    ) -> Msg:
        """Ask and return the answer. `wait`: it is a stored message, which may take so many seconds to be there."""
        if not self._client.is_connected:
            raise EngineAway(f"no connection: {self._problem}")
        try:
            # The client tells ordinary answers by their subject, and a stored message keeps its own.
            late = ANSWER_DEADLINE if wait is None else wait + MESSAGE_DEADLINE
            return await self._client.request(
                subject, body, timeout=late, headers=headers, old_style=wait is not None
            )
        except NatsTimeout as error:
            raise (EngineAway if wait is None else NoMessage)(_words(error)) from error
        except NatsError as error:
            raise EngineAway(_words(error)) from error

    async def api(self, what: str, value: object = None) -> dict[str, Any]:
        """Ask JetStream. Raises ApiError for a refusal, EngineAway where nobody answers."""
        answer = await self.request(f"$JS.API.{what}", b"" if value is None else orjson.dumps(value))
        return _accepted(answer)

    async def store(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """Append to the stream of a subject; return the sequence number. Raises ApiError and EngineAway."""
        return int(_accepted(await self.request(subject, body, headers=headers))["seq"])

    async def store_after(self, subject: str, body: bytes, last: int) -> int | None:
        """Append, if the subject's newest message has the number `last` (0: has none); None: it has another."""
        try:
            return await self.store(subject, body, {"Nats-Expected-Last-Subject-Sequence": str(last)})
        except ApiError as error:
            if error.is_conflict:
                return None
            raise EngineAway(str(error)) from error


def _accepted(answer: Msg) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(answer.data)
    if "error" in value:
        raise ApiError(value["error"])
    return value


def _words(error: Exception) -> str:
    return str(error).removeprefix("nats: ") or type(error).__name__


def without_password(server: str) -> str:
    """Return a server's address for people."""
    scheme, _, rest = server.rpartition("://")
    return f"{scheme or 'nats'}://{rest.rpartition('@')[2]}"
