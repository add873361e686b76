"""A response's body as it comes in: decompressed in bounded steps, never larger than asked for. Pure.

A 204 KB gzip can hold 200 MB. So only gzip and deflate are offered to the site, one layer of them is undone, zlib
is never asked for more bytes than are still allowed, and a body that unpacks beyond any honest ratio is dropped
while it is still small.
"""

import zlib
from collections.abc import Callable, Iterator

# Real pages compress 3 to 20 times; 1,000 times is what a bomb does. Small bodies of blanks may do anything.
MAX_RATIO = 100
RATIO_FROM_BYTES = 1 << 20

# Unpacked at once, so that a bomb is seen while it is small.
_STEP_BYTES = 256 * 1024

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31
_ZLIB_WINDOW = 15
_RAW_WINDOW = -15


class BodyProblem(Exception):
    """The body cannot be used. `too_large`: only because of its size."""

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.too_large = too_large


class Body:
    """Collects one body.

    `encoding` is the Content-Encoding header; `limit` the most bytes kept, decompressed. With `truncate` what is
    beyond the limit is thrown away, else it raises BodyProblem.
    """

    def __init__(self, encoding: str, *, limit: int, truncate: bool = False) -> None:
        self._parts: list[bytes] = []
        self._limit = limit
        self._truncate = truncate
        self._inflate: _Inflate | None = None
        self.size = 0
        self.full = False  # truncated: nothing more is wanted
        name = encoding.strip().lower()
        if name in ("gzip", "x-gzip", "deflate"):
            self._inflate = _Inflate(gzip=name != "deflate")
        elif name not in ("", "identity"):
            raise BodyProblem(f"content encoding {name[:40]!r} was not asked for")

    def feed(self, chunk: bytes) -> None:
        """Take what came from the wire. Raises BodyProblem."""
        if self.full:
            return
        if self._inflate is None:
            self._keep(chunk)
            return
        for part in self._inflate.feed(chunk, lambda: self._limit - self.size + 1):
            self._keep(part)
            if self.full:
                return
            self._inflate.check_ratio(self.size)

    def finish(self) -> bytes:
        """The whole body. Raises BodyProblem if a compressed one stops in the middle."""
        if self._inflate is not None and not self.full:
            self._inflate.check_end()
        return b"".join(self._parts)

    def _keep(self, part: bytes) -> None:
        room = self._limit - self.size
        if len(part) > room:
            if not self._truncate:
                raise BodyProblem(f"larger than {self._limit} bytes", too_large=True)
            part = part[:room]
            self.full = True
        self._parts.append(part)
        self.size += len(part)


class _Inflate:
    """One layer of gzip (of one or several members) or deflate (with or without the zlib header)."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._zlib = zlib.decompressobj(_GZIP_WINDOW) if gzip else None
        self._wire = 0
        self._started = False
        self._after = b""  # the first bytes after a gzip member: another member, or padding

    def feed(self, chunk: bytes, room: Callable[[], int]) -> Iterator[bytes]:
        """Yield what `chunk` unpacks to, in pieces; `room` tells how many bytes are still of use."""
        while chunk:
            machine = self._machine(chunk)
            if machine.eof:
                chunk = self._next_member(chunk)
                continue
            try:
                part = machine.decompress(chunk, max(1, min(room(), _STEP_BYTES)))
            except zlib.error as error:
                raise BodyProblem(f"damaged compression: {error}") from error
            self._started = True
            rest = machine.unused_data if machine.eof else machine.unconsumed_tail
            self._wire += len(chunk) - len(rest)
            chunk = rest
            if part:
                yield part

    def _next_member(self, chunk: bytes) -> bytes:
        """Bytes after the end: returns them with a fresh machine if they begin another member, else drops them."""
        self._after += chunk
        if self._gzip and self._after.startswith(_GZIP_MAGIC):
            self._zlib, chunk, self._after = zlib.decompressobj(_GZIP_WINDOW), self._after, b""
            return chunk
        if not _GZIP_MAGIC.startswith(self._after):
            self._after = b"\0"  # padding: never a member again
        return b""

    def _machine(self, chunk: bytes) -> "zlib._Decompress":
        if self._zlib is None:
            # RFC 9110 means zlib by "deflate"; many servers send the bare stream. The header tells.
            wrapped = chunk[0] & 0x0F == 8 and (len(chunk) < 2 or (chunk[0] << 8 | chunk[1]) % 31 == 0)
            self._zlib = zlib.decompressobj(_ZLIB_WINDOW if wrapped else _RAW_WINDOW)
        return self._zlib

    def check_ratio(self, size: int) -> None:
        if size > RATIO_FROM_BYTES and size > self._wire * MAX_RATIO:
            raise BodyProblem(f"unpacks to more than {MAX_RATIO} times its size", too_large=True)

    def check_end(self) -> None:
        if self._started and self._zlib is not None and not self._zlib.eof:
            raise BodyProblem("compressed body stops in the middle")
