"""A child's process group, from its start until nothing of it lives.

The group's id is the child's pid. Nobody else can get that id while a member lives, so signals go to the group
only while the child has not been reaped or a look has just found a member.

Members that lost their parent are ours if this process is a subreaper (see `strays`): they are reaped here by
group, after the child itself, whose exit status belongs to Trio.
"""

import contextlib
import os
import signal
from collections.abc import Collection

import trio

from quaero_cli.engine.procfs import Stat, every_stat, read_stat

# Seconds between two looks at a group that ends: most end at once, and a slow one must not cost much.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.1
# Looks that cost one system call each; only a group that is still there then is looked for in /proc.
_CHEAP_LOOKS = 5

# Children that a task waits for. Nobody else may reap them: their exit status would be lost.
waited_for: set[int] = set()


class Group:
    """The group of one child that was started as a session's leader."""

    def __init__(self, leader: trio.Process) -> None:
        self._leader = leader
        self._id = leader.pid
        self._members: Collection[int] = ()
        waited_for.add(leader.pid)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every member that this user may signal."""
        if self._leader.returncode is None or self._exists():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._id, number)

    def alive(self) -> bool:
        """Whether anything of the group lives. Reaps what is ours."""
        return self._leader.returncode is None or (self._exists() and self._lives())

    async def gone(self) -> None:
        """Wait until nothing of the group lives."""
        await self._leader.wait()
        pause = _FIRST_PAUSE
        looks = 0
        while self._exists() and (looks < _CHEAP_LOOKS or self._lives()):
            await trio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            looks += 1

    def release(self) -> None:
        """Say that nobody waits for the child any more."""
        waited_for.discard(self._id)

    def _exists(self) -> bool:
        """Whether the group has members, zombies included."""
        self._reap()
        try:
            os.killpg(self._id, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True  # all that is left belongs to another user
        return True

    def _lives(self) -> bool:
        """Whether a member is more than a zombie (one whose parent, outside the group, does not wait for it)."""
        known = [stat for pid in self._members if (stat := read_stat(pid)) is not None]
        found = known if self._living(known) else list(every_stat())
        self._members = self._living(found)
        return bool(self._members)

    def _living(self, stats: list[Stat]) -> list[int]:
        return [stat.pid for stat in stats if stat.group == self._id and not stat.zombie]

    def _reap(self) -> None:
        """Reap members that became our children when their parents ended."""
        with contextlib.suppress(ChildProcessError):
            while os.waitid(os.P_PGID, self._id, os.WEXITED | os.WNOHANG) is not None:
                pass
