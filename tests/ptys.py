"""quaero on a terminal of its own: a real process on a pseudo-terminal, and the screen that a person would see."""

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from screen import Screen
from shells import PATIENCE, Shell

# What may go on in the next piece that is read.
_BEGUN = re.compile(r"(\x1b(\[[?\d;]*)?|\r)\Z")


class Pseudo:
    """A process on a terminal. What it writes is fed to `screen`, which fails on what no program should write."""

    def __init__(self, leader: int, process: subprocess.Popen[bytes], columns: int, rows: int) -> None:
        self.process = process
        self.screen = Screen(columns, rows)
        self.raw = ""
        self.closed = False
        self._held = ""  # the beginning of a sequence whose end is still to come
        self._leader = leader
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def read(self, seconds: float = PATIENCE) -> bool:
        """Take what comes next; return whether something came. False, too, when the terminal is closed."""
        if not select.select([self._leader], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._leader, 65536)
        except OSError:  # EIO: nobody has it open any more
            return False
        text = self._decoder.decode(data)
        self.raw += text
        whole = self._held + text
        cut = _BEGUN.search(whole)
        end = cut.start() if cut else len(whole)
        self._held = whole[end:]
        self.screen.feed(whole[:end].replace("\r\n", "\n"))
        return bool(data)

    def until(self, text: str) -> None:
        """Read until the process has written `text` since the last look."""
        begin, deadline = len(self.raw), time.monotonic() + PATIENCE
        while text not in self.raw[begin:]:
            assert self.read(), f"{text!r} did not come:\n{self.raw[-3000:]}"
            assert time.monotonic() < deadline, f"{text!r} did not come:\n{self.raw[-3000:]}"

    def type(self, keys: str) -> None:
        """Type keys."""
        os.write(self._leader, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as a person does with the mouse."""
        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(columns)

    def close(self) -> None:
        """Close the terminal, as who closes the window: its processes are sent SIGHUP, and can write no more."""
        os.close(self._leader)
        self.closed = True

    def echoes(self) -> bool:
        """Whether typed keys are shown."""
        return bool(termios.tcgetattr(self._leader)[3] & termios.ECHO)

    def wait_stopped(self) -> None:
        """Wait until the process has been stopped, and take what it wrote before."""
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), status
        while self.read(0.3):  # the kernel hands it on a moment later
            pass

    def wait(self) -> int:
        """Take everything to the end, however long that is, and return the exit code."""
        deadline = time.monotonic() + PATIENCE
        while (came := self.read(0.2)) or self.process.poll() is None:
            if came:
                deadline = time.monotonic() + PATIENCE
            assert time.monotonic() < deadline, self.raw[-3000:]
        return self.process.wait()


@contextmanager
def on_a_terminal(shell: Shell, *words: str, columns: int = 100, rows: int = 30) -> Iterator[Pseudo]:
    """Run a command on a terminal of this size; it is killed at the end of the block if it still runs."""
    leader, follower = os.openpty()
    fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {**shell.environment(), "TERM": "xterm-256color", "PYTHONUNBUFFERED": "1"}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "TMUX"):
        environment.pop(name, None)
    environment.update(shell.extra)
    process = subprocess.Popen(
        ["setsid", "--ctty", sys.executable, "-m", "quaero_cli", *words],
        stdin=follower, stdout=follower, stderr=follower, cwd=shell.folder, env=environment,
    )  # fmt: skip
    os.close(follower)
    terminal = Pseudo(leader, process, columns, rows)
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        if not terminal.closed:
            os.close(leader)
