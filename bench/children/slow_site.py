"""A site whose every answer is late: `slow_site FOLDER LATENCY`, seconds. Says its port, and serves until stdin ends.

It hands out the files of the folder from memory. Just quick enough to be no hindrance: one thread, one epoll, answers
made beforehand, and of a request only its first line is read.
"""

import os
import select
import socket
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

_AT_ONCE = 4096
_MOST = 64 * 1024  # bytes of a request
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def main(folder: Path, latency: float) -> None:
    """Serve."""
    answers = {f"/{file.relative_to(folder)}": _answer(file) for file in folder.rglob("*") if file.is_file()}
    answers |= {path.removesuffix("index.html"): answer for path, answer in answers.items()}
    with socket.create_server(("127.0.0.1", 0), backlog=_AT_ONCE) as listener:
        listener.setblocking(False)
        print(listener.getsockname()[1], flush=True)
        _serve(listener, answers, latency)


def _answer(file: Path) -> bytes:
    body = file.read_bytes()
    media = "text/html" if file.suffix == ".html" else "text/plain"
    return f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _serve(listener: socket.socket, answers: dict[str, bytes], latency: float) -> None:
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    stdin = sys.stdin.fileno()
    poll.register(stdin, select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    waiting: deque[tuple[float, int, bytes]] = deque()  # in order: all wait equally long
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for descriptor, _ in poll.poll(pause):
            if descriptor == stdin and not os.read(stdin, 1):
                return
            if descriptor == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = client
                poll.register(client, select.EPOLLIN)
            elif descriptor in clients:
                asked = _received(clients[descriptor])
                if asked:
                    path = asked.split(b" ", 2)[1].decode()
                    waiting.append((time.monotonic() + latency, descriptor, answers.get(path, _MISSING)))
                else:
                    poll.unregister(descriptor)
                    clients.pop(descriptor).close()
        while waiting and waiting[0][0] <= time.monotonic():
            _, descriptor, answer = waiting.popleft()
            if descriptor in clients:
                _send(clients[descriptor], answer)


def _received(client: socket.socket) -> bytes:
    try:
        return client.recv(_MOST)
    except ConnectionError:
        return b""


def _send(client: socket.socket, answer: bytes) -> None:
    with suppress(ConnectionError):  # its end comes with the next look
        client.sendall(answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
