"""Writes a job at a steady rate: `steady_load DATA JOB RATE SECONDS`. Begins when it is told a line on its stdin.

Each entry's time is when it was handed to the writer, just before its commit. Tells how many entries there are.
"""

import json
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

from quaero_cli.model import JobChanged, Level, LogLine, NewJob, Status, StepChanged, StepRow
from quaero_cli.settings import Settings
from quaero_cli.store.locks import JobLock
from quaero_cli.store.queue import claim, enqueue
from quaero_cli.store.writer import Writer
from quaero_cli.stream.nudge import nudge

_STEP, _WORKERS = "fetch", 40
_PAUSE = 0.01  # seconds between batches
_LEVELS = [Level.INFO] * 17 + [Level.WARN] * 2 + [Level.ERROR]


def lines(job: str, numbers: range) -> list[LogLine]:
    """Return entries as a crawler writes them, of this moment."""
    now = time.time_ns() // 1000
    return [
        LogLine(job, _STEP, number % _WORKERS + 1, now, _LEVELS[number % 20],
                f"Item {number} was fetched and its links were looked at", "worker", "crawler", {"status": 200})
        for number in numbers
    ]  # fmt: skip


def main(data: str, job: str, rate: int, seconds: int) -> None:
    """Write, and print how many entries it were."""
    settings = Settings(Path(data))
    enqueue(settings.database, NewJob(job, "steady", "Steady", "cli", "", "", "", {}, (StepRow(_STEP, "bench"),)))
    with JobLock(settings.locks, job) as lock, closing(Writer(settings.database)) as writer:
        assert lock.acquire()
        attempt = claim(settings.database, job)
        assert attempt is not None
        writer.apply(1, lines(job, range(1, 2)))  # there is something to see before it begins
        print("ready", flush=True)
        sys.stdin.readline()
        done, began, never = 1, time.monotonic(), threading.Event()
        while done < rate * seconds:
            due = min(rate * seconds, int((time.monotonic() - began) * rate))
            if due > done:
                writer.apply(done + 1, lines(job, range(done + 1, due + 1)))
                nudge(settings.wake)
                done = due
            never.wait(_PAUSE)
        now = time.time_ns() // 1000
        writer.apply(done + 1, [StepChanged(job, _STEP, Status.COMPLETED, now),
                                JobChanged(job, Status.COMPLETED, now, attempt)])  # fmt: skip
        nudge(settings.wake)
    print(json.dumps({"lines": done}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
