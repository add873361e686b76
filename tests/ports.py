"""Ports that nobody else takes, for what must know its port before it listens, comes back to it, or never listens.

Where the port may be learned afterwards, port 0 is the way. But a port that was handed out and given back is
anybody's again: of the next who asks for port 0, and of every connection that goes out. Those have ports from a range
of the kernel's; the ones here are outside of it, and no two processes of a test run get the same one.
"""

import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Above what services and other tests know by name; all have five digits.
_FIRST, _LAST = 20_000, 65_000


def own_port() -> int:
    """Return a port on which nobody listens, for this process until it ends."""
    low, high = map(int, _RANGE.read_text().split())
    candidates = [port for port in range(_FIRST, _LAST) if not low <= port <= high]
    while True:
        port = random.choice(candidates)
        # The same port of UDP is the sign that it is taken: the kernel gives it back, whatever becomes of us.
        token = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            token.bind(("127.0.0.1", port))
            with socket.create_server(("127.0.0.1", port)):
                pass
        except OSError:
            token.close()
            continue
        token.detach()
        return port
