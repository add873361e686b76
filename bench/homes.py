"""quaero as its users have it: processes on a data directory of their own, which goes when the benchmark ends."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

AnyProcess = TypeVar("AnyProcess", subprocess.Popen[str], subprocess.Popen[bytes])

# Seconds after which a process hangs: far above what any takes on a busy machine.
PATIENCE = 300
_ROOT = Path(__file__).resolve().parent.parent
_SCRIPT = Path(sys.executable).with_name("quaero")
QUAERO = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-m", "quaero_cli"]


def environment(home: Path | None = None) -> dict[str, str]:
    """Return the environment of measured processes: this one's, with byte code kept, as after an installation."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("QUAERO", "PYTHON", "COV"))}
    return {**kept, "QUAERO_HOME": str(home)} if home is not None else kept


@contextmanager
def new_home() -> Iterator["Home"]:
    """Make a data directory in a folder of its own for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="quaero-bench-") as folder:
        yield Home(Path(folder))


def run_child(name: str, *words: object) -> dict[str, Any]:
    """Run `bench.children.NAME` to its end and return what it found. Raises RuntimeError when it fails."""
    with ending(start_child(name, *words)) as child:
        return finish_child(child)


def start_child(name: str, *words: object) -> subprocess.Popen[str]:
    """Start `bench.children.NAME`; its stdin and stdout are pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", f"bench.children.{name}", *map(str, words)],
        cwd=_ROOT,
        env=environment(),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def finish_child(child: subprocess.Popen[str], asked: object = None) -> dict[str, Any]:
    """Hand a child what it asks for on its stdin, wait for its end, and return what it found.

    Raises RuntimeError when it fails.
    """
    out, _ = child.communicate(json.dumps(asked), timeout=PATIENCE)
    if child.returncode != 0:
        raise RuntimeError(f"{child.args!r} ended with {child.returncode}")
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


@contextmanager
def ending(child: AnyProcess) -> Iterator[AnyProcess]:
    """Kill a process that has not ended by itself when the block is left, as when the benchmark broke."""
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


@dataclass(frozen=True, slots=True)
class Home:
    """A folder with a data directory in it."""

    folder: Path

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "home"

    @property
    def database(self) -> Path:
        """The database file."""
        return self.data / "quaero.db"

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command of quaero's; stdout is a pipe, nobody sees stderr."""
        return subprocess.Popen(
            [*QUAERO, *words],
            cwd=self.folder,
            env=environment(self.data),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def run(self, *words: str) -> bytes:
        """Run a command to its end and return its stdout. Raises RuntimeError when it fails."""
        ended = subprocess.run(
            [*QUAERO, *words],
            cwd=self.folder,
            env=environment(self.data),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        if ended.returncode != 0:
            said = ended.stderr.decode(errors="replace").strip()
            raise RuntimeError(f"quaero {' '.join(words)} ended with {ended.returncode}: {said[-300:]}")
        return ended.stdout

    def define(self, name: str, text: str) -> str:
        """Write a definition and return its path."""
        path = self.folder / f"{name}.toml"
        path.write_text(text)
        return str(path)

    @contextmanager
    def serving(self) -> Iterator["Server"]:
        """Serve on a free port for the length of the block."""
        with ending(self.start("serve", "--port", "0")) as child:
            assert child.stdout is not None
            url, _, token = child.stdout.readline().decode().strip().partition("/#t=")
            if not token:
                raise RuntimeError("quaero serve said no address")
            yield Server(int(url.rpartition(":")[2]), token, child.pid)
            child.send_signal(signal.SIGTERM)
            child.wait(PATIENCE)


@dataclass(frozen=True, slots=True)
class Server:
    """A running `quaero serve`."""

    port: int
    token: str
    process_id: int
