"""Processes of a job that left their process group: daemons, double forks, `setsid`.

Two things find them again. `QUAERO_JOB_ID` in the environment that each child starts with is inherited whatever
else a process does; `find_strays` looks for it in /proc. `QUAERO_RUNNER` says which quaero looks after the process:
one that lives needs no help, and two of a cluster's workers on one machine may run the same job, the one that has
lost it and the one that has it now. And this process is a subreaper: a descendant that loses
its parent becomes our child instead of init's, so that none of them stays a zombie.

Reaping must never take the exit status of a child that somebody waits for (a python step's own, say). A zombie
may be reaped for certain when it or another of its session was seen alive with a job's cookie, or when its session
is neither ours nor its own: a direct child is always in one of these two. The rest waits until no step runs (`idle`).
"""

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import trio

from quaero_cli.engine import group, procfs
from quaero_cli.engine.process import GRACE, KILL_PATIENCE, cancel_when

RUNNER = "QUAERO_RUNNER"
# An item of another machine's step, or of one of ours that is spread: its processes are its own affair until it ends.
PART = "QUAERO_PART"
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
# Seconds between two looks through /proc, each of which costs milliseconds: from the first to the longest.
_FIRST_PAUSE = 0.002
_LONGEST_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Stray:
    """A process that carries a job's cookie. `started` tells it from a later process with the same pid."""

    pid: int
    started: int
    session: int
    command: str


def become_subreaper() -> bool:
    """Adopt descendants that lose their parent, from now on. False where the system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) == 0


def find_strays(
    job_id: str, *, step: str | None = None, part: str | None = None, ours: bool | None = None
) -> list[Stray]:
    """Return the living processes of this user that a job (or one step of it) started. Reads /proc: milliseconds.

    A job's regular children are among them while they run. This process and its ancestors never are. `ours`: leave
    out what another quaero that lives looks after; false: and what this one does. `part`: those of this item of a
    step with `spread`; without it, and with what is `ours`, none of any item.
    """
    cookies = {f"QUAERO_JOB_ID={job_id}".encode()}
    if step is not None:
        cookies.add(f"QUAERO_STEP={step}".encode())
    if part is not None:
        cookies.add(f"{PART}={part}".encode())
    own_line = procfs.ancestors()
    foreign = part is None and ours is True
    return [
        Stray(stat.pid, stat.started, stat.session, procfs.command_line(stat.pid))
        for stat in procfs.every_stat()
        if not stat.zombie
        and not stat.of_kernel
        and stat.pid not in own_line
        and _belongs(environment := procfs.environment(stat.pid), cookies, ours)
        and not (foreign and any(entry.startswith(f"{PART}=".encode()) for entry in environment))
    ]


def _belongs(environment: list[bytes], cookies: set[bytes], ours: bool | None) -> bool:
    if not cookies.issubset(environment):
        return False
    if ours is None:
        return True
    for entry in environment:
        name, _, value = entry.partition(b"=")
        if name == RUNNER.encode():
            runner = value.decode(errors="replace")
            return ours if runner == procfs.identity() else not procfs.lives(runner)
    return True


async def kill_strays(
    job_id: str,
    *,
    step: str | None = None,
    part: str | None = None,
    ours: bool = True,
    grace: float = GRACE,
    kill_now: trio.Event | None = None,
) -> list[Stray]:
    """End what `find_strays` finds, without what another quaero looks after: TERM, up to `grace` seconds, KILL.

    Returns what was met, for the log. To be called when the job (or step) has no regular children left. Shielded from
    cancellation, and bounded: `grace`, cut short by `kill_now`, and `KILL_PATIENCE`.
    """
    met: set[Stray] = set()
    find = partial(find_strays, job_id, step=step, part=part, ours=ours)
    with trio.CancelScope(shield=True):
        with trio.move_on_after(grace) as patience:
            async with trio.open_nursery() as nursery:
                if kill_now is not None:
                    nursery.start_soon(cancel_when, kill_now, patience)
                await _signal_until_gone(find, signal.SIGTERM, met)
                nursery.cancel_scope.cancel()
        with trio.move_on_after(KILL_PATIENCE):
            if patience.cancelled_caught:
                await _signal_until_gone(find, signal.SIGKILL, met)
            await _reap(met)
    _reap_orphans(seen={stray.session for stray in met}, idle=False)
    return sorted(met, key=lambda stray: stray.pid)


def reap_orphans(*, idle: bool = False) -> int:
    """Reap adopted zombies, return how many. `idle`: no step runs, so nobody can be waiting for any of them."""
    return _reap_orphans(seen=set(), idle=idle)


def _reap_orphans(*, seen: set[int], idle: bool) -> int:
    us, our_session = os.getpid(), os.getsid(0)
    orphans = [
        stat.pid
        for stat in procfs.every_stat()
        if stat.zombie
        and stat.parent == us
        and (idle or stat.session in seen or stat.session not in (our_session, stat.pid))
    ]
    return sum(_reap_one(pid) for pid in orphans if pid not in group.waited_for)


async def _signal_until_gone(find: Callable[[], list[Stray]], number: signal.Signals, met: set[Stray]) -> None:
    """Signal each process once, those that appear meanwhile, too, until there is none."""
    signalled: set[Stray] = set()
    pause = _FIRST_PAUSE
    while found := await trio.to_thread.run_sync(find):
        for stray in set(found) - signalled:
            _send(stray, number)
        signalled.update(found)
        met.update(found)
        await trio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _send(stray: Stray, number: signal.Signals) -> None:
    """Signal exactly this process: through a descriptor, checked again once that is held."""
    with contextlib.suppress(OSError):  # it has ended, or it has become another user's
        descriptor = os.pidfd_open(stray.pid)
        try:
            stat = procfs.read_stat(stray.pid)
            if stat is not None and stat.started == stray.started:
                signal.pidfd_send_signal(descriptor, number)
                if number == signal.SIGTERM:  # a stopped process sees it only when it goes on
                    signal.pidfd_send_signal(descriptor, signal.SIGCONT)
        finally:
            os.close(descriptor)


async def _reap(strays: set[Stray]) -> None:
    """Wait until none of these is left, not even as a zombie of ours or of one another."""
    parents = {os.getpid(), *(stray.pid for stray in strays)}
    for stray in strays:
        while (stat := procfs.read_stat(stray.pid)) is not None and stat.started == stray.started:
            if stat.zombie and stat.parent not in parents:
                break  # its own parent has to reap it
            if stray.pid in group.waited_for or not _reap_one(stray.pid):
                await trio.sleep(_FIRST_PAUSE)


def _reap_one(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG) is not None
    return False
