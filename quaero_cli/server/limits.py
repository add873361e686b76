"""What one client may cost the server. Each number has its unit in its name and its reason beside it.

One frozen record, so that tests ask for small limits instead of waiting for large ones.
"""

from dataclasses import dataclass

# Every stream is a connection, and its client asks for pages beside it.
CONNECTIONS_PER_STREAM = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the HTTP server, and how it paces its streams."""

    connections: int = 2048  # 30 KB each; `serve` raises the limit of open files to this
    default_entries: int = 100  # a screenful, and its history
    most_entries: int = 5000  # 1 MB, 25 ms
    batch_seconds: float = 0.15  # entries gather for so long: faster than anybody reads
    ping_seconds: float = 5.0  # of silence: a third of what makes a client look for itself
    streams: int = 1024  # one core feeds 1,500 at one event per 150 ms; leaves connections for pages
    target_bytes: int = 4096  # the longest honest URL follows a hundred jobs
    header_bytes: int = 32 * 1024
    header_count: int = 100
    header_seconds: float = 5.0  # from the first byte, or from the last answer, to a whole request head
    body_bytes: int = 64 * 1024  # parameters of a job; nothing else is sent to us
    body_seconds: float = 10.0
    send_seconds: float = 10.0  # without any progress; a stream is resumed by its cursor, so nothing is lost
    send_slice_bytes: int = 64 * 1024  # what "progress" means: 6.5 KB/s is slow, but alive
    linger_seconds: float = 1.0  # for the client to read our last words before the connection is gone
    last_linger_seconds: float = 0.2  # the same when the server stops, which may take a second with all its viewers
    grace_seconds: float = 2.0  # for requests under way when the server stops
    peer_gone_seconds: float = 30.0  # until unacknowledged data means that the other machine is gone
