"""The scheduler on a real store and real files, its wall clock in the test's hand."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
from jobfiles import TYPES
from stores import NOW, ended, new_home, start_job, write_once

from quaero_cli.errors import ExistsError, OverlapError, QuaeroError, StoreError
from quaero_cli.schedule.folders import Folders
from quaero_cli.schedule.look import Looker
from quaero_cli.schedule.loop import Scheduler
from quaero_cli.schedule.times import MINUTE, SECOND
from quaero_cli.settings import Settings
from quaero_cli.store.encode import timestamp

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
MIDNIGHT = NOW // DAY * DAY  # a moment at which much fires


class Words:
    """The service log, which can be waited for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.more = trio.Event()

    def _write(self, text: str, **fields: object) -> None:
        self.lines.append(text)
        self.more.set()
        self.more = trio.Event()

    debug = info = warn = error = _write

    def taken(self) -> list[str]:
        """What was said since the last time."""
        lines, self.lines = self.lines, []
        return lines


@dataclass
class World:
    """A data directory, a folder of definitions, a wall clock, and whoever starts jobs."""

    home: Settings
    folder: Path
    now: int = MIDNIGHT + 10 * SECOND
    words: Words = field(default_factory=Words)
    starts: list[tuple[str, str | None]] = field(default_factory=list)
    refuses: QuaeroError | None = None

    def define(self, name: str, text: str) -> None:
        path = self.folder / f"{name}.toml"
        path.with_suffix(".new").write_text(text + "\n[step.a]\ntype = 'shell'\ncommand = 'true'\n")
        path.with_suffix(".new").rename(path)

    async def start(self, definition, fire):
        if self.refuses is not None:
            raise self.refuses
        self.starts.append((definition.id, None if fire is None else timestamp(fire)[11:16]))
        return f"job-{len(self.starts)}"

    def started(self) -> list[tuple[str, str | None]]:
        """What was started since the last time."""
        starts, self.starts = self.starts, []
        return starts

    def scheduler(self) -> Scheduler:
        """A scheduler as a process that has just begun has it."""
        looker = Looker(self.home.database, Folders([self.folder], TYPES))
        return Scheduler(self.home.database, looker, self.start, self.words, lambda: self.now)


@pytest.fixture
def world(tmp_path):
    folder = tmp_path / "jobdefs"
    folder.mkdir()
    return World(new_home(tmp_path), folder)


HOURLY = "schedule = '0 * * * *'\ntimezone = 'UTC'\n"


async def test_each_fire_starts_one_job(world):
    """The job would not run at its hour, or twice."""
    world.define("hourly", HOURLY)
    scheduler = world.scheduler()
    assert await scheduler.round() == MIDNIGHT + HOUR  # nothing was missed before it was first seen
    world.now = MIDNIGHT + HOUR - 1
    await scheduler.round()
    assert world.started() == []
    world.now = MIDNIGHT + HOUR
    await scheduler.round()
    await scheduler.round()
    assert world.started() == [("hourly", "01:00")]
    assert world.words.taken() == ["Started hourly as scheduled for 2026-01-15T01:00:00.000Z: job job-1"]
    assert await scheduler.round() == MIDNIGHT + 2 * HOUR


async def test_a_restart_repeats_nothing_and_misses_nothing_on_time(world):
    """A server that is started anew at the full hour would run the job again, or not at all."""
    world.define("hourly", HOURLY)
    await world.scheduler().round()
    world.now = MIDNIGHT + HOUR + 30 * SECOND
    await world.scheduler().round()
    assert world.started() == [("hourly", "01:00")]
    await world.scheduler().round()
    assert world.started() == []


