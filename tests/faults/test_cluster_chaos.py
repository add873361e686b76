"""A cluster under kill -9: of the engine, of views, of workers, at seeded moments. What a worker stored, every view
has, once, in order, whatever happened meanwhile.

At night four workers say 200,000 lines at 12,000 a second, with ten seeds; here it is fewer, and one seed.
"""

import shutil
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic

import pytest
import trio
from engines import ask, needs_nats
from machines import Machines, machines, until

from quaero_cli.store.engine import connect

pytestmark = needs_nats

WORKERS = ("w1", "w2", "w3", "w4")
# Says so many lines at a pace; the last twentieth not before it may. Each names its process, its number, and that
# number again as a text that no other has.
SAYS = """
import os, sys, time
lines, pace, gate = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
me, start = f"{os.getpid()}-{time.time_ns()}", time.monotonic()
for number in range(1, lines + 1):
    while number > lines * 0.95 and not os.path.exists(gate):
        time.sleep(0.05)
    print(me, number, f"{number:012x}" * 13)
    if number % 20 == 0:
        sys.stdout.flush()
        time.sleep(max(0.0, start + number / pace - time.monotonic()))
"""
JOB = """
    overlap = "allow"
    [step.say]
    type = "shell"
    command = "exec {python} {script} {lines} {pace} {gate}"
"""
_LINES = "SELECT job.id, message FROM log JOIN job ON job.key = log.job WHERE source = 'stdout' ORDER BY log.id"
_PATIENCE = 280.0  # seconds: many lines on a busy machine
_never = threading.Event()  # waiting for it is waiting


@dataclass
class Chaos:
    """One campaign's cluster, with the jobs that run on it."""

    found: Machines
    chance: Random
    lines: int  # of each job
    pause: float  # seconds that what was killed stays away, at most
    kept: list[dict[tuple[str, str], list[int]]] = field(default_factory=list)  # of workers that were killed
    started: float = field(default_factory=monotonic)

    @property
    def gate(self) -> Path:
        return self.found.folder / "gate"

    def begin(self, pace: float) -> None:
        """Start a view, four workers, and a job for each."""
        self.found.start_view()
        for name in WORKERS:
            self.found.start_worker(name)
        script = self.found.folder / "says.py"
        script.write_text(SAYS)
        text = JOB.format(python=sys.executable, script=script, lines=self.lines, pace=pace, gate=self.gate)
        path = self.found.view.define("says", text)
        self.started = monotonic()
        for _ in WORKERS:
            self.found.view.run("run", path, "--on", "cluster", "--detach")

    def at(self, share: float) -> None:
        """Wait until the view has so much of all that is to come."""
        wanted = share * self.lines * len(WORKERS)
        until(lambda: self._stored() >= wanted, _PATIENCE)

    def _stored(self) -> int:
        return int(self._of_view("SELECT coalesce(sum(entries), 0) FROM job")[0][0])

    def _of_view(self, query: str) -> list[tuple]:
        with closing(connect(self.found.view.home / "quaero.db", readonly=True)) as connection:
            return connection.execute(query).fetchall()

    def stay_away(self) -> None:
        _never.wait(self.chance.uniform(0, self.pause))

    # ------------------------------------------------------------------ who is killed

    def kill_server(self) -> None:
        """Kill the engine's server; of three, the one that leads the log."""
        server = self.found.server
        if len(self.found.servers) > 1:
            info = trio.run(ask, self.found.servers, "STREAM.INFO.QLOG")
            leader = info.get("cluster", {}).get("leader", "n0")  # it may be being elected
            server = self.found.servers[int(leader[1:])]
        server.kill()
        self.stay_away()
        trio.run(server.start)

    def kill_view(self) -> None:
        self.found.kill("view")
        self.stay_away()
        self.found.start_view()

    def kill_worker(self) -> None:
        """Kill a worker; what it has stored by then is to be found at the view in the end."""
        name = self.chance.choice(WORKERS)
        self.found.kill(name)
        self.kept.append(lines_of(self.found.shell(name).home / "quaero.db"))
        self.stay_away()
        self.found.start_worker(name)

    def put_back(self, course: Callable[[], None]) -> int:
        """Put the server back to its state of before the course of events; return how many messages it lost.

        While it is put back nobody views, so that much of it is nowhere but in the outboxes.
        """
        server, past = self.found.server, self.found.folder / "past"
        server.freeze()
        shutil.copytree(server.store, past)
        server.thaw()
        before = self._messages()
        course()
        self.found.kill("view")
        self.stay_away()
        lost = self._messages() - before
        server.kill()
        shutil.rmtree(server.store)
        past.rename(server.store)
        trio.run(server.start)
        self.stay_away()
        self.found.start_view()
        return lost

    def _messages(self) -> int:
        return int(trio.run(ask, self.found.servers, "STREAM.INFO.QLOG")["state"]["last_seq"])

    # ------------------------------------------------------------------ the end

    def finish(self) -> str:
        """Let the jobs end, and check every line. Returns what there is to say of it."""
        self.gate.touch()
        until(self._is_over, _PATIENCE)
        seconds = monotonic() - self.started
        # First what is on the workers: one that has lost its job may be saying its last words still.
        stored = [*self.kept, *(lines_of(self.found.shell(name).home / "quaero.db") for name in WORKERS)]
        until(lambda: not any(map(self.found.lacks, WORKERS)), _PATIENCE)
        seen = lines_of(self.found.view.home / "quaero.db")
        for process, numbers in seen.items():
            assert numbers == list(range(1, len(numbers) + 1)), process
        for kept in stored:
            for process, numbers in kept.items():
                there = seen.get(process, [])[: len(numbers)]
                assert there == numbers, (process, len(numbers), len(there))
        longest: dict[str, int] = defaultdict(int)
        for (job, _), numbers in seen.items():
            longest[job] = max(longest[job], len(numbers))
        assert list(longest.values()) == [self.lines] * len(WORKERS)
        for entries, last in self._of_view(
            "SELECT entries, (SELECT max(job_line) FROM log WHERE log.job = job.key) FROM job"
        ):
            assert entries == last
        count = sum(map(len, seen.values()))
        return f"{count} lines of {len(seen)} processes in {seconds:.1f} s, {count / seconds:.0f}/s"

    def _is_over(self) -> bool:
        states = [row[0] for row in self._of_view("SELECT status FROM job")]
        assert not {"failed", "interrupted", "cancelled"}.intersection(states), states
        return states == ["completed"] * len(WORKERS)


