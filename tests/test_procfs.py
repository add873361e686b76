"""engine/procfs.py against the real /proc: a process must be read right, whatever its name is."""

import os
import shutil
import subprocess

import trio

from quaero_cli.engine import procfs


def test_this_process():
    """Children could not be told from strangers."""
    stat = procfs.read_stat(os.getpid())
    assert stat is not None
    assert (stat.parent, stat.group, stat.session) == (os.getppid(), os.getpgrp(), os.getsid(0))
    assert not stat.zombie
    assert stat in list(procfs.every_stat())
    assert {os.getpid(), os.getppid(), 1} <= procfs.ancestors()


def test_a_process_that_is_gone():
    """A process that ends while /proc is read would end the look at all others."""
    child = subprocess.Popen(["true"])
    child.wait()
    assert procfs.read_stat(child.pid) is None
    assert procfs.environment(child.pid) == []
    assert procfs.command_line(child.pid) == ""


async def test_a_hostile_name(tmp_path):
    """A program named like the rest of its line in /proc could pose as a zombie, and be left running."""
    program = tmp_path / ") Z 1 1 1"
    shutil.copy(shutil.which("sleep") or "", program)
    async with trio.open_nursery() as nursery:
        process = await trio.lowlevel.open_process([program, "1000"], env={"A": "b=c", "D": ""})
        nursery.start_soon(process.wait)
        stat = procfs.read_stat(process.pid)
        assert stat is not None
        assert (stat.parent, stat.zombie) == (os.getpid(), False)
        assert procfs.environment(process.pid)[:2] == [b"A=b=c", b"D="]
        assert procfs.command_line(process.pid) == f"{program} 1000"
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - it was killed
        stat = procfs.read_stat(process.pid)
        assert stat is not None
        assert stat.zombie
