"""From a commit until a reader in another process has seen it, and what that reader costs while nothing happens.

The reader is the loop of `tail`, without a display; this process commits single entries, with pauses, and tells it as
a recorder does.
"""

import threading
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.homes import ending, finish_child, new_home, start_child
from bench.machine import loop_nanoseconds
from quaero_cli.model import JobChanged, Level, LogLine, NewJob, Status, StepRow
from quaero_cli.store.queue import claim, enqueue
from quaero_cli.store.schema import prepare
from quaero_cli.store.writer import Writer
from quaero_cli.stream.nudge import nudge

_JOB = "seen01"
_PAUSE = 0.02  # seconds between commits: each finds the reader at rest


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found: milliseconds of each entry, the percentage of a core while idle, whether all came in order."""

    late: list[float]
    idle: float
    exact: bool


def watch_reader(entries: int, idle_seconds: float) -> Seen:
    """Let a reader wait for so long, then commit so many entries for it."""
    pause = threading.Event()
    with new_home() as home:
        wake = home.data / "wake"
        prepare(home.database)
        enqueue(home.database, NewJob(_JOB, "seen", "Seen", "cli", "", "", "", {}, (StepRow("work", "shell"),)))
        attempt = claim(home.database, _JOB)
        assert attempt is not None
        with (
            closing(Writer(home.database)) as writer,
            ending(start_child("follow_reader", home.database, wake, _JOB)) as reader,
        ):
            assert reader.stdout is not None
            reader.stdout.readline()
            before = loop_nanoseconds(reader.pid)
            pause.wait(idle_seconds)
            idle = (loop_nanoseconds(reader.pid) - before) / idle_seconds / 1e7
            committed = []
            for number in range(1, entries + 1):
                pause.wait(_PAUSE)
                committed.append(_commit(writer, wake, number))
            writer.apply(entries + 1, [JobChanged(_JOB, Status.COMPLETED, time.time_ns() // 1000, attempt)])
            nudge(wake)
            seen = finish_child(reader)["seen"]
    late = [(when - then) / 1e6 for (_, when), then in zip(seen, committed, strict=False)]
    return Seen(late, idle, [number for number, _ in seen] == list(range(1, entries + 1)))


def _commit(writer: Writer, wake: Path, number: int) -> int:
    """Store an entry and tell the reader; return when it was committed, in nanoseconds since 1970."""
    now = time.time_ns() // 1000
    writer.apply(number, [LogLine(_JOB, "work", None, now, int(Level.INFO), "A line", "step", "shell", None)])
    committed = time.time_ns()
    nudge(wake)
    return committed
