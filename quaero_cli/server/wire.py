"""The short way from a stream to its connection, for what a thousand readers are sent at the same moment.

The way through Quart, Hypercorn and h11 takes 100 us of processor time for each reader and batch; handing ready bytes
to the socket takes 20. What is framed here is a chunk of HTTP/1.1's chunked coding, which is what h11 makes of the
same bytes, so both ways may be taken in turn. A connection puts itself into the scope of each request.
"""

from collections.abc import MutableMapping, Sequence
from typing import Any, Protocol

# Where a request's connection is found in its ASGI scope.
_WIRE = "quaero.wire"


class Wire(Protocol):
    """A connection whose answer has begun and has no length: it comes in chunks."""

    def send_now(self, chunk: bytes) -> bool:
        """Take a whole chunk; return whether all of it is sent. Never raises, never waits."""

    async def send_rest(self) -> None:
        """Send what `send_now` could not, within the deadline for slow clients."""


def put_wire(scope: MutableMapping[str, Any], wire: Wire) -> None:
    """Let a request know its connection."""
    scope[_WIRE] = wire


def wire_of(scope: Any) -> Wire | None:  # noqa: ANN401  # the frameworks' types know no keys of ours
    """Return the connection of a request whose answer will come in chunks; None where it cannot (HTTP/1.0)."""
    return scope.get(_WIRE) if scope["http_version"] == "1.1" else None


def chunk_of(pieces: Sequence[bytes]) -> bytes:
    """Return the pieces as one chunk."""
    return b"".join((b"%x\r\n" % sum(map(len, pieces)), *pieces, b"\r\n"))
