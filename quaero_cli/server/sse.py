"""Events of the wire protocol as the bytes of a server-sent event stream. Pure.

JSON escapes CR and LF, so no text of a log can end a line here; event names and ids are ours.
"""

from datetime import UTC, datetime

from quaero_cli.server.cursor import Cursor
from quaero_cli.server.encode import to_json
from quaero_cli.stream.events import Ended, Gap, Logs, Ping, StatusChange, StreamEvent

# Milliseconds that a browser waits before it comes back.
RETRY_MS = 1000

SSE_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "Vary": "Accept-Encoding",
}


def retry(milliseconds: int = RETRY_MS) -> bytes:
    """Return the field that sets the browser's own waiting time."""
    return b"retry: %d\n\n" % milliseconds


def frame(event: str, data: object, cursor: Cursor | None) -> bytes:
    """Return one event. Without a cursor the client's place stays as it was."""
    place = b"" if cursor is None else b"id: %b\n" % str(cursor).encode()
    return b"%bevent: %b\ndata: %b\n\n" % (place, event.encode(), to_json(data))


def encode(event: StreamEvent, epoch: str, *, place: int | None = None, now: datetime | None = None) -> bytes:
    """Return what a follower told as one event; `place` stands in for the event's own cursor."""
    cursor = Cursor(epoch, event.cursor if place is None else place)
    match event:
        case Logs(view):
            return frame("logs", view, cursor)
        case StatusChange(view):
            return frame("status", view, cursor)
        case Ping():
            return frame("ping", {"timestamp": _stamp(now or datetime.now(UTC))}, cursor)
        case Ended():
            return frame("end", {"job_id": event.job_id, "status": event.status, "counts": event.counts}, cursor)
        case Gap():
            data = {
                "job_id": event.job_id, "from_id": event.from_id, "to_id": event.to_id, "count": event.count,
                "reason": event.reason,
            }  # fmt: skip
            return frame("gap", data, cursor)


def shutdown(retry_ms: int, cursor: Cursor | None) -> bytes:
    """Return the last words of a server that stops."""
    return retry(retry_ms) + frame("shutdown", {"retry_ms": retry_ms}, cursor)


def reset(cursor: Cursor) -> bytes:
    """Return the event that tells a client that its cursor came from another store; `cursor` is of this one."""
    return frame("reset", {}, cursor)


def _stamp(now: datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
