"""Opening the socket that the server listens on, with words for each way in which that can fail.

Our own socket rather than Hypercorn's: options set here are inherited by each connection, a failure can be explained,
and the port is known before anybody is told.
"""

import errno
import os
import resource
import socket
import stat
from contextlib import suppress
from pathlib import Path

import trio

from quaero_cli.errors import ServerError

# Connections the kernel holds while the loop is busy; it cuts the number to its own limit.
_BACKLOG = 1024


# Files of the rest of the process: jobs, their pipes, the store.
_OTHER_FILES = 1024


def allow_open_files(number: int) -> None:
    """Raise this process's limit of open files so that the server may have `number` of them, as far as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number + _OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def open_listener(host: str, port: int, *, peer_gone_seconds: float) -> socket.socket:
    """Return a socket that listens on `host` and `port` (0: any free one). Raises ServerError."""
    family, address = await _resolve(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _drop_silent_peers(listener, peer_gone_seconds)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _explained(error, host, port) from error
    return listener


def open_unix_listener(path: Path) -> socket.socket:
    """Return a socket that listens at `path`, for its owner alone. Raises ServerError."""
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o177)
    try:
        listener.setblocking(False)
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ServerError(
            f"cannot listen at {path}: {error.strerror or error}", hint="choose another path"
        ) from error
    finally:
        os.umask(previous)
    return listener


async def _resolve(host: str, port: int) -> tuple[int, tuple[str, int]]:
    if host == "localhost":
        host = "127.0.0.1"  # some systems resolve it to ::1 alone, and others have no ::1
    try:
        found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # the latter: a name that DNS could not hold
        words = error.strerror if isinstance(error, OSError) else None
        raise ServerError(
            f"cannot listen on {host}: {words or 'not the name of a host'}",
            hint="use an address of this machine, like 127.0.0.1",
        ) from error
    family, _, _, _, address = found[0]
    return family, address  # type: ignore[return-value]  # (host, port) and, for IPv6, two more


def _drop_silent_peers(listener: socket.socket, seconds: float) -> None:
    """Let the kernel give up a connection whose other side is gone without a word (Linux)."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        with suppress(OSError):
            listener.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1000))


def _explained(error: OSError, host: str, port: int) -> ServerError:
    if error.errno == errno.EADDRINUSE:
        return ServerError(f"port {port} on {host} is in use", hint="choose another with --port; --port 0 picks one")
    if error.errno in (errno.EACCES, errno.EPERM):
        return ServerError(f"no permission to listen on port {port}", hint="choose a port above 1023 with --port")
    if error.errno == errno.EADDRNOTAVAIL:
        return ServerError(f"{host} is not an address of this machine", hint="use 127.0.0.1, or one of `ip address`")
    return ServerError(
        f"cannot listen on {host}:{port}: {error.strerror or error}", hint="choose another with --host"
    )


def _remove_stale(path: Path) -> None:
    """Remove the socket of a server that is gone. Raises ServerError when it is not, or when it is no socket."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ServerError(f"{path} exists and is not a socket", hint="choose another path")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError:
            pass
    raise ServerError(f"a server listens at {path} already", hint="stop it, or choose another path")
