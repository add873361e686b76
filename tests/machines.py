"""A whole cluster of real processes on this machine: an engine, views and workers, each with its own home."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio
from engines import PATIENCE, Server, start_three
from shells import Server as WebServer
from shells import Shell, read_line

from quaero_cli.store.outbox import outbox_load


@dataclass
class Machines:
    """What runs. Commands are given to `view`, a shell on the view's data directory."""

    folder: Path
    servers: list[Server]
    lease: float = 30.0
    view_url: str = ""
    worker_url: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)  # of views

    @property
    def server(self) -> Server:
        """The engine's only server, or its first one."""
        return self.servers[0]

    @property
    def url(self) -> str:
        return ",".join(server.url for server in self.servers) or f"sqlite://{self.folder}/engine.db"

    @property
    def view(self) -> Shell:
        return self.shell("view")

    def shell(self, name: str) -> Shell:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        url = self.view_url if name.startswith("view") else self.worker_url
        settings = {
            "QUAERO_CLUSTER_ENGINE": url or self.url, "QUAERO_CLUSTER_LEASE_SEC": str(self.lease),
            "QUAERO_CLUSTER_REPLICAS": str(max(1, len(self.servers))), **self.extra,
        }  # fmt: skip
        return Shell(folder, settings)

    def start_view(self, name: str = "view") -> str:
        """Start a view; return the address and the token once it listens."""
        child = self.running[name] = self.shell(name).start("serve", "--port", "0", stderr=subprocess.DEVNULL)
        address = read_line(child.stdout).strip()
        assert address, "the view did not start"
        self.addresses[name] = address
        return address

    def web(self, name: str = "view") -> WebServer:
        """Return a view as its clients see it."""
        url, _, token = self.addresses[name].partition("/#t=")
        return WebServer(int(url.rpartition(":")[2]), token, self.running[name])

    def start_worker(self, name: str, *words: str) -> None:
        """Start a worker; returns when it has reached the engine."""
        child = self.running[name] = self.shell(name).start(
            "worker", "--name", name, *words, stdout=subprocess.DEVNULL
        )
        said = read_line(child.stderr)
        assert said.startswith(f"worker {name}: takes jobs"), said

    def kill(self, name: str) -> None:
        """Kill it with nothing told to anybody."""
        child = self.running.pop(name)
        child.kill()
        child.communicate()

    def stop(self, name: str) -> None:
        """Ask it to end, and wait."""
        child = self.running.pop(name)
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0, err

    def lacks(self, name: str) -> int:
        """Return how many bytes of a machine no view is known to have."""
        return outbox_load(self.shell(name).home / "quaero.db")[0]


@contextmanager
def machines(
    folder: Path,
    *,
    lease: float = 30.0,
    config: str = "",
    three: bool = False,
    file: bool = False,
    environment: Mapping[str, str] | None = None,
    within: Sequence[str] = (),
) -> Iterator[Machines]:
    """Run an engine, of one server or of three, and end all that was started with it.

    `file`: it is a file. `within`: words before the server's command.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = Machines(folder, [Server(folder / "engine", config, environment, within)], lease)
    try:
        if file:
            found.servers = []
        elif three:
            found.servers = trio.run(start_three, folder)
        else:
            trio.run(found.server.start)
        yield found
    finally:
        for name in list(found.running):
            found.kill(name)
        for server in found.servers:
            server.stop()


def until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait for something that no event tells; fails when it does not come."""

    async def wait() -> None:
        with trio.fail_after(patience):
            while not condition():  # noqa: ASYNC110 - another process changes it
                await trio.sleep(0.05)

    trio.run(wait)
