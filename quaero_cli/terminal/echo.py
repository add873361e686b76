"""Typed keys: a terminal echoes them where the cursor stands, and a live region has its cursor there.

While a region is shown the echo is off, so that Enter does not push the region up and leave a piece of it behind, and
Ctrl-C does not write `^C` into it. Nothing else is changed: keys still wait for the next program, and Ctrl-C, Ctrl-Z
and Ctrl-S do what they always do. (A shell sets its terminal right by itself after a job that was killed.)
"""

import os
import termios

_LOCAL_FLAGS = 3  # index in what `tcgetattr` returns


class Echo:
    """The echo of the terminal behind a descriptor; does nothing where there is none, or where it is not ours."""

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        self._changed = False

    def off(self) -> None:
        """Stop echoing."""
        self._changed = self._changed or self._set(on=False)

    def restore(self) -> None:
        """Echo again, if it was `off` that stopped it."""
        if self._changed:
            self._changed = not self._set(on=True)

    def _set(self, *, on: bool) -> bool:
        """Return whether the echo has been changed."""
        if self._fd is None:
            return False
        try:
            if os.tcgetpgrp(self._fd) != os.getpgrp():
                return False  # in the background: the terminal is another's, and changing it would stop us
            attributes = termios.tcgetattr(self._fd)
            before = attributes[_LOCAL_FLAGS]
            attributes[_LOCAL_FLAGS] = before | termios.ECHO if on else before & ~termios.ECHO
            if attributes[_LOCAL_FLAGS] == before:
                return False
            termios.tcsetattr(self._fd, termios.TCSANOW, attributes)
        except (OSError, termios.error):
            return False  # not a terminal, or one that has gone
        return True
