"""Long pages go through a pager, where somebody sits at a terminal; everywhere else they are simply written.

The pager is `$PAGER`, else `less`, which leaves at once what fits on the screen and shows our colours. `NO_PAGER`, an
empty `PAGER` and a terminal on which nothing may move turn it off.
"""

import contextlib
import os
import shlex
import signal
from collections.abc import Iterator, Mapping

from quaero_cli.terminal.console import Terminal

# Leave what fits on one screen, show colours, and keep the last screen when left.
_LESS = "FRX"


def page(terminal: Terminal, text: str, env: Mapping[str, str] | None = None) -> None:
    """Show `text`: in a pager when it is longer than the screen and there is one, else as it is.

    Raises what `Terminal.write` raises. `env`: the environment that names the pager; this process's unless given.
    """
    env = os.environ if env is None else env
    words = _pager(terminal, env)
    if not words or text.count("\n") < terminal.size()[1] or not _through(words, text, env):
        terminal.write(text)


def _pager(terminal: Terminal, env: Mapping[str, str]) -> list[str]:
    """Return the pager's command; empty where there shall be none."""
    if not terminal.animated or env.get("NO_PAGER"):
        return []
    try:
        words = shlex.split(env.get("PAGER", "less"))
    except ValueError:  # a quote that is not closed
        return []
    return [] if words == ["cat"] else words


def _through(words: list[str], text: str, env: Mapping[str, str]) -> bool:
    """Run the pager until it is left; return whether it could be started."""
    import subprocess

    with _deaf_to_ctrl_c():
        try:
            pager = subprocess.Popen(words, stdin=subprocess.PIPE, env={"LESS": _LESS, "LV": "-c", **env})
        except OSError:
            return False
        assert pager.stdin is not None
        with contextlib.suppress(BrokenPipeError), pager.stdin:  # left before its end: enough was seen
            pager.stdin.write(text.encode("utf-8", "backslashreplace"))
        pager.wait()
    return True


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ctrl-C in a pager is for the pager."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
