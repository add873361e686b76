"""Typed keys while a live region is shown, on a real terminal."""

import os
import subprocess
import sys
from pathlib import Path

from shells import PATIENCE

CHILD = """
import os, sys, termios
sys.path[:0] = [{root!r}, {tests!r}]
os.close(os.open(os.ttyname(0), os.O_RDWR))  # a session leader that opens a terminal gets it as its own
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.live import LiveDisplay
from terminal_facts import entry, logs, running
echo = lambda: print(bool(termios.tcgetattr(1)[3] & termios.ECHO), file=sys.stderr)
out = Terminal(sys.stdout, {{}})
echo()
try:
    with LiveDisplay(out, out) as display:
        display.status(running())
        display.logs(logs([entry(1)]))
        echo()
        raise KeyError
except KeyError:
    echo()
if os.fork() == 0:
    os.setpgid(0, 0)  # in the background now
    with LiveDisplay(out, out) as display:
        display.status(running())
        display.logs(logs([entry(1)]))
        echo()
    os._exit(0)
os.wait()
echo()
"""


def test_typed_keys_are_not_echoed_into_the_region():
    """Enter would push the picture up and leave a piece behind; a run in the background would be stopped."""
    tests = Path(__file__).parent
    leader, follower = os.openpty()
    code = CHILD.format(root=str(tests.parent), tests=str(tests))
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=follower, stdout=follower, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    _, said = child.communicate(timeout=PATIENCE)
    os.close(leader)
    os.close(follower)
    assert said.split() == ["True", "False", "True", "True", "True"]
    assert child.returncode == 0
