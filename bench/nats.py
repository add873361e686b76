"""A nats-server of the benchmark's own, with a port and a folder of its own, and JetStream; or three as one."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.homes import PATIENCE

SERVER = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")
NO_SERVER = "nats-server is not installed: `just engine`"
# Written to disk before it is acknowledged, as docs/cluster.md says; known from this version on.
_ALWAYS_FROM = (2, 10)
_CONFIG = """
listen: 127.0.0.1:{port}
http: 127.0.0.1:{monitor}
server_name: {name}
jetstream {{ store_dir: {folder}, max_mem: 64MB, max_file: 4GB{sync} }}
{cluster}
"""
_CLUSTER = "cluster {{ name: bench, listen: 127.0.0.1:{port}, routes: [{routes}] }}"


def version() -> tuple[int, ...]:
    """Return the version of the server that is installed."""
    assert SERVER is not None
    said = subprocess.run([SERVER, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.rpartition("v")[2].split("."))


def described() -> str:
    """Return which server it is, and whether it writes to its disk before it acknowledges."""
    found = version()
    always = "sync_interval: always" if found >= _ALWAYS_FROM else "which cannot sync always"
    return f"nats-server {'.'.join(map(str, found))}, {always}"


@dataclass
class NatsServer:
    """One server; started anew it keeps port and folder."""

    name: str
    folder: Path
    port: int
    monitor: int
    cluster: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def process_id(self) -> int:
        """The running server's."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; returns when it listens. Raises RuntimeError when it does not come."""
        assert SERVER is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        sync = ", sync_interval: always" if version() >= _ALWAYS_FROM else ""
        config = self.folder / "server.conf"
        config.write_text(
            _CONFIG.format(
                port=self.port, monitor=self.monitor, name=self.name, folder=self.folder / "store", sync=sync,
                cluster=self.cluster,
            )
        )  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen([SERVER, "-c", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "server.log").read_text()[-300:])
            time.sleep(0.005)  # noqa: TID251 - nothing tells

    def kill(self) -> None:
        """Kill it, with nothing told to anybody."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def nats_servers(folder: Path, count: int = 1) -> Iterator[list[NatsServer]]:
    """Run so many servers; more than one are a cluster."""
    ports = free_ports(count * 3)
    clients, monitors, routes = ports[:count], ports[count : 2 * count], ports[2 * count :]
    others = ", ".join(f"nats://127.0.0.1:{port}" for port in routes)
    servers = [
        NatsServer(
            f"n{number}", folder / f"engine-{number}", clients[number], monitors[number],
            _CLUSTER.format(port=routes[number], routes=others) if count > 1 else "",
        )
        for number in range(count)
    ]  # fmt: skip
    try:
        for server in servers:
            server.start()
        yield servers
    finally:
        for server in servers:
            server.kill()


def leader_of(stream: str, servers: Sequence[NatsServer]) -> NatsServer:
    """Return the server that leads a stream's group. Raises RuntimeError when none says so."""
    from urllib.request import urlopen

    for server in servers:
        with urlopen(f"http://127.0.0.1:{server.monitor}/jsz?streams=1", timeout=5) as answer:
            found = json.load(answer)
        for account in found.get("account_details", []):
            for detail in account.get("stream_detail", []):
                leader = detail.get("cluster", {}).get("leader")
                if detail["name"] == stream and leader:
                    return next(each for each in servers if each.name == leader)
    raise RuntimeError(f"no server leads {stream}")
