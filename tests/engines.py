"""Engines for tests of a cluster: one in memory, and a real nats-server of the test's own, on a port of its own.

The server is Debian's (`apt-get install nats-server`, see the recipe `engine`). Where it is missing the tests that
need it are skipped, unless QUAERO_REQUIRE_NATS is set, as CI does.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import trio

SERVER = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")
PATIENCE = 60.0

needs_nats = pytest.mark.skipif(
    SERVER is None and not os.environ.get("QUAERO_REQUIRE_NATS"), reason="nats-server is not installed"
)


class Server:
    """A nats-server with JetStream in a folder of its own; killed and started anew it keeps port and folder."""

    def __init__(
        self,
        folder: Path,
        config: str = "",
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> None:
        """`within`: words before its command."""
        folder.mkdir(parents=True, exist_ok=True)
        self._within = within
        self.folder = folder
        self.store = folder / "jetstream"
        self.port = -1
        self._config = config
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it; returns when it listens."""
        assert SERVER is not None, "nats-server is needed: sudo apt-get install nats-server"
        ports = self.folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir(parents=True)
        command = [*self._within, SERVER, "-a", "127.0.0.1", "-p", str(self.port), "--ports_file_dir", str(ports)]
        if self._config:
            (self.folder / "server.conf").write_text(self._config)
            command += ["-c", str(self.folder / "server.conf")]
        else:
            command += ["-js", "-sd", str(self.store)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)
        with trio.fail_after(PATIENCE):
            while not (found := list(ports.glob("*.ports"))) or not found[0].read_bytes():
                assert self._process.poll() is None, (self.folder / "server.log").read_text()
                await trio.sleep(0.01)
        address = orjson.loads(found[0].read_bytes())["nats"][0]
        self.port = int(address.rpartition(":")[2])

    def kill(self) -> None:
        """Kill it, with nothing told to anybody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def shut_down(self) -> None:
        """Let it end as it likes: all that it knows is in its folder then."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def freeze(self) -> None:
        """Let it do nothing, until `thaw`: what lies in its folder is then of one moment."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


@asynccontextmanager
async def nats_server(folder: Path, config: str = "") -> AsyncGenerator[Server, None]:
    """Run a server."""
    server = Server(folder, config)
    try:
        await server.start()
        yield server
    finally:
        server.stop()


async def insist(call: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until the engine is there."""
    from quaero_cli.cluster.ports import EngineAway

    while True:
        try:
            return await call()
        except EngineAway:
            await trio.sleep(0.05)


# Three servers need to know each other's ports before they listen: below those that the system gives to others.
_PORTS = range(20_000, 32_000)
_OF_THREE = """
server_name: n{number}
jetstream {{ store_dir: "{folder}/jetstream" }}
cluster {{
  name: three
  listen: "127.0.0.1:{port}"
  routes: [{routes}]
}}
"""


async def start_three(folder: Path) -> list[Server]:
    """Start an engine of three servers; returns when they have a leader. They are named n0, n1 and n2."""
    while True:
        ports = random.sample(_PORTS, 3)
        routes = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in ports)
        servers = []
        for number, port in enumerate(ports):
            own = folder / f"engine-{number}"
            config = _OF_THREE.format(number=number, folder=own, port=port, routes=routes)
            servers.append(Server(own, config))
        if not all(map(_is_free, ports)):
            continue
        for server in servers:
            await server.start()
        while "error" in await ask(servers, "INFO"):  # noqa: ASYNC110 - nothing tells when they have elected one
            await trio.sleep(0.1)
        return servers


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


async def ask(servers: list[Server], what: str, value: object = None) -> dict[str, Any]:
    """Ask JetStream something; the answer has an `error` when there is none."""
    from quaero_cli.cluster.nats.engine import open_nats
    from quaero_cli.cluster.nats.wire import ApiError
    from quaero_cli.cluster.ports import EngineAway

    async with open_nats([server.url for server in servers], "test") as engine:
        try:
            return await engine._thread.call(lambda: engine._wire.api(what, value))
        except (EngineAway, ApiError) as error:
            return {"error": str(error)}
