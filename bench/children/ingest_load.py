"""One run of `ingest` in a process of its own: `ingest_load WAY DATA LINES` with WAY `floor`, `room` or `sync`.

Tells the seconds until everything was durable, by how much the memory grew at most, and whether all is there.
"""

import json
import os
import sys
import time
from contextlib import closing
from pathlib import Path

import trio

from bench.machine import memory_mb, peak_memory_mb
from quaero_cli.engine.log import JobLog
from quaero_cli.model import Level, NewJob, StepRow
from quaero_cli.recorder import BATCH_FACTS, Recorder
from quaero_cli.session.core import tune_interpreter
from quaero_cli.settings import Settings
from quaero_cli.store.engine import Connection, connect, transaction
from quaero_cli.store.queue import claim, enqueue
from quaero_cli.store.schema import prepare
from quaero_cli.store.writer import Writer
from quaero_cli.stream.nudge import nudge

TASKS = 301
_JOB, _STEP, _SOURCE = "benchjob", "load", "bench"
_INSERT = (
    "INSERT INTO log (id, job, job_line, step, worker, line_number, time, level, source, message, fields)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?)"
)


def message(task: int, number: int) -> str:
    """Return a line as long as a crawler's usual one."""
    return f"{task:03d}/{number:07d} Fetched https://news.example.org/2026/01/15/articles/{task}-{number}.html"


def store_plainly(settings: Settings, lines: int) -> float:
    """The floor: the same rows, from memory, in batches as large as the recorder's. Return the seconds."""
    now = time.time_ns() // 1000
    rows = [
        (place, 1, place, 1, task, place, now, int(Level.INFO), _SOURCE, message(task, number), None)
        for place, (number, task) in enumerate(
            ((number, task) for number in range(lines) for task in range(1, TASKS + 1)), start=1
        )
    ]
    with closing(connect(settings.database)) as connection:
        began = time.perf_counter()
        for start in range(0, len(rows), BATCH_FACTS):
            with transaction(connection):
                connection.executemany(_INSERT, rows[start : start + BATCH_FACTS])
        return time.perf_counter() - began


async def store_through_recorder(settings: Settings, lines: int, *, ask_for_room: bool) -> float:
    """Log from all tasks at once, until the last line is durable. Return the seconds."""
    recorder = Recorder(Writer(settings.database), lambda: nudge(settings.wake))

    async def work(task: int) -> None:
        log = JobLog(recorder.emit, _JOB, step=_STEP, worker=task, source=_SOURCE)
        for number in range(lines):
            log.info(message(task, number))
            if ask_for_room:
                await recorder.room()

    async with trio.open_nursery() as outer:
        await outer.start(recorder.run)
        began = time.perf_counter()
        async with trio.open_nursery() as tasks:
            for task in range(1, TASKS + 1):
                tasks.start_soon(work, task)
        await recorder.flush()
        seconds = time.perf_counter() - began
        outer.cancel_scope.cancel()
    return seconds


def is_exact(connection: Connection, lines: int) -> bool:
    """Whether every line is there once, numbered without holes, each task's in its order."""
    expected = {(task, message(task, number)) for task in range(1, TASKS + 1) for number in range(lines)}
    last: dict[int, str] = {}
    for number, (job_line, task, text) in enumerate(
        connection.execute("SELECT job_line, worker, message FROM log ORDER BY id"), start=1
    ):
        if job_line != number or text <= last.get(task, ""):
            return False
        last[task] = text
        expected.discard((task, text))
    return not expected


def main(way: str, data: str, lines: int) -> None:
    """Run it once and print what was found."""
    settings = Settings(Path(data))
    prepare(settings.database)
    steps = (StepRow(_STEP, "bench"),)
    enqueue(settings.database, NewJob(_JOB, "bench", "Bench", "cli", "", "", "", {}, steps))
    claim(settings.database, _JOB)
    tune_interpreter()  # as a session does
    before = memory_mb(os.getpid())
    if way == "floor":
        seconds = store_plainly(settings, lines)
    else:
        load = store_through_recorder
        seconds = trio.run(lambda: load(settings, lines, ask_for_room=way == "room"))
    memory = peak_memory_mb(os.getpid()) - before
    with closing(connect(settings.database, readonly=True)) as connection:
        exact = is_exact(connection, lines)
    print(json.dumps({"seconds": seconds, "memory_mb": memory, "exact": exact}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
