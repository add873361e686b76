"""How a reader learns that something was committed, in this process and across processes.

Whoever committed sets a wake-up; it calls no reader. Inside a process that is an event which is replaced each time;
to other processes it is one datagram to each Unix socket in the data directory's `wake` folder (measured: seen
after 0.5 ms, 40 us for the writer, nothing while idle). A datagram can get lost, so each process also has one slow
look at `PRAGMA data_version`. A wake-up says nothing but "look again": to be woken for nothing is harmless, and
to take the waiter *before* reading means that no commit falls between reading and waiting. Only whoever looks seldom
while many commits come is told more: that this one is an errand, a job that is to begin or to be cancelled.
"""

import os
import secrets
import socket
from collections.abc import Hashable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import trio

from quaero_cli.errors import StoreError
from quaero_cli.store.engine import Connection, connect, translated
from quaero_cli.stream.crowd import Crowd
from quaero_cli.stream.follower import Follower
from quaero_cli.stream.looks import SharedLooks
from quaero_cli.stream.nudge import ERRAND, address_of, nudge

# Seconds between slow looks: the longest delay if a datagram is lost; 0.2 % of a core.
SLOW_LOOK = 0.25


class Wakeups:
    """The one watcher of a process, shared by all its readers. `run` must be running for it to notice others."""

    def __init__(self, folder: Path, database: Path) -> None:
        self._folder = folder
        self._database = database
        self._event = trio.Event()
        self._errand = trio.Event()
        self._known: int | None = None  # version of the data for which all were woken
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"  # of this process's socket
        self._token: trio.lowlevel.TrioToken | None = None  # None: nobody listens yet
        self.looks = SharedLooks(database)
        self._crowds: dict[Hashable, Crowd] = {}

    def waiter(self) -> trio.Event:
        """Return the event that the next wake-up sets. Take it before reading, then wait for it."""
        return self._event

    def errand_waiter(self) -> trio.Event:
        """Return the event that the next errand sets; it may get lost where a wake-up does not."""
        return self._errand

    def set(self, *, errand: bool = False) -> None:
        """Wake every reader of this process. For the thread of the event loop only."""
        self.looks.forget()
        self._event.set()
        self._event = trio.Event()
        if errand:
            self._errand.set()
            self._errand = trio.Event()

    def committed(self) -> None:
        """Wake every reader: those of other processes first, whose way is longer. From any thread; never blocks."""
        nudge(self._folder, besides=self._name)
        if self._token is not None:
            self._token.run_sync_soon(self.set, idempotent=True)

    def crowd_for(self, follower: Follower) -> Crowd | None:
        """Return the crowd that a follower may join now; a new one when there is none of its kind."""
        kind = follower.kind
        crowd = self._crowds.get(kind)
        if crowd is None and follower.caught_up:
            crowd = Crowd(follower, self.waiter, lambda: self._dissolve(kind))
        if crowd is None or not crowd.takes(follower):
            return None
        if kind not in self._crowds:
            self._crowds[kind] = crowd
            self.looks.lookers += 1
        return crowd

    def _dissolve(self, kind: Hashable) -> None:
        del self._crowds[kind]
        self.looks.lookers -= 1

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen to other processes until cancelled. Raises StoreError when the file cannot be read any more."""
        self._token = trio.lowlevel.current_trio_token()
        with (
            closing(connect(self._database, readonly=True)) as connection,
            _listening(self._folder, self._name) as listener,
        ):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._look_slowly, connection)
                task_status.started()
                if listener is not None:
                    await self._receive(trio.socket.from_stdlib_socket(listener), connection)

    async def _receive(self, listener: trio.socket.SocketType, connection: Connection) -> None:
        while True:
            word = await listener.recv(1)
            # The slow look need not wake anybody again for what is there by now.
            self._known = self._version(connection)
            self.set(errand=word == ERRAND)

    async def _look_slowly(self, connection: Connection) -> None:
        while True:
            version = self._version(connection)
            if version != self._known:
                self._known = version
                self.set()
            await trio.sleep(SLOW_LOOK)

    def _version(self, connection: Connection) -> int:
        """Return a number that changes with each commit of others."""
        with translated(self._database):
            return int(connection.execute("PRAGMA data_version").fetchone()[0])


@contextmanager
def _listening(folder: Path, name: str) -> Iterator[socket.socket | None]:
    """Open this process's socket; None where the platform cannot (then the slow look alone serves)."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        listener.setblocking(False)
        try:
            with address_of(folder, name) as address:
                listener.bind(address)
        except FileNotFoundError as error:
            raise StoreError(f"{folder}: {error.strerror}", hint="was the data directory removed?") from error
        except OSError:
            yield None
            return
        yield listener
    finally:
        listener.close()
        (folder / name).unlink(missing_ok=True)
