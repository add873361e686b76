"""What to do about the fires that have come since the last one that was dealt with. Pure.

A fire that is not looked at within a minute is missed: nobody was there (no `serve` ran, the machine slept, the clock
was put forward). A restart that crosses a minute misses nothing. Missed fires are told, and those that `catchup`
names are run late:

* `none`: only a fire that is on time is run.
* `last`: the newest fire is run, be it late; one run stands for all that were missed.
* `all`: all are run, oldest first, one after the other.
"""

from dataclasses import dataclass

from quaero_cli.jobdef.model import Schedule
from quaero_cli.schedule.times import MINUTE, due_fires

# Microseconds within which a fire counts as on time: the distance of the closest two fires, so that there is one at
# most, and enough for a `serve` that is started anew.
ON_TIME = MINUTE
# Microseconds that the last fire may lie ahead. Further off the clock was wrong when it fired, and waiting for it to
# come round again could take years.
AHEAD = 24 * 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Decision:
    """`run`: the fires to run, oldest first. `missed`: those that were late, told once; some of them may be run."""

    run: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()
    more_missed: bool = False  # and older ones, uncounted

    @property
    def dropped(self) -> tuple[int, ...]:
        """Missed fires that are not run."""
        return tuple(fire for fire in self.missed if fire not in self.run)

    @property
    def waits(self) -> bool:
        """Whether the first one is a late one of several: it waits until the definition's jobs have ended."""
        return len(self.run) > 1 and self.run[0] in self.missed


def decide(schedule: Schedule, last: int, now: int) -> Decision:
    """Return what to do about the fires later than `last`, which was dealt with, up to `now`."""
    due = due_fires(schedule, last, now)
    missed = tuple(fire for fire in due.fires if now - fire >= ON_TIME)
    on_time = due.fires[len(missed) :]
    run = {"none": on_time, "last": due.fires[-1:], "all": due.fires}[schedule.catchup]
    return Decision(run, missed, due.more)


def clock_was_wrong(last: int, now: int) -> bool:
    """Whether the last fire lies so far ahead that it cannot be waited for."""
    return last - now > AHEAD
