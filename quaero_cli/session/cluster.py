"""A process's place in a cluster: the engine it is connected to, and the one role that its data directory has."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Literal

from quaero_cli.cluster.address import check_server, file_of, without_password
from quaero_cli.errors import StateError, UsageError
from quaero_cli.settings import Settings
from quaero_cli.store.locks import JobLock

if TYPE_CHECKING:
    from quaero_cli.cluster.ports import Connection

Role = Literal["view", "worker"]
_SCHEMES = ("nats", "tls")


@asynccontextmanager
async def open_engine(settings: Settings, name: str) -> AsyncIterator["Connection"]:
    """Connect to the engine that the settings name. Raises UsageError, and ServerError when it cannot be reached."""
    servers = [server.strip() for server in settings.cluster.engine.split(",") if server.strip()]
    if not servers:
        raise UsageError(
            "no engine is named",
            hint="give one: --engine nats://HOST, or sqlite:///FILE, or cluster.engine in quaero.toml",
        )
    cluster, scheme = settings.cluster, servers[0].partition("://")[0]
    for server in servers:
        if server.partition("://")[0] not in (_SCHEMES if scheme != "sqlite" else ("sqlite",)):
            raise UsageError(
                f"--engine: {without_password(server)[:60]} is no engine",
                hint="one of: nats://HOST:PORT, tls://HOST:PORT, sqlite:///FILE",
            )
    if scheme == "sqlite":
        async with open_shared_file(servers, cluster.lease) as engine:
            yield engine
        return
    for server in servers:
        check_server(server)
    try:
        from quaero_cli.cluster.nats.access import Access
        from quaero_cli.cluster.nats.engine import open_nats
    except ModuleNotFoundError as error:
        if error.name != "nats":
            raise
        raise UsageError("the client of the engine is not installed", hint="pip install 'quaero[nats]'") from None
    access = Access(cluster.ca_file, cluster.cert_file, cluster.key_file, cluster.credentials)
    async with open_nats(servers, name, access=access, lease=cluster.lease) as engine:
        yield engine


@asynccontextmanager
async def open_shared_file(servers: list[str], lease: float) -> AsyncIterator["Connection"]:
    """Open the engine of one machine's processes. Raises UsageError and StoreError."""
    from quaero_cli.cluster.file import open_file

    if len(servers) > 1:
        raise UsageError("--engine: a file is the only engine", hint="sqlite:///FILE, without a comma in its path")
    async with open_file(file_of(servers[0]), lease=lease) as engine:
        yield engine


@contextmanager
def role_of_home(settings: Settings, role: Role) -> Iterator[None]:
    """Hold the data directory in its role: two processes that ship one outbox would do so twice.

    Raises StateError when another process has it.
    """
    other: Role = "worker" if role == "view" else "view"
    with JobLock(settings.locks, f"cluster-{role}") as lock, JobLock(settings.locks, f"cluster-{other}") as against:
        for each in (lock, against):
            if not each.acquire():
                raise StateError(
                    f"{settings.home}: another part of a cluster uses this data directory",
                    hint="give each worker and each serve one of its own, with --home",
                )
        against.release()
        yield


def has_view(settings: Settings) -> bool:
    """Return whether a `quaero serve --engine` runs on this data directory."""
    with JobLock(settings.locks, "cluster-view") as lock:
        return not lock.acquire()
