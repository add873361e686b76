"""Telling other processes that something was committed; without an event loop, so that any command may do it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Bytes in a Unix socket's address on every platform; longer paths go through the folder's descriptor.
_ADDRESS_LIMIT = 100
# What a datagram says: look again; look again at once, somebody wants something done.
LOOK, ERRAND = b"\0", b"\1"


def nudge(folder: Path, *, errand: bool = False, besides: str = "") -> None:
    """Tell every process that watches the store to look again. Never raises, never blocks; from any thread.

    `errand`: a job was made or is to be cancelled, so whoever sees to that is not to gather his looks.
    `besides`: a socket whose process knows.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return  # no folder, no watchers
    names = [name for name in names if name != besides]
    if not names:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for name in names:
            _send(sender, folder, name, ERRAND if errand else LOOK)


def _send(sender: socket.socket, folder: Path, name: str, word: bytes) -> None:
    try:
        with address_of(folder, name) as address:
            sender.sendto(word, address)
    except BlockingIOError:
        return  # it has datagrams to read already: it will look
    except ConnectionRefusedError:
        (folder / name).unlink(missing_ok=True)  # its process is gone
    except OSError:
        return  # not a socket, or just removed: the slow look serves whoever that was


@contextmanager
def address_of(folder: Path, name: str) -> Iterator[str]:
    """Give an address for a socket in `folder`, however long the folder's path is."""
    path = str(folder / name)
    if len(os.fsencode(path)) < _ADDRESS_LIMIT:
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)
