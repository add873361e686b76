"""Where a server is, as people write it: `http://127.0.0.1:8420/#t=TOKEN`, `logs.example:8420`, `unix:/run/q.sock`.

Pure. The token in the fragment is what `quaero serve` prints; it is never part of a request's target.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from quaero_cli.errors import UsageError

_PORTS = {"http": 80, "https": 443}
_HINT = "give the address that quaero serve prints, like http://127.0.0.1:8420"


@dataclass(frozen=True, slots=True)
class Address:
    """A server. `unix`: the path of its socket, instead of host and port."""

    scheme: str
    host: str
    port: int
    base: str = ""  # a proxy's path before /api
    unix: str | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def loopback(self) -> bool:
        """Whether it can only be this machine, so that this machine's token may be shown to it."""
        return self.unix is not None or self.host in ("127.0.0.1", "::1", "localhost")

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.unix is not None or self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"unix:{self.unix}" if self.unix is not None else f"{self.scheme}://{self.authority}{self.base}"


def parse_address(text: str) -> Address:
    """Return what `--server` means; the token is the one in its fragment, if any. Raises UsageError."""
    if text.startswith("unix:"):
        path, _, fragment = text.removeprefix("unix:").partition("#")
        if not path:
            raise UsageError(f"--server: {text!r} names no socket", hint="unix:/path/to/the.sock")
        return Address("http", "localhost", 0, unix=path, token=_token(fragment))
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        raise UsageError("--server: not an address", hint=_HINT) from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.username is not None:
        raise UsageError("--server: not the address of a server", hint=_HINT)
    if any(not 33 <= ord(char) <= 126 for char in parts.hostname + parts.path):
        raise UsageError("--server: not the address of a server", hint=_HINT)
    port = _PORTS[parts.scheme] if port is None else port
    return Address(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), None, _token(parts.fragment))


def _token(fragment: str) -> str | None:
    return fragment.removeprefix("t=") or None if fragment.startswith("t=") else None
