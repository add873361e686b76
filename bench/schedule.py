"""`schedule`: what an idle `quaero serve` costs for the definitions that it has to start some time.

A real server with 100 scheduled definitions does nothing for a while; its processor time is compared with one per
cent of a core, and told beside that of a server without any. One more definition starts with the server: it must have
been run, once.
"""

import json
import time

from bench.homes import Home, new_home
from bench.machine import cpu_seconds
from bench.verdict import Fact, Figure, Ratio, Result

_DEFINITIONS = 100
# Seconds that the server is watched, and let alone before: it reads the files and writes its table first.
_WATCHED, _SETTLES = {True: 3.0, False: 20.0}, 2.0
# Measured on two busy cores: 0.35, of which all but 0.05 is what an idle server costs anyway.
IDLE_TARGET = 1.0
_STEP = '\n[step.a]\ntype = "shell"\ncommand = "true"\n'


def measure(smoke: bool) -> Result:
    """Watch two idle servers, and see that what is due is started."""
    seconds = _WATCHED[smoke]
    figures = []
    if not smoke:
        with new_home() as home:
            without = _idle(home, seconds)
        figures.append(Figure("idle serve, nothing scheduled: CPU", without * 1000, "ms"))
    with new_home() as home:
        _define(home)
        scheduled = _idle(home, seconds)
        started = _started(home)
    idle = f"idle serve, {_DEFINITIONS} definitions scheduled: CPU in {seconds:g} s"
    one_per_cent = seconds * 1000 / 100
    return Result(
        "schedule",
        [Ratio(idle, "1 % of a core", scheduled * 1000, one_per_cent, "ms", IDLE_TARGET)],
        [Fact("what starts with the server was run, once", started == 1)],
        figures,
    )  # fmt: skip


def _define(home: Home) -> None:
    folder = home.folder / "jobdefs"
    folder.mkdir()
    for number in range(_DEFINITIONS):
        text = f'schedule = ["{number % 60} 3 * * *", "*/30 4-5 1 1 *"]\ntimezone = "Europe/Berlin"\n{_STEP}'
        (folder / f"nightly-{number}.toml").write_text(text)
    (folder / "due.toml").write_text("auto_start = true\n" + _STEP)


def _idle(home: Home, seconds: float) -> float:
    """Return the processor seconds of an idle server."""
    with home.serving() as server:
        time.sleep(_SETTLES)  # noqa: TID251 - what is measured is that nothing happens
        before = cpu_seconds(server.process_id)
        time.sleep(seconds)  # noqa: TID251
        return cpu_seconds(server.process_id) - before


def _started(home: Home) -> int:
    jobs = json.loads(home.run("jobs", "--json"))
    return sum(job["trigger"] == "schedule" for job in jobs)
