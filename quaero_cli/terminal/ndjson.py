"""JSON for scripts: a stream as NDJSON.

Events of a stream: `{"event": "log", ...entry}`, `{"event": "status", "job": ..., "steps": ...}`, `{"event": "gap",
...}` and, last of each job, `{"event": "end", "job_id": ..., "status": ..., "exit_code": ...}`. Entries and states
are those of the wire protocol.

JSON itself escapes only C0. The other characters that a terminal or an editor obeys are escaped here as well: what
a parser gets is the same, and what a person sees on the way cannot do anything.
"""

import json
import re

import orjson

from quaero_cli.model import Counts, Entry, LogsView, StatusView
from quaero_cli.stream.events import Gap
from quaero_cli.terminal.plain import QuietDisplay

_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def log_event(entry: Entry) -> str:
    """Return an entry as a line of the stream, with its newline."""
    return _line({"event": "log", **entry})


def status_event(view: StatusView) -> str:
    """Return a state as a line of the stream, with its newline."""
    return _line({"event": "status", **view})


def gap_event(event: Gap) -> str:
    """Return a gap as a line of the stream, with its newline."""
    facts = {"job_id": event.job_id, "from_id": event.from_id, "to_id": event.to_id, "count": event.count}
    return _line({"event": "gap", **facts, "reason": event.reason})


def end_event(job_id: str, status: str, exit_code: int) -> str:
    """Return the end of a job as a line of the stream, with its newline."""
    return _line({"event": "end", "job_id": job_id, "status": status, "exit_code": exit_code})


def to_json(value: object) -> str:
    """Return a value as JSON on one line, without characters that a terminal would obey."""
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # a lone surrogate, or an integer of more than 64 bits
        text = json.dumps(value, separators=(",", ":"))
    return text if text.isprintable() else _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _line(value: object) -> str:
    return to_json(value) + "\n"


class JsonDisplay(QuietDisplay):
    """Shows everything as NDJSON on stdout; notices are words, and stay on stderr."""

    reads = True

    def logs(self, view: LogsView) -> None:
        """Write the entries at once."""
        self._out.write("".join([log_event(entry) for entry in view["logs"]]))

    def status(self, view: StatusView) -> None:
        """Write the state."""
        self._out.write(status_event(view))

    def ended(self, job_id: str, status: str, exit_code: int, counts: Counts | None = None) -> None:
        """Write the end of the job."""
        self._out.write(end_event(job_id, status, exit_code))

    def gap(self, event: Gap) -> None:
        """Write the gap."""
        self._out.write(gap_event(event))
