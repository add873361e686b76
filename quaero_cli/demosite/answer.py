"""From a request's head and the site's reply to the bytes to send: conditions, encodings, dates. Pure HTTP, no I/O.

Heads are memoised per second (the date is in them), because making and checking one costs more than the rest of
a small request.
"""

import time
from datetime import datetime
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Literal

import h11

from quaero_cli.demosite.reply import Reply

_ALLOWED = b"GET, HEAD"
_SERVER = b"quaero-demo-site"

Variant = Literal["plain", "packed", "unchanged"]


def answer(request: h11.Request, reply: Reply, *, close: bool) -> tuple[h11.Response, bytes]:
    """Return the head and the body to send; the body is empty where none may follow.

    `close` announces that the connection ends after this answer.
    """
    headers = dict(request.headers)
    packed = reply.packed is not None and _accepts_gzip(headers.get(b"accept-encoding", b""))
    etag = _etag(reply, packed=packed)
    if reply.status == 200 and _unchanged(headers, etag, reply.modified):
        return _head(reply, "unchanged", packed, close, int(time.time())), b""
    body = reply.packed if packed and reply.packed is not None else reply.body
    head = _head(reply, "packed" if packed else "plain", packed, close, int(time.time()))
    return head, b"" if request.method == b"HEAD" else body


def refusal(status: int, text: str) -> tuple[h11.Response, bytes]:
    """Return the answer to what is no request of ours; the connection ends with it."""
    body = f"{text}\n".encode()
    headers = [
        (b"Date", formatdate(usegmt=True).encode()),
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"Content-Length", b"%d" % len(body)),
        (b"Connection", b"close"),
    ]
    if status == 405:
        headers.append((b"Allow", _ALLOWED))
    return _response(status, headers), body


@lru_cache(maxsize=2048)
def _head(reply: Reply, variant: Variant, packed: bool, close: bool, second: int) -> h11.Response:
    headers = [(b"Date", formatdate(second, usegmt=True).encode()), (b"Server", _SERVER)]
    if reply.status == 200:
        headers += [(b"ETag", _etag(reply, packed=packed)), (b"Cache-Control", b"no-cache")]
    if reply.modified is not None:
        headers.append((b"Last-Modified", format_datetime(reply.modified, usegmt=True).encode()))
    if reply.packed is not None:
        headers.append((b"Vary", b"Accept-Encoding"))
    if close:
        headers.append((b"Connection", b"close"))
    if variant == "unchanged":
        return _response(304, headers)
    body = reply.packed if variant == "packed" and reply.packed is not None else reply.body
    headers += [(b"Content-Type", reply.content_type.encode()), (b"Content-Length", b"%d" % len(body))]
    if variant == "packed":
        headers.append((b"Content-Encoding", b"gzip"))
    if reply.location is not None:
        headers.append((b"Location", reply.location.encode()))
    return _response(reply.status, headers)


def _response(status: int, headers: list[tuple[bytes, bytes]]) -> h11.Response:
    return h11.Response(status_code=status, reason=HTTPStatus(status).phrase.encode(), headers=headers)


def _etag(reply: Reply, *, packed: bool) -> bytes:
    """Return the entity tag; a compressed body is another entity."""
    return f'"{reply.etag}{"-gzip" if packed else ""}"'.encode()


def _unchanged(headers: dict[bytes, bytes], etag: bytes, modified: datetime | None) -> bool:
    """Whether the client has this very page already. If-None-Match wins over If-Modified-Since (RFC 9110)."""
    tags = headers.get(b"if-none-match")
    if tags is not None:
        return tags.strip() == b"*" or etag in [tag.strip().removeprefix(b"W/") for tag in tags.split(b",")]
    since = headers.get(b"if-modified-since")
    if since is None or modified is None:
        return False
    try:
        # A date without a zone cannot be compared; a server must ignore what it cannot read.
        return modified <= parsedate_to_datetime(since.decode("ascii"))
    except (ValueError, TypeError):
        return False


def _accepts_gzip(header: bytes) -> bool:
    """Whether Accept-Encoding names gzip without forbidding it."""
    for part in header.lower().split(b","):
        name, _, quality = part.partition(b";")
        if name.strip() in (b"gzip", b"x-gzip"):
            return quality.replace(b" ", b"").removeprefix(b"q=").strip(b"0.") != b"" or not quality
    return False
