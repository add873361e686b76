"""Runs one child: its output line by line, its whole process group from start to end.

Theory of operation. Two pumps read the pipes; they are shielded, so that they go on while a cancelled child ends.
The body waits for the child. However that wait ends, `_end` follows, shielded and bounded in time:

1. A child that ended by itself may have left others that hold its pipes: they have `drain` seconds to finish.
2. What still lives of the group gets TERM (and CONT, or a stopped process would not see it), then `grace` seconds,
   then KILL. `kill_now` cuts the grace short.
3. The pumps read on to the end of the pipes, for `drain` seconds at most, and then take what the pipes still
   hold. So all that was written before the end is kept, and a process outside the group that holds a pipe hangs
   nobody.

Backpressure: after each chunk a pump waits for `room`, the pipe fills, and the child blocks. Nothing is dropped.

Never PR_SET_PDEATHSIG here: Trio starts children from a worker thread, and the signal fires when that thread ends.
"""

import errno
import fcntl
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import trio

from quaero_cli.engine.group import Group
from quaero_cli.engine.lines import LineSplitter, Piece
from quaero_cli.engine.output import OnPieces
from quaero_cli.errors import StepFailed
from quaero_cli.masking.mask import Mask

Room = Callable[[], Awaitable[None]]

GRACE = 10.0  # seconds between TERM and KILL: what service managers give a program to tidy up
DRAIN = 0.5  # seconds for the pipes' end after the child's: `child | tee` needs some, a daemon gets no more
# Seconds to wait for a killed process. Only one stuck in the kernel (a dead network disk) takes longer.
KILL_PATIENCE = 5.0
# Bytes per read: a pipe's usual capacity. Smaller reads cost speed, larger ones gain none.
_CHUNK = 65536


