"""Reads /proc: which processes live, and whose they are. Linux only; no signals are sent here.

A process may end between two reads, so every function answers with what it could still see, never with an error.
"""

import os
import time
from collections.abc import Iterator
from typing import NamedTuple

# Places after the command's name in /proc/PID/stat (proc(5); its field 3 is place 0).
_STATE, _PARENT, _GROUP, _SESSION, _THREADS, _STARTED = 0, 1, 2, 3, 17, 19

_KERNEL = 2  # kthreadd: the parent of all threads of the kernel, which have no arguments ever
# Seconds that an exec may take from where the old program is gone to where the new one's arguments are there: it is
# microseconds, but the process may have to wait for a core.
EXEC_PATIENCE = 0.05
_EXEC_PAUSE = 0.001


class Stat(NamedTuple):
    """One process. `started` (clock ticks since boot) makes the pid an identity: pids are used again."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    zombie: bool

    @property
    def of_kernel(self) -> bool:
        """Whether it is a thread of the kernel, of which there are many, and nothing to be read.

        In a container another process may have that number. No job's process is without a group and a session there.
        """
        return self.group == self.session == 0 and _KERNEL in (self.pid, self.parent)


def read_stat(pid: int) -> Stat | None:
    """Return the process, or None when there is none (any more)."""
    content = _read(f"/proc/{pid}/stat")
    if content is None:
        return None
    fields = content[content.rindex(b")") + 2 :].split()  # the command's name may hold anything, ) too
    # A main thread that has ended shows as a zombie while other threads of the process go on.
    ended = fields[_STATE] in (b"Z", b"X") and int(fields[_THREADS]) <= 1
    parent, group, session, started = (int(fields[at]) for at in (_PARENT, _GROUP, _SESSION, _STARTED))
    return Stat(pid, parent, group, session, started, ended)


def identity() -> str:
    """Return what tells this process from every other one on this machine, also from a later one of its pid."""
    stat = read_stat(os.getpid())
    return f"{os.getpid()}-{0 if stat is None else stat.started}"


def lives(identity: str) -> bool:
    """Return whether the process of an `identity` lives."""
    pid, _, started = identity.partition("-")
    stat = read_stat(int(pid)) if pid.isdigit() else None
    return stat is not None and not stat.zombie and str(stat.started) == started


def every_stat() -> Iterator[Stat]:
    """Go through all processes that can be seen."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = read_stat(int(name))
            if stat is not None:
                yield stat


def environment(pid: int) -> list[bytes]:
    """Return the NAME=VALUE entries with which the process was started; none for a zombie or another user's.

    Sync: waits up to EXEC_PATIENCE for a process that is just becoming another program.
    """
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.geteuid():
            return []
    except OSError:
        return []
    found, until = _read(f"/proc/{pid}/environ"), time.monotonic() + EXEC_PATIENCE
    while not found and _is_in_exec(pid) and time.monotonic() < until:
        time.sleep(_EXEC_PAUSE)  # noqa: TID251  # the kernel tells nobody when an exec is done
        found = _read(f"/proc/{pid}/environ")
    return (found or b"").split(b"\0")


def _is_in_exec(pid: int) -> bool:
    """In the midst of exec(2) a process has no arguments and no environment: those of the new program come last."""
    if _read(f"/proc/{pid}/cmdline"):
        return False
    stat = read_stat(pid)
    return stat is not None and not stat.zombie and not stat.of_kernel


def command_line(pid: int) -> str:
    """Return the words of the command, for people."""
    return (_read(f"/proc/{pid}/cmdline") or b"").replace(b"\0", b" ").decode(errors="backslashreplace").strip()


def ancestors() -> set[int]:
    """Return this process and its line up to the first."""
    line = set()
    stat = read_stat(os.getpid())
    while stat is not None and stat.pid not in line:
        line.add(stat.pid)
        stat = read_stat(stat.parent)
    return line


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except OSError:
        return None
