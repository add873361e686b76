"""The program's side of the process that forks reading processes: starts it, orders children, ends it.

The protocol is written down in `reading/forkserver.py`. The server is started by `exec` with the program's module
path and nothing else of it: no `__main__` is imported again, no descriptor but one socket is handed over.
"""

import json
import os
import socket
import subprocess
import sys

import trio

from quaero_cli.crawl.reading.forkserver import BROKEN, FORK, KILL, KILLED, LENGTH, READY, SCOUT
from quaero_cli.errors import QuaeroError

# Importing everything takes 0.5 s on an idle machine; a loaded one may take this many.
_START_SECONDS = 60.0
# Seconds for the processes to go when they are told to; then they are killed.
_STOP_SECONDS = 5.0

_BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from quaero_cli.crawl.reading.forkserver import main; main(int(sys.argv[2]), sys.argv[3])"
)


class PoolBroken(QuaeroError):
    """No reading process can be started at all."""


class ReadingServer:
    """The pool's side of the process that forks. Orders go one at a time."""

    def __init__(self, factory: str) -> None:
        self._factory = factory
        self._process: trio.Process | None = None
        self._control: trio.SocketStream | None = None
        self._ready = False
        self._turn = trio.Lock()

    async def fork(self, *, scout: bool = False) -> tuple[socket.socket, int]:
        """A fresh child: its pipe, which does not block, and its process ID. Raises PoolBroken.

        Starts the server if there is none. `scout`: one that fetches pages itself.
        """
        async with self._turn:
            if self._control is None:
                await self._start()
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    ours.setblocking(False)
                    return ours, await self._order_fork(SCOUT if scout else FORK, theirs)
                except BaseException:
                    ours.close()
                    await self._drop()
                    raise

    async def end(self, process_id: int) -> None:
        """Kill a child and wait until it is gone."""
        async with self._turn:
            if self._control is None:
                return
            try:
                with trio.fail_after(_STOP_SECONDS):
                    await self._control.send_all(KILL + LENGTH.pack(process_id))
                    await self._expect(KILLED)
            except (trio.TooSlowError, trio.BrokenResourceError, PoolBroken):
                await self._drop()

    async def stop(self) -> None:
        """End the server and with it its children."""
        async with self._turn:
            await self._drop()

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        self._control = _stream(ours)
        with theirs:
            path = json.dumps([entry or os.getcwd() for entry in sys.path])
            command = [sys.executable, "-I", "-c", _BOOT, path, str(theirs.fileno()), self._factory]
            try:
                self._process = await trio.lowlevel.open_process(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                )
            except BaseException:
                await self._drop()
                raise
        try:
            with trio.fail_after(_START_SECONDS):
                await self._expect(READY)
            self._ready = True
        except trio.TooSlowError as error:
            await self._drop()
            raise PoolBroken(f"the reading process was not ready within {_START_SECONDS:g} s") from error
        except BaseException:
            await self._drop()
            raise

    async def _order_fork(self, order: bytes, theirs: socket.socket) -> int:
        assert self._control is not None
        descriptor = theirs.fileno().to_bytes(4, sys.byteorder)
        await self._control.socket.sendmsg([order], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)])
        with trio.fail_after(_STOP_SECONDS):
            number = bytearray()
            while len(number) < LENGTH.size:
                number += await self._receive(LENGTH.size - len(number))
        return int(LENGTH.unpack(number)[0])

    async def _expect(self, word: bytes) -> None:
        answer = await self._receive(1)
        if answer == BROKEN:
            raise PoolBroken(
                f"the reading process cannot start: {(await self._receive(500)).decode(errors='replace')}"
            )
        if answer != word:
            raise PoolBroken("the reading process answered out of turn")

    async def _receive(self, size: int) -> bytes:
        assert self._control is not None
        part = bytes(await self._control.receive_some(size))
        if not part:
            raise PoolBroken("the reading process ended by itself")
        return part

    async def _drop(self) -> None:
        """Forget the server. It ends at the end of its socket, killing its children; else it is killed."""
        control, process, ready = self._control, self._process, self._ready
        self._control, self._process, self._ready = None, None, False
        if control is not None:
            control.socket.close()
        if process is not None and not ready:
            process.kill()  # it has no children yet, and while it imports it does not look at the socket
        if process is not None:
            with trio.CancelScope(shield=True):
                with trio.move_on_after(_STOP_SECONDS):
                    await process.wait()
                process.kill()
                await process.wait()


def _stream(end: socket.socket) -> trio.SocketStream:
    return trio.SocketStream(trio.socket.from_stdlib_socket(end))
