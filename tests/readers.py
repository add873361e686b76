"""Makers of handlers for reading processes, for tests: light ones, and ones that misbehave as hostile pages do."""

import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from quaero_cli.crawl.reading import markup, xmlfiles
from quaero_cli.crawl.reading.charset import decode
from quaero_cli.crawl.reading.nesting import parse

_PUBLISHED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # a page's date stands in its address

Handler = Callable[[Mapping[str, Any], bytes], dict[str, Any]]


def light() -> Handler:
    """Links, canonical addresses and sitemaps, but no extraction: every page is an article of its own bytes."""

    def handle(request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        if request["op"] == "look":
            text = decode(body, request["content_type"])
            handle.url = request["url"]  # type: ignore[attr-defined]
            return dict(markup.look(parse(text), request["url"]))
        if request["op"] == "listing":
            return dict(xmlfiles.read(body, request["url"], limit=1 << 20))
        found = {"title": "T", "authors": [], "published": None, "language": None, "site": None, "tags": []}
        dated = _PUBLISHED.search(handle.url)  # type: ignore[attr-defined]
        found["published"] = dated.group() if dated is not None else None
        return {"article": {"metadata": found, "text": handle.url}, "reason": None}  # type: ignore[attr-defined]

    return handle


def hostile() -> Handler:
    """Like `light`, but a page that says so kills, stalls or breaks its process."""
    inner = light()

    def handle(request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        if b"KILL ME" in body:
            os.kill(os.getpid(), signal.SIGSEGV)
        if b"STALL" in body:
            while True:
                time.monotonic()
        if body.startswith(b"WAIT "):
            with open(body[5:]):  # a named pipe: until somebody opens its other end
                return inner(request, b"")
        if b"RAISE" in body:
            raise RecursionError("too deep")
        if b"MEMORY" in body:
            return {"size": len(bytearray(8 << 30))}
        return inner(request, body)

    return handle


def hostile_articles() -> Handler:
    """Like `hostile`, but only for whoever wants the article; a look at the page is harmless."""
    inner, harmless = hostile(), light()
    seen = [b""]

    def handle(request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        if request["op"] == "look":
            seen[0] = body
            return harmless(request, body)
        if seen[0].endswith((b"KILL ME", b"STALL", b"RAISE", b"MEMORY")):
            inner({"op": "look", "url": "http://h/", "content_type": ""}, seen[0])
        return harmless(request, body)

    return handle


def echo() -> Handler:
    """Tells what it was sent, and about its process."""

    def handle(request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        descriptors = sorted(int(name) for name in os.listdir("/proc/self/fd"))
        return {"request": dict(request), "size": len(body), "pid": os.getpid(), "descriptors": descriptors}

    return handle


def modules() -> Handler:
    """Names the modules of its process."""
    import sys

    from quaero_cli.crawl.reading.reader import make

    make()
    return lambda _request, _body: {"modules": sorted(sys.modules)}


def broken() -> Handler:
    """Cannot be made."""
    raise ImportError("no module named trafilatura")