async def run_process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    on_pieces: OnPieces,
    room: Room,
    on_start: Callable[[], None] | None = None,
    grace: float = GRACE,
    drain: float = DRAIN,
    kill_now: trio.Event | None = None,
    mask: Mask | None = None,
) -> int:
    """Run a child in a session of its own, hand over its output, return its exit code (negative: the signal).

    `env` is the child's whole environment. `on_pieces(source, pieces)` is called with what came of
    `stdout` and `stderr` (see `lines`), in the order of each; `room` is awaited after each chunk of them. `on_start`
    is called once the child runs.

    `mask` hides secrets in the output, before it is split.

    Cancelled, it ends the group and hands over the last lines before `Cancelled` goes on; `kill_now`, once set,
    makes that immediate. In any case no process of the group, no zombie and no file descriptor is left.

    Raises StepFailed when the child cannot be started, or cannot be ended. What `on_pieces` or `room` raise ends
    the child and is raised.
    """
    child = await _start(argv, env, cwd)
    group = Group(child)
    if on_start is not None:
        on_start()
    try:
        assert child.stdout is not None
        assert child.stderr is not None
        async with trio.open_nursery() as nursery:
            pumps = [
                _Pump(child.stdout, "stdout", on_pieces, room, nursery.cancel_scope.cancel, mask),
                _Pump(child.stderr, "stderr", on_pieces, room, nursery.cancel_scope.cancel, mask),
            ]
            for pump in pumps:
                nursery.start_soon(pump.run)
            try:
                await child.wait()
            finally:
                with trio.CancelScope(shield=True):  # bounded: drain, grace, KILL_PATIENCE, drain
                    await _end(child, group, pumps, _Patience(grace, drain, kill_now))
    finally:
        group.release()
    for pump in pumps:
        if pump.error is not None:
            raise pump.error
    assert child.returncode is not None
    return child.returncode


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long an end may take."""

    grace: float
    drain: float
    kill_now: trio.Event | None


class _Pump:
    """Reads one pipe to its end, or until it is stopped; closes it. It never raises: see `error`."""

    def __init__(
        self,
        pipe: trio.abc.ReceiveStream,
        source: str,
        on_pieces: OnPieces,
        room: Room,
        failed: Callable[[], None],
        mask: Mask | None,
    ) -> None:
        assert isinstance(pipe, trio.lowlevel.FdStream)
        self.ended = trio.Event()
        self.error: Exception | None = None
        self._pipe = pipe
        self._source = source
        self._on_pieces = on_pieces
        self._room = room
        self._failed = failed
        self._splitter = LineSplitter()
        self._mask = None if mask is None else mask.bytes_stream()
        self._reading = trio.CancelScope(shield=True)  # ended by `stop`

    async def run(self) -> None:
        try:
            with self._reading:
                while chunk := await self._pipe.receive_some(_CHUNK):
                    self._feed(chunk)
                    await self._room()
            if self._reading.cancelled_caught:
                self._sweep()
            if self._mask is not None:
                self._hand_over(self._splitter.feed(self._mask.finish()))
            self._hand_over(self._splitter.finish())
        except Exception as error:
            self.error = error
            self._failed()
        finally:
            self._pipe.close()
            self.ended.set()

    def stop(self) -> None:
        """Take what the pipe holds by now, and end."""
        self._reading.cancel()

    def _sweep(self) -> None:
        """Read what was written before now, without waiting: no more than the pipe can hold."""
        left = fcntl.fcntl(self._pipe.fileno(), fcntl.F_GETPIPE_SZ)
        while left > 0:
            try:
                chunk = os.read(self._pipe.fileno(), min(left, _CHUNK))
            except BlockingIOError:
                return
            if not chunk:
                return
            self._feed(chunk)
            left -= len(chunk)

    def _feed(self, chunk: bytes) -> None:
        self._hand_over(self._splitter.feed(chunk if self._mask is None else self._mask.feed(chunk)))

    def _hand_over(self, pieces: list[Piece]) -> None:
        if pieces:
            self._on_pieces(self._source, pieces)


async def _end(child: trio.Process, group: Group, pumps: list[_Pump], patience: _Patience) -> None:
    """End what is left of the group, then the pumps."""
    try:
        if child.returncode is not None:
            await _drained(pumps, patience.drain)
            if not group.alive():
                return
        group.signal(signal.SIGTERM)
        group.signal(signal.SIGCONT)
        if not await _gone(group, patience.grace, patience.kill_now):
            group.signal(signal.SIGKILL)
            if not await _gone(group, KILL_PATIENCE, None):
                raise StepFailed(f"process group {child.pid} cannot be ended, not even by SIGKILL")
        await _drained(pumps, patience.drain)
    finally:
        for pump in pumps:
            pump.stop()
            await pump.ended.wait()


async def _drained(pumps: list[_Pump], seconds: float) -> None:
    with trio.move_on_after(seconds):
        for pump in pumps:
            await pump.ended.wait()


async def _gone(group: Group, seconds: float, kill_now: trio.Event | None) -> bool:
    """Wait until the group is gone; false when time is up or there is no time to wait."""
    with trio.move_on_after(seconds) as patience:
        async with trio.open_nursery() as nursery:
            if kill_now is not None:
                nursery.start_soon(cancel_when, kill_now, patience)
            await group.gone()
            nursery.cancel_scope.cancel()
    return not patience.cancelled_caught


async def cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    """Cancel the scope once the event is set. Runs until then or until it is cancelled."""
    await event.wait()
    scope.cancel()


async def _start(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> trio.Process:
    if not argv or not argv[0]:
        raise StepFailed("the command is empty")
    try:
        return await trio.lowlevel.open_process(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise _start_failure(argv[0], env, cwd, error) from error
    except ValueError as error:
        raise StepFailed(f"cannot start {argv[0]!r}: {error}") from error


def _start_failure(program: str, env: Mapping[str, str], cwd: Path, error: OSError) -> StepFailed:
    """Say in words why the child could not be started."""
    if error.filename is not None and str(error.filename) == str(cwd):
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be used: {error.strerror}"
        return StepFailed(f"the working directory {cwd} {reason}")
    if isinstance(error, FileNotFoundError):
        if "/" not in program:
            return StepFailed(f"program {program!r} not found", hint=f"PATH is {env.get('PATH', 'not set')}")
        if (cwd / program).exists():
            return StepFailed(f"the interpreter in the first line of {program!r} does not exist")
        return StepFailed(f"program {program!r} not found", hint=f"it is looked for from {cwd}")
    if isinstance(error, PermissionError):
        return StepFailed(f"program {program!r} is not executable", hint=f"chmod +x {program}")
    if error.errno == errno.ENOEXEC:
        hint = "begin a script with a line such as #!/bin/sh"
        return StepFailed(f"{program!r} is not a program that this system can run", hint=hint)
    return StepFailed(f"cannot start {program!r}: {error.strerror}")