async def test_two_schedulers_start_a_fire_once(world):
    """Two `serve` on one data directory would do everything twice; the loser must not complain either."""
    world.define("hourly", HOURLY)
    first, second = world.scheduler(), world.scheduler()
    await first.round()
    await second.round()
    world.now = MIDNIGHT + HOUR
    await first.round()
    await second.round()
    assert world.started() == [("hourly", "01:00")]
    # Both have seen the fire before either wrote it down: the job's ID decides.
    world.now = MIDNIGHT + 2 * HOUR
    world.refuses = ExistsError("there is a job abc already")
    world.words.taken()
    await second.round()
    assert world.words.taken() == []
    assert await second.round() == MIDNIGHT + 3 * HOUR


async def test_a_clock_that_is_put_back_repeats_nothing(world):
    """An hour put back would run the hour's jobs again; one put back by a year would stop them for a year."""
    world.define("hourly", HOURLY)
    scheduler = world.scheduler()
    await scheduler.round()
    world.now = MIDNIGHT + 2 * HOUR
    await scheduler.round()
    assert world.started() == [("hourly", "02:00")]
    world.now = MIDNIGHT + HOUR - SECOND
    for _ in range(3):
        world.now += SECOND
        await scheduler.round()
    assert world.started() == []
    world.now = MIDNIGHT - 30 * DAY
    world.words.taken()
    assert await scheduler.round() == MIDNIGHT - 30 * DAY + HOUR
    assert "The clock was put back: hourly fired last at" in world.words.taken()[0]
    await scheduler.round()
    assert world.words.taken() == world.started() == []


async def test_missed_fires_are_told_and_not_run(world):
    """The night's jobs would be started all at once in the morning, or be missing without a word."""
    world.define("hourly", HOURLY)
    await world.scheduler().round()
    world.now = MIDNIGHT + 7 * HOUR + 10 * MINUTE
    scheduler = world.scheduler()
    await scheduler.round()
    assert world.words.taken() == ["Missed 7 fires of hourly, the last one at 2026-01-15T07:00:00.000Z"]
    await scheduler.round()
    assert world.words.taken() == world.started() == []


async def test_the_last_missed_fire_is_run_late(world):
    """`catchup = "last"` would be ignored."""
    world.define("hourly", HOURLY + "catchup = 'last'\n")
    await world.scheduler().round()
    world.now = MIDNIGHT + 7 * HOUR + 10 * MINUTE
    scheduler = world.scheduler()
    await scheduler.round()
    assert world.started() == [("hourly", "07:00")]
    missed, started = world.words.taken()
    assert missed == "Missed 6 fires of hourly, the last one at 2026-01-15T06:00:00.000Z"
    assert started == "Started hourly as scheduled for 2026-01-15T07:00:00.000Z, 600 s late: job job-1"
    await scheduler.round()
    assert world.words.taken() == world.started() == []


async def test_all_missed_fires_are_run_one_after_the_other(world):
    """`catchup = "all"` would start them all at once, and all but the first would be refused."""
    world.define("hourly", HOURLY + "catchup = 'all'\n")
    await world.scheduler().round()
    world.now = MIDNIGHT + 3 * HOUR + 10 * MINUTE
    scheduler = world.scheduler()
    await scheduler.round()
    assert world.started() == [("hourly", "01:00")]
    assert world.words.taken()[0] == "Catching up with 3 fires of hourly, one by one"
    attempt = start_job(world.home, "aaaa", definition="hourly")
    await scheduler.round()
    assert world.started() == []
    write_once(world.home, ended("aaaa", attempt))
    await scheduler.round()
    await scheduler.round()
    await scheduler.round()
    assert world.started() == [("hourly", "02:00"), ("hourly", "03:00")]
    assert not [line for line in world.words.taken() if "Catching up" in line]


async def test_a_fire_that_is_refused_is_told(world):
    """A job that still runs at its next hour would be left out without a word."""
    world.define("hourly", HOURLY)
    scheduler = world.scheduler()
    await scheduler.round()
    world.now = MIDNIGHT + HOUR
    world.refuses = OverlapError("hourly is running already as job abc")
    await scheduler.round()
    await scheduler.round()
    assert world.words.taken() == [
        "Skipped hourly, due at 2026-01-15T01:00:00.000Z: hourly is running already as job abc"
    ]


