"""The addresses of engines: whether one can be an address at all, which is told before anything is tried. Pure.

A server that is away is tried again and again; an address that nobody can have is a mistake, and told as one.
"""

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from quaero_cli.errors import UsageError

_HINT = "nats://HOST:PORT, and commas between several of them"


def without_password(server: str) -> str:
    """Return a server's address for people."""
    scheme, _, rest = server.rpartition("://")
    return f"{scheme or 'nats'}://{rest.rpartition('@')[2]}"


def check_server(server: str) -> None:
    """Raise UsageError for the address of a server that cannot be one, with the part that is wrong."""
    problem = _problem_of(server)
    if problem is not None:
        raise UsageError(f"--engine: {without_password(server)[:60]}: {problem}", hint=_HINT)


def _problem_of(server: str) -> str | None:
    try:
        parts = urlsplit(server)
        host = parts.hostname
    except ValueError:
        return "its host is no IPv6 address in brackets"
    if "@" in parts.path + parts.query + parts.fragment:  # the rest of a password: it is not to be shown
        return "the user's name or password in it cannot have / ? or #"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return "nothing may follow host and port"
    return _problem_of_host(host) or _problem_of_port(parts)


def _problem_of_host(host: str | None) -> str | None:
    if not host:
        return "it names no host"
    if ":" in host:
        try:
            ip_address(host)
        except ValueError:
            return f"its host {host[:40]!r} is no IPv6 address"
        return None
    try:
        host.encode("idna")
    except UnicodeError:
        return f"its host {host[:40]!r} is no name"
    return None if all(each.isalnum() or each in ".-_" for each in host) else f"its host {host[:40]!r} is no name"


def _problem_of_port(parts: SplitResult) -> str | None:
    between, _, port = parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")
    if between and "]" in parts.netloc:
        return f"{between[:20]!r} stands between its host and its port"
    try:
        usable = parts.port != 0
    except ValueError:
        usable = False
    return None if usable else f"its port {port[:20]!r} is no number from 1 to 65535"


def file_of(server: str) -> Path:
    """Return the file of `sqlite:///FILE`. Raises UsageError where it names none."""
    path = server.partition("://")[2]
    if not path.startswith("/") or "\0" in path or not Path(path).name:
        raise UsageError(f"--engine: {server[:60]} is no file", hint="sqlite:///FILE, with its whole path")
    if path.endswith(("/", "/.", "/..")):
        raise UsageError(f"--engine: {server[:60]} is a folder", hint="sqlite:///FOLDER/engine.db, a file in it")
    return Path(path)
