"""A job that logs at a known rate, and begins when it is told to: followers are there before its first line."""

import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from bench.homes import PATIENCE, Home, ending
from quaero_cli.store.engine import connect

_GATE = """id = "load"

[step.gate]
type = "shell"
command = "read go < {gate}"
"""
STEP = """
[step.{name}]
type = "test_job_generator"
depends = ["{after}"]
worker_count = {workers}
log_count = {lines}
log_delay_ms = {pause}
failure_rate = 0.0
child_count = 0
recursion_depth = 0
"""


@dataclass(frozen=True, slots=True)
class Generator:
    """A step: `workers` tasks at once, each writes `lines` lines and waits `pause` milliseconds after each."""

    name: str
    workers: int
    lines: int
    pause: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry as it was stored: its number in the job, its step, and when it was logged."""

    number: int
    step: str | None
    time_ns: int


@dataclass(frozen=True, slots=True)
class Job:
    """A running job that waits for its gate to be opened."""

    id: str
    home: Home
    gate: int  # descriptor

    def open_gate(self) -> None:
        """Let it begin."""
        os.write(self.gate, b"\n")

    def stored(self) -> list[Stored]:
        """Return its entries, in order."""
        with closing(connect(self.home.database, readonly=True)) as connection:
            rows = connection.execute(
                "SELECT job_line, step.name, time FROM log JOIN job ON job.key = log.job"
                " LEFT JOIN step ON step.key = log.step WHERE job.id = ? ORDER BY job_line",
                (self.id,),
            ).fetchall()
        return [Stored(number, step, time * 1000) for number, step, time in rows]


@contextmanager
def waiting_job(home: Home, generators: Sequence[Generator]) -> Iterator[Job]:
    """Start a `quaero run` of the generators, one after the other. Leaving the block waits for its end.

    Raises RuntimeError when it does not end well.
    """
    gate = home.folder / "gate"
    if not gate.exists():
        os.mkfifo(gate)
    text = _GATE.format(gate=gate)
    for after, each in zip(["gate", *(each.name for each in generators)], generators, strict=False):
        text += STEP.format(name=each.name, after=after, workers=each.workers, lines=each.lines, pause=each.pause)
    descriptor = os.open(gate, os.O_RDWR)  # a FIFO that is open for both waits for nobody
    try:
        with ending(home.start("run", home.define("load", text), "--json")) as runner:
            assert runner.stdout is not None
            first = json.loads(runner.stdout.readline() or b"{}")
            if "job" not in first:
                raise RuntimeError("quaero run said nothing of its job")
            drain = threading.Thread(target=runner.stdout.read, daemon=True)
            drain.start()
            yield Job(first["job"]["id"], home, descriptor)
            if runner.wait(PATIENCE) != 0:
                raise RuntimeError(f"quaero run ended with {runner.returncode}")
            drain.join(PATIENCE)
    finally:
        os.close(descriptor)