async def test_files_are_read_again_when_they_change(world):
    """A new schedule would count from the next start of the server on."""
    scheduler = world.scheduler()
    assert await scheduler.round() is None
    world.define("hourly", HOURLY)
    assert await scheduler.round() == MIDNIGHT + HOUR
    world.define("hourly", "schedule = '5 0 * * *'\ntimezone = 'UTC'\n")
    assert await scheduler.round() == MIDNIGHT + 5 * MINUTE
    world.define("hourly", "enabled = false\nschedule = '5 0 * * *'\ntimezone = 'UTC'\n")
    assert await scheduler.round() is None
    world.now = MIDNIGHT + HOUR
    world.define("hourly", "schedule = '5 0 * * *'\ntimezone = 'UTC'\n")
    assert await scheduler.round() == MIDNIGHT + DAY + 5 * MINUTE  # while it was off nothing was missed
    (world.folder / "hourly.toml").unlink()
    assert await scheduler.round() is None
    assert world.words.taken() == world.started() == []


async def test_a_broken_file_is_told_once(world):
    """A typo would stop a schedule in silence, or fill the log with a line each second."""
    world.define("hourly", HOURLY)
    scheduler = world.scheduler()
    await scheduler.round()
    world.define("hourly", "schedul = '0 * * * *'")
    await scheduler.round()
    world.define("other", "")
    await scheduler.round()
    (line,) = world.words.taken()
    assert line.startswith("Not usable: ")
    assert "hourly.toml: unknown key 'schedul'" in line
    world.define("hourly", HOURLY + "catchup = 'last'\n")
    world.now = MIDNIGHT + HOUR + 2 * MINUTE  # what came while it was broken was missed
    await scheduler.round()
    assert world.started() == [("hourly", "01:00")]


async def test_it_wakes_for_each_fire(world, autojump_clock):
    """A fire would wait for the next look, up to a second late."""
    world.define("minutely", "schedule = '* * * * *'\n")
    autojump_clock.autojump_threshold = 0.005  # with 0 the loop would not let the looking thread have its turn
    late: list[int] = []
    two = trio.Event()

    def now() -> int:
        return MIDNIGHT + 57_300_000 + int(trio.current_time() * SECOND)

    async def start(definition, fire):
        late.append(now() - fire)
        if len(late) == 2:
            two.set()
        return "job"

    looker = Looker(world.home.database, Folders([world.folder], TYPES))
    scheduler = Scheduler(world.home.database, looker, start, world.words, now)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scheduler.run)
        await two.wait()
        nursery.cancel_scope.cancel()
    assert late == [0, 0]


async def test_what_starts_with_the_server_starts_once(world):
    """`auto_start` would be ignored, or start a job each second."""
    world.define("first", "auto_start = true\n")
    world.define("off", "auto_start = true\nenabled = false\n")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.scheduler().run)
        while not world.words.lines:
            await world.words.more.wait()
        nursery.cancel_scope.cancel()
    assert world.started() == [("first", None)]
    assert world.words.taken() == ["Started first with the server: job job-1"]


async def test_a_store_that_fails_for_a_while_ends_nothing(world, autojump_clock):
    """A locked database at the full hour would end the scheduler, and nobody would notice."""
    autojump_clock.autojump_threshold = 0.005
    world.define("hourly", HOURLY)
    scheduler = world.scheduler()
    await scheduler.round()
    world.now = MIDNIGHT + HOUR
    world.refuses = StoreError("database is locked")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scheduler.run)
        while not world.words.lines:
            await world.words.more.wait()
        world.refuses = None
        while not world.starts:
            await world.words.more.wait()
        nursery.cancel_scope.cancel()
    assert world.words.taken()[0] == "Cannot schedule: database is locked"
    assert world.started() == [("hourly", "01:00")]
