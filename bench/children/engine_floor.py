"""The floors of `engine`, each in a process of its own: `engine_floor lines FOLDER COUNT` and so on.

What somebody would write without quaero, and no more: one table without an index, no numbers of jobs and steps, no
counters, no states that a reader could follow, nothing that is cancelled or judged.
"""

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import trio

from bench.engine import line_command
from quaero_cli.store.engine import Connection, connect, transaction

_BATCH = 5000
_TABLE = "CREATE TABLE entry (id INTEGER PRIMARY KEY, time INTEGER, worker INTEGER, message TEXT)"
_INSERT = "INSERT INTO entry VALUES (?, ?, ?, ?)"
_Row: TypeAlias = tuple[int, int, int | None, str]


def read_lines(connection: Connection, count: int) -> None:
    """Read what a child prints line by line, and keep it."""
    rows: list[_Row] = []
    with subprocess.Popen(line_command(count), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for number, line in enumerate(child.stdout, 1):
            rows.append((number, time.time_ns() // 1000, None, line.rstrip("\n")))
            if len(rows) == _BATCH:
                _keep(connection, rows)
    _keep(connection, rows)


async def log_from_workers(connection: Connection, count: int) -> None:
    """Let 300 tasks log `count` lines each, in turn, and keep them when all is said."""
    rows: list[_Row] = []

    async def work(worker: int) -> None:
        for number in range(count):
            rows.append((len(rows) + 1, time.time_ns() // 1000, worker, f"Processing item {number}/{count}"))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        for worker in range(300):
            nursery.start_soon(work, worker)
    _keep(connection, rows)


async def run_steps(connection: Connection, count: int) -> None:
    """Run tasks one after the other, and keep of each that it began, what it said and that it ended."""
    number = 0
    for step in range(count):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.lowlevel.checkpoint)
        words = (f"step {step} runs", f"step {step} says", f"step {step} ended")
        _keep(connection, [(number + place, time.time_ns() // 1000, step, text) for place, text in enumerate(words)])
        number += len(words)


def _keep(connection: Connection, rows: list[_Row]) -> None:
    with transaction(connection):
        connection.executemany(_INSERT, rows)
    rows.clear()


def main(what: str, folder: str, count: int) -> None:
    """Run one and print how long it took."""
    with closing(connect(Path(folder) / "floor.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(_TABLE)
        began, cpu = time.perf_counter(), time.process_time()
        if what == "lines":
            read_lines(connection, count)
        else:
            trio.run({"workers": log_from_workers, "steps": run_steps}[what], connection, count)
        found = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
