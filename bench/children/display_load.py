"""The live display at a steady rate, on a clock of its own: SECONDS and RATE in, processor time out.

Entries and states are made before the clock starts; they come as a follower hands them over, every 150 ms, with a
state every second and a tick every 125 ms. What is written goes to a file of our own, and its lines are counted.
"""

import json
import re
import sys
import tempfile
import time
from typing import Any

from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.display import TICK_S
from quaero_cli.terminal.live import LiveDisplay

_BATCH_S = 0.15
_STATUS_S = 1.0
_WORKERS = 8


def _entry(number: int) -> dict[str, Any]:
    level = "error" if number % 20 == 0 else "warn" if number % 7 == 0 else "info"
    return {
        "id": number, "timestamp": f"2026-01-15T10:30:{number // 10_000 % 60:02d}.{number // 10 % 1000:03d}Z",
        "level": level, "message": f"Processing item {number}", "originator": "worker", "source": "load",
        "job_id": "7k3qm2xd", "step_id": "7k3qm2xd.load", "step_name": "load", "worker": f"load-{number % _WORKERS}",
        "line_number": number, "job_line": number, "fields": {"item": number},
    }  # fmt: skip


def _status(total: int) -> dict[str, Any]:
    workers = {"pending": 0, "running": _WORKERS, "completed": 0, "failed": 0, "cancelled": 0}
    times = {"started_at": "2026-01-15T10:30:00.000Z", "finished_at": None, "error": None}
    counts = {"debug": 0, "info": total, "warn": total // 7, "error": total // 20}
    step = {"id": "7k3qm2xd.load", "name": "load", "type": "load", "status": "running", "progress": 40,
            "workers": workers, "progress_text": "8 running", "counts": counts, **times}  # fmt: skip
    job = {"id": "7k3qm2xd", "definition": "load", "name": "Load", "status": "running", "progress": 40, **times}
    return {"job": job, "steps": [step]}


def main() -> None:
    """Drive the display and print what it took."""
    seconds, rate = int(sys.argv[1]), int(sys.argv[2])
    batches = round(seconds / _BATCH_S)
    size = seconds * rate // batches
    sizes = [size] * (batches - 1) + [seconds * rate - size * (batches - 1)]
    views, number = [], 0
    for each in sizes:
        views.append({"logs": [_entry(number + index) for index in range(each)], "meta": {}})
        number += each
    clock = [0.0]
    with tempfile.TemporaryFile("w+") as file:
        out = Terminal(file, {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}, tty=True)
        display = LiveDisplay(out, out, clock=lambda: clock[0], now=lambda: 1768473000.0 + clock[0])
        began = time.process_time()
        _drive(display, views, rate, clock)
        taken = time.process_time() - began
        file.seek(0)
        lines = len(re.findall(r"Processing item \d+", file.read()))
    print(json.dumps({"cpu_seconds": taken, "lines": lines}))


def _drive(display: LiveDisplay, views: list[dict[str, Any]], rate: int, clock: list[float]) -> None:
    ticked = told = 0.0
    with display:
        for index, view in enumerate(views):
            clock[0] = index * _BATCH_S
            end = clock[0] + _BATCH_S
            if index == 0 or clock[0] - told >= _STATUS_S:
                told = clock[0]
                display.status(_status(int(clock[0] * rate)))  # type: ignore[arg-type]
            display.logs(view)  # type: ignore[arg-type]
            while ticked + TICK_S <= end:
                ticked += TICK_S
                clock[0] = max(clock[0], ticked)
                display.tick()


if __name__ == "__main__":
    main()
