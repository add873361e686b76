"""The process that makes reading processes: it imports everything once, then forks one for each socket it is sent.

Run by `pool` with `exec`, so it has no lock, thread or socket of the program that wants pages read, and imports
nothing of it but this package. A fork of it is ready in milliseconds, so a child that hangs is killed and replaced
without a thought.

Theory of operation. `main` talks to the pool over one Unix socket:

    pool -> server   b"F" with a descriptor attached: fork a child that serves this socket
    pool -> server   b"S" likewise: fork a scout (see `scout`)
    server -> pool   the child's process ID, four bytes
    pool -> server   b"K" and a process ID: kill that child, and wait until it is gone
    server -> pool   b"."

End of file on the socket, for whatever reason, kills every child and ends the server. Children are waited for on
"K" and at the end only, so a process ID that the pool holds never names anything else. A child serves frames until
its socket ends: four bytes of length and a JSON request, four bytes of length and a body; it answers with a
length, the seconds of processor time that it has spent until now, and JSON. Where `goes_on` says so, the answer to a
look has the page's article with it (`WITH_ARTICLE`): a second answer would wake the event loop once more for each
page. Nothing is unpickled: a child reads hostile pages and is not trusted.
"""

import ctypes
import gc
import hashlib
import importlib
import os
import resource
import signal
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NoReturn

import orjson

Handler = Callable[[Mapping[str, Any], bytes], Mapping[str, Any]]

LENGTH = struct.Struct("!I")
ANSWER_HEAD = struct.Struct("!Id")
READY = b"R"
ARTICLE: Mapping[str, Any] = {"op": "article"}  # the request for the article of the page that was looked at
DIGEST = "digest"  # in the answer to a look: SHA-256 of the body, in hexadecimal
WITH_ARTICLE = "with_article"  # in the answer to a look: the answer to that request, or `{"error": words}`
SECONDS = "seconds"  # in the answer about an article: how long it took
BROKEN = b"E"  # the import failed; the reason follows
FORK = b"F"
SCOUT = b"S"
KILL = b"K"
KILLED = b"."

# Read at once from a child's pipe: an ordinary page comes in one piece.
_BUFFER_BYTES = 128 * 1024

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>

# Objects that gather before cycles among them are looked for: a page makes some thousands, and with Python's own 700
# a twentieth of an extraction is looking. Trees of pages are no cycles.
_GARBAGE = 50_000

# A third of the event loop's weight: it goes first, so that no other process waits for its next page.
_NICENESS = 5

# Address space of a child: an ordinary one has 300 MB; a page that wants more is a bomb.
_MAX_MEMORY = 2 << 30


def main(descriptor: int, factory: str) -> None:
    """Serve the pool on the inherited socket. `factory` ("module:function") makes the handler of requests."""
    # Ctrl-C in a terminal goes to every process of the group; ending is the pool's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    try:
        module, _, name = factory.partition(":")
        handler: Handler = getattr(importlib.import_module(module), name)()
    except Exception as error:
        control.sendall(BROKEN + f"{type(error).__name__}: {error}".encode()[:500])
        return
    gc.collect()
    gc.freeze()  # so that children share these pages instead of copying them at their first collection
    gc.set_threshold(_GARBAGE)
    control.sendall(READY)
    children: set[int] = set()
    try:
        while _serve_pool(control, handler, children):
            pass
    finally:
        for child in children:
            _end(child)


def _serve_pool(control: socket.socket, handler: Handler, children: set[int]) -> bool:
    """One order of the pool; False at the end."""
    order, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    if order in (FORK, SCOUT):
        child = os.fork()
        if child == 0:
            _die_with_parent()
            control.close()
            _serve_and_exit(socket.socket(fileno=descriptors[0]), handler, _scout if order == SCOUT else _read_pages)
        os.close(descriptors[0])
        children.add(child)
        control.sendall(LENGTH.pack(child))
    elif order == KILL:
        (child,) = LENGTH.unpack(control.recv(LENGTH.size, socket.MSG_WAITALL))
        if child in children:  # else it was another server's, and is gone with it
            children.discard(child)
            _end(child)
        control.sendall(KILLED)
    return bool(order)


def _die_with_parent() -> None:
    """Let the kernel kill this child when the server dies, however it dies.

    The signal is sent when the *thread* that forked ends; the server has one thread, so that is its own end.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _serve_and_exit(
    pipe: socket.socket, handler: Handler, serve: Callable[[socket.socket, Handler], None]
) -> NoReturn:
    """A child's life. It leaves by `_exit`: the server's clean-up is not its own."""
    code = 0
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Whoever wakes it goes on: else the event loop would lose its core at each page that it hands over.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        serve(pipe, handler)
    except BaseException:
        code = 1
    os._exit(code)


def _scout(pipe: socket.socket, handler: Handler) -> None:
    from quaero_cli.crawl.reading.scout import serve  # only here: others need no libcurl

    serve(pipe, handler)


def _read_pages(pipe: socket.socket, handler: Handler) -> None:
    """Answer requests about pages that are sent along."""
    os.nice(_NICENESS)
    stream = open(pipe.fileno(), "rb", buffering=_BUFFER_BYTES, closefd=False)  # noqa: SIM115 - until it exits
    while (request := _read_frame(stream)) is not None:
        body = _read_frame(stream)
        if body is None:
            break
        asked = orjson.loads(request)
        answer = _answer(handler, asked, body)
        if asked.get("op") == "look":  # hashed here, beside the event loop
            answer = {**answer, DIGEST: hashlib.sha256(body).hexdigest()}
        if goes_on(asked, answer):
            began = time.perf_counter()
            found = _answer(handler, ARTICLE, b"")
            answer = {**answer, WITH_ARTICLE: {**found, SECONDS: time.perf_counter() - began}}
        _write_frame(pipe, answer)


def _answer(handler: Handler, request: Mapping[str, Any], body: bytes) -> Mapping[str, Any]:
    """The handler's answer, or `{"error": words}` for what a page made it raise."""
    try:
        return handler(request, body)
    except MemoryError:
        raise  # the heap is full: a fresh process is better
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def goes_on(request: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """Whether the answer to a look at a page has its article with it.

    It has where the request has `article`, the addresses that the page was reached by, unless the page says that it
    is not to be kept or that it is another one: then whoever asked decides, and asks again with True.
    """
    names = request.get("article")
    if names is None or "error" in answer:
        return False
    return names is True or (not answer["noindex"] and (answer["canonical"] is None or answer["canonical"] in names))


def _write_frame(pipe: socket.socket, answer: Mapping[str, Any]) -> None:
    data = orjson.dumps(answer)
    pipe.sendall(ANSWER_HEAD.pack(len(data), time.process_time()) + data)


def _read_frame(stream: BinaryIO) -> bytes | None:
    """A length and as many bytes; None at the end of the stream."""
    head = stream.read(LENGTH.size)
    return stream.read(LENGTH.unpack(head)[0]) if head else None