def lines_of(database: Path) -> dict[tuple[str, str], list[int]]:
    """Return the numbers that each process said, by job and process; each once, in order, with its own text.

    The last line of a process may be a part of one: whoever loses its job is stopped while it writes. Such a part is
    returned as if it were a process that has said one line: a view has it, too.
    """
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    parts = []
    with closing(connect(database, readonly=True)) as connection:
        for job, message in connection.execute(_LINES):
            process, _, rest = message.partition(" ")
            number, _, text = rest.partition(" ")
            if number and text == f"{int(number):012x}" * 13:
                found[job, process].append(int(number))
            else:
                parts.append((job, message))
    assert len(parts) <= len(found)
    found |= {part: [1] for part in parts}
    for process, numbers in found.items():
        assert numbers == list(range(1, len(numbers) + 1)), process
    return found


@pytest.fixture
def rounds(tmp_path, campaign) -> Callable[..., None]:
    """Runs a course of events on a cluster, with one seed here and with ten at night."""

    def run(course: Callable[[Chaos], None], *, three: bool = False) -> None:
        for seed in range(campaign(1, 10)):
            folder = tmp_path / str(seed)
            with machines(folder, lease=campaign(8.0, 10.0), three=three) as found:
                chaos = Chaos(found, Random(seed), campaign(300, 50_000), campaign(0.1, 1.5))
                chaos.begin(campaign(200, 3000))
                course(chaos)
                print(f"seed {seed}: {chaos.finish()}", flush=True)
            shutil.rmtree(folder)

    return run


def _kill_all(chaos: Chaos, *, servers: int = 2, workers: int = 1) -> None:
    victims = [chaos.kill_server] * servers + [chaos.kill_view] * 2 + [chaos.kill_worker] * workers
    chaos.chance.shuffle(victims)
    moments = sorted(chaos.chance.uniform(0.02, 0.9) for _ in victims)
    for moment, kill in zip(moments, victims, strict=True):
        chaos.at(moment)
        kill()


def test_no_line_is_lost_whatever_is_killed(rounds):
    """A power cut of one machine would cost lines, or show some twice."""
    rounds(_kill_all)


def test_no_line_is_lost_when_the_leader_of_three_is_killed(rounds, campaign):
    """Three servers would promise more than one, and keep less."""
    rounds(partial(_kill_all, servers=campaign(1, 2), workers=campaign(0, 1)), three=True)


def test_no_line_is_lost_when_the_engine_comes_back_from_the_past(rounds, campaign):
    """What the engine had acknowledged and lost in a power cut would be missing for ever."""

    def course(chaos: Chaos) -> None:
        moment = chaos.chance.uniform(0.05, 0.5)
        chaos.at(moment)
        five_seconds = partial(_never.wait, 5)
        a_while = partial(chaos.at, moment + 0.2)
        lost = chaos.put_back(campaign(a_while, five_seconds))
        assert lost > 0
        print(f"{lost} messages forgotten by the engine", flush=True)

    rounds(course)
