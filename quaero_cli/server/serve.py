"""The server as a task: bind, say so, serve, and stop within a few seconds whatever its clients do.

Theory of operation: the accepting task is a child of this one; connections are children of the nursery around it and
are shielded, so that a cancelled server can still say goodbye. However this task is told to stop (the `stop` event,
a cancellation, an error), it stops accepting, lets the streams send their `shutdown` event, and gives the guard its
grace. Installs no signal handlers: whoever owns the process does.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trio

from quaero_cli.errors import UsageError
from quaero_cli.model import Level
from quaero_cli.server.app import build_app, viewer_files
from quaero_cli.server.desk import Desk, ServerParts, open_desk
from quaero_cli.server.files import Files
from quaero_cli.server.gate import Gate
from quaero_cli.server.guard import Guard
from quaero_cli.server.limits import Limits
from quaero_cli.server.listen import allow_open_files, open_listener, open_unix_listener
from quaero_cli.server.security import Policy, allowed_hosts, is_loopback

# Seconds between log lines that say how many requests were refused: one line, whatever comes in.
_REPORT_INTERVAL = 60.0
# Each follower reads with a connection of its own: the database and its write-ahead log.
_FILES_PER_STREAM = 2
# Addresses that stand for all of a machine's, and one of them that this machine can open.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Bound:
    """Where the server listens."""

    url: str  # for people and browsers; without the token
    host: str
    port: int
    token: str | None = field(default=None, repr=False)
    public: bool = False  # other machines may reach it

    @property
    def viewer_url(self) -> str:
        """The address to open: the token is in the fragment, which is never sent, logged or passed on."""
        if self.port == 0:
            return self.url  # a Unix socket: no browser opens that
        return f"{self.url}/#t={self.token}" if self.token else f"{self.url}/"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the user chose. `token` None: `--no-auth`, which is for loopback only."""

    host: str = "127.0.0.1"
    port: int = 8420
    token: str | None = field(default=None, repr=False)
    read_only: bool = False
    hosts: Sequence[str] = ()  # more names under which it is reached, without the port
    unix_socket: Path | None = None  # listen there instead


async def serve(
    parts: ServerParts,
    options: ServeOptions,
    *,
    stop: trio.Event | None = None,
    limits: Limits | None = None,
    files: Files | None = None,
    task_status: trio.TaskStatus[Bound] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stop` is set or this is cancelled; ready (`task_status`) when connections are accepted.

    Raises ServerError when it cannot listen, UsageError when `--no-auth` is asked for on a public address,
    StoreError when the store cannot be read.
    """
    limits = limits or Limits()
    stop = trio.Event() if stop is None else stop
    allow_open_files(limits.connections + limits.streams * _FILES_PER_STREAM)
    listener, bound, policy = await _listen(options, limits)
    try:
        with open_desk(parts, limits) as desk:
            gate = Gate(build_app(desk, files or viewer_files()), policy)
            guard = Guard(gate, limits=limits, log=parts.log)
            async with desk.streams.feeding():
                await _run(listener, _Running(desk, gate, guard, bound), stop, task_status)
    finally:
        listener.close()
        if options.unix_socket is not None:
            options.unix_socket.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Running:
    """The pieces of a server that runs."""

    desk: Desk
    gate: Gate
    guard: Guard
    bound: Bound


async def _run(
    listener: socket.socket, server: _Running, stop: trio.Event, task_status: trio.TaskStatus[Bound]
) -> None:
    log = server.desk.parts.log
    listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(listener))]
    async with trio.open_nursery() as connections:
        try:
            async with trio.open_nursery() as accepting:
                accepting.start_soon(_accept, server.guard, listeners, connections)
                accepting.start_soon(_report_regularly, server)
                log(Level.INFO, "Server started", {"url": server.bound.url})
                task_status.started(server.bound)
                await stop.wait()
                accepting.cancel_scope.cancel()
        finally:
            # Bounded by the guard's grace.
            with trio.CancelScope(shield=True):
                server.desk.streams.drain()
                await server.guard.stop()
            _report(server)
            log(Level.INFO, "Server stopped", {"url": server.bound.url})


async def _accept(guard: Guard, listeners: list[trio.SocketListener], connections: trio.Nursery) -> None:
    await trio.serve_listeners(guard.handle, listeners, handler_nursery=connections)


async def _report_regularly(server: _Running) -> None:
    while True:
        await trio.sleep(_REPORT_INTERVAL)
        _report(server)


def _report(server: _Running) -> None:
    """Log how many requests were refused since the last time, if any."""
    counts = server.gate.take_counts() | server.guard.take_counts()
    if counts:
        server.desk.parts.log(Level.WARN, "Requests refused", counts)


async def _listen(options: ServeOptions, limits: Limits) -> tuple[socket.socket, Bound, Policy]:
    if options.unix_socket is not None:
        listener = open_unix_listener(options.unix_socket)
        hosts = frozenset({"localhost", "127.0.0.1", *(name.lower() for name in options.hosts)})
        bound = Bound(f"unix:{options.unix_socket}", "localhost", 0, options.token)
        return listener, bound, Policy(hosts, options.token, options.read_only)
    listener = await open_listener(options.host, options.port, peer_gone_seconds=limits.peer_gone_seconds)
    address, port = listener.getsockname()[:2]
    if options.token is None and not is_loopback(address):
        listener.close()
        raise UsageError(
            f"--no-auth would open {options.host} to everybody who can reach it",
            hint="leave --no-auth out, or serve on 127.0.0.1",
        )
    everywhere = address in _EVERYWHERE
    shown = _EVERYWHERE.get(address, options.host)
    machine = socket.gethostname()
    own = [machine, f"{machine}.local"] if everywhere else [options.host, address]
    policy = Policy(allowed_hosts(port, [*options.hosts, *own]), options.token, options.read_only, everywhere)
    url = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    return listener, Bound(url, options.host, port, options.token, public=not is_loopback(address)), policy
