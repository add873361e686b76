"""Requests that no honest client sends, each with the status that answers it; and what sends and reads them."""

import h2.config
import h2.connection
from serving import TOKEN, Web

from quaero_cli.server.limits import Limits


def _h2(*headers: tuple[bytes, bytes]) -> bytes:
    config = h2.config.H2Configuration(
        header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
    )
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    connection.send_headers(1, headers, end_stream=True)
    return connection.data_to_send()


_BASE = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"x"), (b":path", b"/api/health")]


HOST = b"Host: HOST\r\n"
WEBSOCKET = (
    b"GET /api/health HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bKdPyn3u98cTfZJSh4TNeQ==\r\n"
)


# name -> (what is sent, the status line's code, or None where anything but a crash will do)
CORPUS: dict[str, tuple[bytes, int | None]] = {
    "h2 good": (_h2(*_BASE), None),
    "h2 path not ASCII": (_h2(*_BASE[:3], (b":path", b"/\xff\xfe")), None),
    "h2 query not ASCII": (_h2(*_BASE[:3], (b":path", b"/?\xff\xfe")), None),
    "h2 connect without path": (_h2((b":method", b"CONNECT"), (b":authority", b"x")), None),
    "h2 method not ASCII": (_h2((b":method", b"G\xffT"), *_BASE[1:]), None),
    "h2 authority not ASCII": (_h2(_BASE[0], _BASE[1], (b":authority", b"\xff\xfe"), _BASE[3]), None),
    "h2 empty path": (_h2(*_BASE[:3], (b":path", b"")), None),
    "h2 preface and garbage": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff", None),
    "h2c upgrade": (
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        200,
    ),
    "h2c bad settings": (
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: !!!!\r\n\r\n",
        200,
    ),
    "h2c no settings": (
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n",
        200,
    ),
    "websocket": (WEBSOCKET + b"Connection: close\r\n\r\n", 200),
    "websocket and a byte": (WEBSOCKET + b"Connection: close\r\n\r\nX", 200),
    "websocket and frames": (WEBSOCKET + b"\r\n\x81\x85\x01\x02\x03\x04abcde", 200),
    "websocket without a key": (
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
        200,
    ),
    "host not ASCII": (b"GET /api/health HTTP/1.1\r\nHost: \xff\xfe\r\nConnection: close\r\n\r\n", None),
    "no host": (b"GET /api/health HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /api/health HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "odd host": (b"GET /api/health HTTP/1.1\r\nHost: [::1]:99999999\r\nConnection: close\r\n\r\n", 421),
    "target not ASCII": (b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "options star": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "absolute target": (b"GET http://evil/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "connect": (b"CONNECT a:1 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "bad percent": (b"GET /%zz%ff%00 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 401),
    "header splitting": (b"GET /static/%0d%0aX:1 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 404),
    "tls hello": (b"\x16\x03\x01\x02\x00\x01\x00", None),
    "garbage": (b"\x00\xff" * 100 + b"\r\n\r\n", 400),
    "url of 5 KB": (b"GET /?" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "url of 20 KB": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "url of 200 KB": (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "900 headers": (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"x-%d: 1\r\n" % i for i in range(900)) + b"\r\n", 431),
    "33 KB of headers": (b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 33_000 + b"\r\n\r\n", 431),
    "endless header": (b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"a" * 100_000, 431),
    "both lengths": (
        b"POST /api/health HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (
        b"POST /api/health HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        400,
    ),
    "length of 19 digits": (
        b"POST /api/health HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 19 + b"\r\n\r\n",
        413,
    ),
    "length of 5000 digits": (
        b"POST /api/health HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        400,
    ),
    "negative length": (b"POST /api/health HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
    "unknown encoding": (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "bad chunk": (b"POST /api/health HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", None),
    "cookie garbage": (
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"Cookie: \xff=\xfe;;;=\r\nConnection: close\r\n\r\n",
        200,
    ),
    "huge number": (
        b"GET /api/logs/stream?limit=" + b"9" * 3000 + b" HTTP/1.1\r\n" + HOST + b"AUTH\r\nConnection: close\r\n\r\n",
        400,
    ),
    "expect continue": (
        b"GET /api/health HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nConnection: close\r\n\r\n",
        100,
    ),
    "http/1.0": (b"GET /api/health HTTP/1.0\r\n" + HOST + b"\r\n", 200),
    "http/0.9": (b"GET /api/health\r\n\r\n", 400),
    "http/3": (b"GET /api/health HTTP/3.0\r\n" + HOST + b"\r\n", None),
}


# Enough for a client that was put to sleep between sending and reading, on a machine that has much to do.
PATIENT = Limits(header_seconds=2, body_seconds=2, linger_seconds=3)


def filled(web: Web, data: bytes) -> bytes:
    host = f"127.0.0.1:{web.bound.port}".encode()
    return data.replace(b"HOST", host).replace(b"AUTH", f"Authorization: Bearer {TOKEN}".encode())


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
