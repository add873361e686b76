"""Runs quaero many times without starting Python many times: `python zygote.py` imports it once, then forks.

A request is a line of JSON on stdin: `words`, `folder`, `env` (the whole environment), `columns` (a pseudo-terminal
of that width; null: pipes). The answer is one, too: `code`, `out`, `err` (a terminal has all in `out`). Each run is a
process of its own with its own streams; only its imports were done before. `Zygote` is the other end.
"""

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

from shells import PATIENCE

_ROWS = 1000  # a terminal on which nothing is too long for the screen, so that no pager is asked


class Zygote:
    """Owns the process; a context manager, which ends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Zygote":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, words: list[str], folder: Path, env: dict[str, str], columns: int | None) -> dict[str, Any]:
        """Run a command to its end and return what it said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"words": words, "folder": str(folder), "env": env, "columns": columns}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def main() -> None:
    """Answer requests until there are no more."""
    import trio  # noqa: F401 - what commands import, once for all
    from rich.console import Console  # noqa: F401

    from quaero_cli.cli import app  # noqa: F401
    from quaero_cli.store import reader  # noqa: F401

    for line in sys.stdin:
        print(json.dumps(_serve(json.loads(line))), flush=True)


def _serve(request: dict[str, Any]) -> dict[str, Any]:
    columns = request["columns"]
    pairs = [os.openpty()] if columns else [os.pipe(), os.pipe()]
    if columns:
        fcntl.ioctl(pairs[0][1], termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
    child = os.fork()
    if child == 0:
        for ours, _ in pairs:
            os.close(ours)
        _be_quaero(request, [theirs for _, theirs in pairs])
    for _, theirs in pairs:
        os.close(theirs)
    texts = _read_all([ours for ours, _ in pairs], child)
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "out": texts[0], "err": "".join(texts[1:])}


def _read_all(descriptors: list[int], child: int) -> list[str]:
    """Read to the end of all; a child that says nothing for too long is killed, and told by its exit code."""
    found = dict.fromkeys(descriptors, b"")
    waiting = set(descriptors)
    while waiting:
        found_ready = select.select(waiting, [], [], PATIENCE)[0]
        if not found_ready:
            os.kill(child, signal.SIGKILL)
        for ready in found_ready:
            try:
                data = os.read(ready, 65536)
            except OSError:  # EIO: nobody has the terminal open any more
                data = b""
            found[ready] += data
            if not data:
                waiting.remove(ready)
                os.close(ready)
    return [text.decode().replace("\r\n", "\n") for text in found.values()]


def _be_quaero(request: dict[str, Any], streams: list[int]) -> None:
    """Become the command: never returns."""
    code = 70
    try:
        os.setsid()
        if request["columns"]:
            fcntl.ioctl(streams[0], termios.TIOCSCTTY, 0)
            inputs, outputs = streams[0], (streams[0], streams[0])
        else:
            inputs, outputs = os.open(os.devnull, os.O_RDONLY), (streams[0], streams[1])
        for number, source in enumerate((inputs, *outputs)):
            os.dup2(source, number)
        os.closerange(3, 256)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["folder"])
        sys.argv = ["quaero", *request["words"]]
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            number = ("stdin", "stdout", "stderr").index(name)
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115 - for as long as it lives
        from quaero_cli.__main__ import main as quaero

        code = 0
        quaero()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
