"""One look: which fires have come, what was missed, which files are broken, and when to look next.

Sync: for a thread. While nothing is due a look costs one `stat` a file and one comparison a definition: the next
fire of each is known, and the store is asked only when it has come.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quaero_cli.jobdef.find import Found
from quaero_cli.jobdef.model import JobDefinition, Schedule
from quaero_cli.schedule.decide import Decision, clock_was_wrong, decide
from quaero_cli.schedule.folders import Folders
from quaero_cli.schedule.times import next_fires
from quaero_cli.store import fires


@dataclass(frozen=True, slots=True)
class Fired:
    """A definition whose time has come, and what is to be done about it."""

    definition: JobDefinition
    decision: Decision


@dataclass(frozen=True, slots=True)
class ClockWasWrong:
    """A definition's last fire lay more than a day ahead; it has begun anew."""

    definition: JobDefinition
    last: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A definition that does not load."""

    found: Found


Seen = Fired | ClockWasWrong | Broken


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen, and the next moment at which something fires; None: nothing will."""

    seen: tuple[Seen, ...]
    next: int | None


_UNKNOWN = 0  # as a definition's next fire: ask the store


class Looker:
    """Looks, and remembers when each definition fires next. Used by one thread at a time."""

    def __init__(self, database: Path, folders: Folders) -> None:
        self._database = database
        self._folders = folders
        self._taken: list[Found] = []
        self._next: dict[Path, int | None] = {}
        self._scheduled: list[JobDefinition] = []
        self._told: set[str] = set()  # errors that have been reported
        self._latest = 0  # the time of the last look

    def look(self, now: int) -> Look:
        """Look at the files and at the time. Raises StoreError."""
        found = self._folders.current()
        seen: list[Seen] = []
        if found is not self._taken:
            self._taken = found
            seen += self._take(found)
        if now < self._latest:
            self._next.clear()  # the clock was put back: what comes next is another fire, or the store knows better
        self._latest = now
        for definition in self._scheduled:
            seen += self._look_at(definition, now)
        coming = [moment for moment in self._next.values() if moment]
        return Look(tuple(seen), min(coming, default=None))

    def to_start(self) -> list[JobDefinition]:
        """Return the definitions that start with `serve`."""
        loaded = [each.definition for each in self._folders.current() if each.definition is not None]
        return [each for each in loaded if each.enabled and each.schedule.auto_start]

    def _take(self, found: list[Found]) -> Iterator[Broken]:
        """Take the definitions as they are now."""
        loaded = [each.definition for each in found if each.definition is not None]
        self._scheduled = [each for each in loaded if each.enabled and each.schedule.expressions]
        fires.forget(self._database, [str(each.path) for each in loaded if each not in self._scheduled])
        self._next.clear()
        errors = {f"{each.path} {each.error}": each for each in found if each.error is not None}
        yield from (Broken(each) for text, each in errors.items() if text not in self._told)
        self._told = set(errors)

    def _look_at(self, definition: JobDefinition, now: int) -> Iterator[Seen]:
        path, schedule = definition.path, definition.schedule
        coming = self._next.get(path, _UNKNOWN)
        if coming is None or now < coming:
            return
        last = fires.last_fire(self._database, str(path), definition.id, _text_of(schedule), now)
        if clock_was_wrong(last, now):
            if fires.restart(self._database, str(path), now):
                yield ClockWasWrong(definition, last)
            last = now
        decision = decide(schedule, last, now)
        if decision.run or decision.missed:
            yield Fired(definition, decision)
            self._next[path] = _UNKNOWN  # asked again at the next look, when it is known what became of it
        else:
            self._next[path] = next(iter(next_fires(schedule, last)), None)


def _text_of(schedule: Schedule) -> str:
    """What makes two schedules the same: when they fire. (Another `catchup` is no reason to begin anew.)"""
    return f"{'; '.join(schedule.expressions)} in {schedule.timezone or 'local time'}"
