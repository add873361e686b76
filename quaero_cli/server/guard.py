"""Hypercorn's Trio worker, made safe (see HOOKS, and the pins in pyproject). Its insides are touched here and in
`connection` and `http11`, nowhere else.

What Hypercorn 0.18 does on its own, and what is done about it here:

* An exception in one connection ends the whole server. -> Every connection runs in a scope of its own and what it
  raises is counted, logged and over (`Guard.handle`).
* Clear-text HTTP/2 (upgrade or prior knowledge) cannot be turned off and has several ways to crash. -> The protocol
  object is always HTTP/1.1; an `Upgrade` header (h2c, WebSocket) is ignored, as HTTP allows (`http11`).
* A reader that stops reading blocks `send` for ever, even through a cancellation, so the server cannot stop. -> A
  deadline on progress, then the connection is reset (`connection`).
* The task that answers is cancelled before the connection is recycled: `Connection: close` never closes, and a kept
  connection is never timed out. -> The last send is shielded (`finish_shielded`); the deadline bounds it.
* A closed idle connection is kept for the rest of its idle time. -> The idle timer ends with the reader.
* Closing at once with unread data resets the connection, and the client never sees our 413. -> The reader goes on
  for a moment and throws away what comes (`connection`).
* URL, header and body sizes are not limited one by one. -> `Http11._check_protocol`, before the app is asked.

Theory of operation: `Guard.handle` is given to `trio.serve_listeners`. Each connection is one task: its reader, with
the app and the idle timer as children. The connection is shielded from outer cancellation, and `Guard.stop` ends it:
first politely, then, after the grace, by force. Nothing here knows of Quart or of quaero's routes.
"""

import math
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext

from quaero_cli.model import Level
from quaero_cli.server.actions import ServiceLog
from quaero_cli.server.connection import Connection, Shared, reset
from quaero_cli.server.hypercorn_log import HypercornLog
from quaero_cli.server.limits import Limits

__all__ = ["HOOKS", "Guard", "finish_shielded"]

# What is overridden or called here and is not public: a test looks for each of them in the pinned version.
HOOKS: Final[Mapping[type, tuple[str, ...]]] = {
    TCPServer: ("run", "protocol_send", "_read_data", "_close", "_idle_timeout", "_initiate_server_close"),
    H11Protocol: ("handle", "_check_protocol", "_create_stream", "_send_error_response", "_send_h11_event"),
    TaskGroup: ("__aenter__", "__aexit__"),
    WorkerContext: ("event_class", "single_task_class"),
    Config: ("response_headers", "logger_class"),
}

_Scope = Mapping[str, Any]
_Receive = Callable[[], Awaitable[Mapping[str, Any]]]
_Send = Callable[[Mapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


def finish_shielded(app: AsgiApp) -> AsgiApp:
    """Wrap `app` so that nobody cancels it while its last bytes are sent and the connection is recycled."""

    async def shielded(scope: _Scope, receive: _Receive, send: _Send) -> None:
        async def shielded_send(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                with trio.CancelScope(shield=True):
                    await send(message)
            else:
                await send(message)

        await app(scope, receive, shielded_send)

    return shielded


class Guard:
    """Serves connections, each on its own; counts what it had to contain.

    `handle` wants to be the handler of `trio.serve_listeners`; `stop` is called once, before their nursery is left.
    """

    def __init__(self, app: AsgiApp, *, limits: Limits, log: ServiceLog) -> None:
        self.limits = limits
        self.log = log
        self.context = WorkerContext(None)
        self.live: set[Connection] = set()
        self.counts: Counter[str] = Counter()
        config = _config(limits, log)
        self._shared = Shared(ASGIWrapper(finish_shielded(app)), config, self.context, limits, self.counts)
        self._empty = trio.Event()

    async def handle(self, stream: trio.SocketStream) -> None:
        """Serve one connection to its end. Raises nothing but cancellation."""
        if len(self.live) >= self.limits.connections:
            self.counts["too many connections"] += 1
            reset(stream)
            return
        connection = Connection(self._shared, stream)
        self.live.add(connection)
        try:
            with connection.scope:
                await connection.run()
        except* Exception as group:
            self._contain(group)
        finally:
            self.live.discard(connection)
            reset(stream)
            if not self.live:
                self._empty.set()

    async def stop(self) -> None:
        """Let requests under way finish within the grace, then end what is left by force."""
        await self.context.terminated.set()
        self._empty = trio.Event()
        for connection in self.live:
            connection.hasten()
        if self.live:
            with trio.move_on_after(self.limits.grace_seconds):
                await self._empty.wait()
        for connection in list(self.live):
            reset(connection.stream)
            connection.scope.cancel()

    def take_counts(self) -> dict[str, int]:
        """Return what has happened since the last time."""
        counts = dict(self.counts)
        self.counts.clear()
        return counts

    def _contain(self, group: ExceptionGroup[Exception]) -> None:
        # Only the kinds: a protocol error's message quotes the request, and that may hold the token.
        self.counts["connection errors"] += 1
        kinds = sorted({type(error).__name__ for error in _leaves(group)})
        where = traceback.extract_tb(next(_leaves(group)).__traceback__)
        place = f"{where[-1].filename}:{where[-1].lineno}" if where else ""
        self.log(Level.ERROR, "Connection ended by an error", {"error": ", ".join(kinds), "where": place})


def _leaves(group: BaseExceptionGroup[Any]) -> Any:  # noqa: ANN401  # an iterator of exceptions
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _config(limits: Limits, log: ServiceLog) -> Config:
    config = Config()
    config.include_server_header = False
    # A full queue would block the last send of an app that does not read the body, and nothing would ever end that.
    # Quart reads at once and keeps no more than its own limit, so nothing gathers here.
    config.max_app_queue_size = math.inf  # type: ignore[assignment]
    config.keep_alive_timeout = limits.header_seconds
    config.h11_max_incomplete_size = limits.header_bytes + limits.target_bytes
    config.logger_class = cast("Any", lambda _: HypercornLog(log))
    return config
