"""The connection to the servers, and requests of JetStream's API over it. Runs in the asyncio thread.

The client's own way to come back is not used: it ends for good at some words of a server (`-ERR`), or when a
connection is cut at an unlucky moment, and its requests then wait for their timeout. Here a task makes a new client
whenever the last one is gone, or has heard nothing for too long; what waited for an answer is told at once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoServersError

from quaero_cli.cluster.address import without_password
from quaero_cli.cluster.nats.access import (
    Access,
    SafeClient,
    credentials,
    encryption,
    refusal,
    words,
)
from quaero_cli.cluster.ports import EngineAway, EngineFull
from quaero_cli.errors import ServerError

# Seconds for the first connection, unless it is refused: servers may just be starting.
CONNECT_DEADLINE = 15.0
# Seconds for one try at one server.
_TRY_DEADLINE = 4.0
# Seconds for an answer.
ANSWER_DEADLINE = 2.0
# Seconds beyond its wait until a stored message is thought not to come.
MESSAGE_DEADLINE = 2.0
# Seconds without any answer, while some were asked for, until a connection that looks well is thought to be dead.
# An election of servers is over before.
SILENCE = 15.0
_RECONNECT_WAIT = 0.25  # seconds
_CLOSE_PATIENCE = 0.2  # seconds
_PING_INTERVAL = 5  # seconds; two without an answer, and the connection is dead

_WRONG_LAST_SEQUENCE = 10071
# Resources of the server, of the account, of the stream, and of its disk.
_NO_ROOM = {10023, 10028, 10047, 10077}
_NOT_FOUND = 404

OnMessage = Callable[[Msg], Awaitable[None]]


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
    def is_full(self) -> bool:
        """Whether there is no room."""
        return self.number in _NO_ROOM

    @property
    def is_conflict(self) -> bool:
        """Whether somebody else was first."""
        return self.number == _WRONG_LAST_SEQUENCE


class NoMessage(EngineAway):
    """What was waited for did not come in its time, and the server did not say so."""


class Wire:
    """One connection, which comes back by itself. `connections` counts: after a change, look again at everything."""

    def __init__(self) -> None:
        self._client: SafeClient | None = None
        self._lost = asyncio.Event()  # the client is of no use any more
        self._keeper: asyncio.Task[None] | None = None
        self._subscriptions: list[tuple[str, OnMessage]] = []
        self._waiting: set[asyncio.Timeout] = set()  # of requests under way
        self._heard = 0.0  # when something came last
        self._problem = "no answer"
        self._advice: str | None = None
        self._servers: list[str] = []
        self._options: dict[str, Any] = {}
        self._encrypted = False
        self._access = Access()
        self.connections = 0

    # ------------------------------------------------------------------ being connected

    async def connect(self, servers: list[str], name: str, access: Access) -> None:
        """Connect. Raises ServerError when that fails within the deadline, or is refused, and UsageError."""
        tls = encryption(servers, access)
        credentials(access.credentials)  # a file that cannot be used is told at once
        self._encrypted, self._servers, self._access = tls is not None, list(servers), access
        self._options = {
            "name": name, "tls": tls, "allow_reconnect": False, "max_reconnect_attempts": 1, "connect_timeout": 2,
            "ping_interval": _PING_INTERVAL, "max_outstanding_pings": 2,
        }  # fmt: skip
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_DEADLINE):
                while not await self._try_all() and self._advice is None:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(_RECONNECT_WAIT)
        if self._client is None:
            shown = ", ".join(map(without_password, servers))
            if self._advice is not None:
                raise ServerError(f"{shown}: the engine lets nobody in: {self._problem}", hint=self._advice)
            raise ServerError(
                f"{shown}: the engine cannot be reached: {self._problem}",
                hint="is nats-server running there, with -js?",
            )
        self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        """Come back whenever the connection is lost."""
        while True:
            await self._lost.wait()
            gone, self._client = self._client, None
            for waiting in list(self._waiting):
                with suppress(RuntimeError):  # it is ending this very moment
                    waiting.reschedule(asyncio.get_running_loop().time())
            if gone is not None:
                await _close(gone)
            while not await self._try_all():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(_RECONNECT_WAIT)

    async def _try_all(self) -> bool:
        """Try each server once; return whether one of them took us."""
        for server in random.sample(self._servers, len(self._servers)):
            lost, client = asyncio.Event(), None
            try:
                known = credentials(self._access.credentials)
                client = SafeClient(must_encrypt=self._encrypted, nkey=known.nkey)
                async with asyncio.timeout(_TRY_DEADLINE):
                    await client.connect(
                        [server], error_cb=self._on_error, closed_cb=_setter(lost), **self._options, **known.options
                    )
                    await self._make_ready(client)
            except Exception as error:  # whatever it is, the next try may fare better
                await self._on_error(error)
                if client is not None:
                    await _close(client)
            else:
                self._client, self._lost, self._advice = client, lost, None
                self._heard = asyncio.get_running_loop().time()
                self.connections += 1
                return True
        return False

    async def _make_ready(self, client: SafeClient) -> None:
        """Subscribe a new client to all that is wanted; returns when the server knows."""
        done = 0
        while done < len(self._subscriptions):  # more may be wanted meanwhile
            for subject, on_message in self._subscriptions[done:]:
                await client.subscribe(subject, cb=self._heard_by(on_message))
                done += 1
            await client.flush()

    async def _on_error(self, error: Exception) -> None:
        advice = refusal(error)
        # What follows a refusal only says that the connection is gone, and that a try has failed is no reason.
        if advice is not None or (self._advice is None and not isinstance(error, NoServersError)):
            self._problem, self._advice = words(error), advice

    async def close(self) -> None:
        """Close the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
        client, self._client = self._client, None
        if client is not None:
            await _close(client)

    # ------------------------------------------------------------------ using it

    async def subscribe(self, subject: str, on_message: OnMessage) -> None:
        """Call a function with each message from now on, also after the connection came back."""
        self._subscriptions.append((subject, on_message))
        if self._client is not None:
            with suppress(NatsError):  # it is lost: the next one is subscribed, too
                await self._client.subscribe(subject, cb=self._heard_by(on_message))

    def _heard_by(self, on_message: OnMessage) -> OnMessage:
        async def hear(message: Msg) -> None:
            self._heard = asyncio.get_running_loop().time()
            await on_message(message)

        return hear

    def _connected(self) -> SafeClient:
        if self._client is None or not self._client.is_connected:
            if self._client is not None:  # it does not say so when the connection broke while it was being closed
                self._lost.set()
            raise EngineAway(f"no connection: {self._problem}")
        return self._client

    async def tell(self, subject: str, body: bytes) -> None:
        """Send a message; nobody answers."""
        try:
            await self._connected().publish(subject, body)
        except (NatsError, OSError) as error:
            raise EngineAway(words(error)) from error

    async def request(
        self, subject: str, body: bytes = b"", *, headers: dict[str, str] | None = None, wait: float | None = None
    ) -> Msg:
        """Ask and return the answer. `wait`: it is a stored message, which may take so many seconds to be there."""
        client, lost = self._connected(), self._lost
        late = ANSWER_DEADLINE if wait is None else wait + MESSAGE_DEADLINE
        limit = asyncio.timeout(late)
        try:
            async with limit:
                self._waiting.add(limit)
                try:
                    # The client tells ordinary answers by their subject, and a stored message keeps its own.
                    answer = await client.request(
                        subject, body, timeout=late + 1, headers=headers, old_style=wait is not None
                    )
                finally:
                    self._waiting.discard(limit)
        except TimeoutError as error:
            if lost.is_set():
                raise EngineAway("the connection was lost") from error
            if wait is not None:
                raise NoMessage("no message") from error
            if asyncio.get_running_loop().time() - self._heard > SILENCE:
                lost.set()
            raise EngineAway("no answer") from error
        except (NatsError, OSError) as error:
            raise EngineAway(words(error)) from error
        self._heard = asyncio.get_running_loop().time()
        return answer

    async def api(self, what: str, value: object = None) -> dict[str, Any]:
        """Ask JetStream. Raises ApiError for a refusal, EngineAway where nobody answers."""
        answer = await self.request(f"$JS.API.{what}", b"" if value is None else orjson.dumps(value))
        return _accepted(answer)

    async def store(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """Append to the stream of a subject; return the sequence number. Raises ApiError, EngineFull, EngineAway."""
        try:
            return int(_accepted(await self.request(subject, body, headers=headers))["seq"])
        except ApiError as error:
            if error.is_full:
                raise EngineFull(str(error)) from error
            raise

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


def _setter(event: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def set_it() -> None:
        event.set()

    return set_it


async def _close(client: SafeClient) -> None:
    """Close a client that may be in any state: after a refused TLS handshake, for one, it would wait for ever."""
    closing = asyncio.ensure_future(client.close())
    await asyncio.wait({closing}, timeout=_CLOSE_PATIENCE)  # it may fail in any way, and may swallow cancellation
    if not closing.done():
        closing.cancel()
    client.let_go()
