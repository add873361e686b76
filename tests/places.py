"""Where a job runs: in a process of this machine, or on the workers of a cluster. What is promised of its log is the
same, so the same tests prove it: they ask for `anywhere`, a shell, and each is run once for either place.

A test for both starts what it needs in the order of a cluster: first a server, then the job. The cluster is one of
processes of this machine that share a file, with a worker; the server is its view.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

from shells import PATIENCE, Shell, read_line

PLACES = ("here", "workers")


@dataclass
class OnWorkers(Shell):
    """The data directory of a view: what is run from here is run by workers."""

    workers: dict[str, Popen[str]] = field(default_factory=dict)

    def start(self, *words: str, **options: Any) -> Popen[str]:
        if words[0] == "run":
            words = (*words, "--on", "cluster")
        return super().start(*words, **options)

    def worker(self, name: str) -> Shell:
        """Return the shell on the data directory of a worker."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return Shell(folder, self.extra)

    def start_worker(self, name: str, *words: str) -> None:
        """Start a worker; returns when it has reached the engine."""
        child = self.worker(name).start("worker", "--name", name, *words, stdout=DEVNULL)
        said = read_line(child.stderr)
        assert said.startswith(f"worker {name}: takes jobs"), said
        self.workers[name] = child

    def end(self, name: str) -> None:
        """Let a worker end, which must end well."""
        child = self.workers.pop(name)
        child.terminate()
        _, err = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0, err
        assert "Traceback" not in err, err

    def kill_all(self) -> None:
        """End what is left."""
        for child in self.workers.values():
            child.kill()
            child.communicate()


@contextmanager
def place(where: str, folder: Path, **extra: str) -> Iterator[Shell]:
    """Give a shell whose jobs run there: one of PLACES."""
    if where == "here":
        yield Shell(folder, extra)
        return
    shell = OnWorkers(folder, {**extra, "QUAERO_CLUSTER_ENGINE": f"sqlite://{folder}/engine.db"})
    with ExitStack() as stack:
        stack.callback(shell.kill_all)
        shell.start_worker("w1", "--slots", "2")
        yield shell
