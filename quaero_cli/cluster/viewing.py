"""The view's task: the log of all machines, taken into this store, and word of it to those who sent it.

Word goes out after the commit, which is on disk (`synchronous=FULL`): whoever forgets on our word, may.
"""

import math
from collections.abc import Callable, Collection, Sequence, Set
from functools import partial
from pathlib import Path

import trio

from quaero_cli.cluster.ports import EngineAway, LogSource, Mark, Reading, Watermarks
from quaero_cli.model import EngineView
from quaero_cli.store.intake import Intake, Taken, applied, log_place

# Seconds that a look at the log waits for something new: also how long a question waits for its answer at most.
WAIT = 1.0
RETRY_INTERVAL = 0.5
# Seconds in which every worker that has something left has asked how far this view is: each does every two.
HOLDERS_HEARD = 6.0
# Seconds after which a worker that asks no more is thought to be gone, or to have nothing left.
_HELD_FOR = 30.0


class Viewing:
    """Takes the log into a store. `run` is its task; `on_commit` is called after each commit, in its thread."""

    def __init__(
        self,
        path: Path,
        source: LogSource,
        marks: Watermarks,
        on_commit: Callable[[], None],
        say: Callable[[str], None],
        name: str = "",
        sight: EngineView | None = None,
    ) -> None:
        """`name`: by which workers know this view, where some views are archives. `sight` is kept up to date."""
        self._path = path
        self._source = source
        self._marks = marks
        self._on_commit = on_commit
        self._say = say
        self._name = name
        self._sight = EngineView(reachable=True, behind=0) if sight is None else sight
        self._asked: set[str] = set()
        self._holders: dict[str, float] = {}  # origin -> when somebody who has something left of it asked last
        self._question = trio.Event()  # set, and replaced, whenever somebody has asked
        self._known: set[str] = set()  # origins of which the store has something
        self._strange: frozenset[str] = frozenset()  # those that begin in their middle in what was read last
        self._listening_since = -math.inf  # since when every question was heard that concerns what is read
        self._away = False
        self._refilling = False  # the log is read again from its beginning

    async def run(self) -> None:
        """Take in what comes until cancelled. Raises StoreError when it cannot be stored."""
        intake = await trio.to_thread.run_sync(Intake, self._path)
        self._listening_since = trio.current_time()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen)
                await self._take_all(intake)
        finally:
            intake.close()

    async def _take_all(self, intake: Intake) -> None:
        place = log_place(self._path)
        while True:
            asked, self._asked = self._asked, set()
            taken: list[Taken] = []
            self._strange = frozenset()
            try:
                reading = await self._source.read(place, WAIT, partial(self._take, intake, taken))
                self._tell_reach(None)
                if reading.reset or reading.skipped:
                    self._listening_since = trio.current_time()
                if self._strange:
                    held = await self._held(self._strange)
                    await trio.to_thread.run_sync(self._store, intake, taken, reading, held)
                await self._marks.announce(await self._marks_of(reading, taken, asked))
                place = reading.place
                self._sight["behind"] = reading.behind
                if self._refilling and not reading.behind:
                    self._refilling = False
                    self._say("The engine's log has been read again to its end")
            except EngineAway as error:
                self._tell_reach(error)
                place = log_place(self._path)  # what was stored before the word of it could not be given
                await trio.sleep(RETRY_INTERVAL)

    def _take(self, intake: Intake, taken: list[Taken], reading: Reading) -> None:
        """Store what was read; in a thread. Not where it is to be found out first who has what was before it."""
        self._strange = self._strangers(reading) if reading.cut else frozenset()
        if not self._strange:
            self._store(intake, taken, reading, ())

    def _store(self, intake: Intake, taken: list[Taken], reading: Reading, held: Collection[str]) -> None:
        taken.append(intake.take(reading.shipments, reading.place, cut=reading.cut, held=held))
        if reading.shipments:
            self._on_commit()

    async def _marks_of(self, reading: Reading, taken: Sequence[Taken], asked: set[str]) -> list[Mark]:
        """Return what to tell of what was read and stored, and what was asked for."""
        if reading.reset:
            self._refilling = True
            self._say("The engine's log is not the one that was read before: reading it from its beginning")
        marks = []
        for each in taken:
            for file in each.refused:
                self._say(f"A file that a step has left cannot be kept here: {file}")
            marks += [
                Mark(origin, last, gap=origin in each.gaps, view=self._name) for origin, last in each.applied.items()
            ]
        if reading.behind:
            self._asked |= asked  # later: what they miss may be in what is left
        elif asked:
            known = await trio.to_thread.run_sync(partial(applied, self._path, sorted(asked)))
            marks += [Mark(origin, last, caught_up=True, view=self._name) for origin, last in known.items()]
        return marks

    def _strangers(self, reading: Reading) -> frozenset[str]:
        """Return the origins that seem to begin in their middle. Reads the store."""
        new = {each.origin: each.first for each in reversed(reading.shipments) if each.origin not in self._known}
        known = applied(self._path, sorted(new)) if new else {}
        strangers = frozenset(origin for origin, first in new.items() if first > 1 and not known[origin])
        self._known |= new.keys() - strangers
        return strangers

    async def _held(self, strangers: Set[str]) -> Set[str]:
        """Return of which origins that seem to begin in their middle somebody can tell what was before that.

        Nobody can of a machine that is gone, and what is left of it in the log is shown. But the beginning may have
        been deleted before any view had read it: then its worker still has it, and asks how far this view is.
        """
        with trio.move_on_at(self._listening_since + HOLDERS_HEARD):
            while not strangers <= self._holding():
                await self._question.wait()
        return strangers & self._holding()

    def _holding(self) -> Set[str]:
        """Return the origins of which somebody has something left."""
        now = trio.current_time()
        return {origin for origin, asked in self._holders.items() if now - asked < _HELD_FOR}

    def _tell_reach(self, problem: EngineAway | None) -> None:
        if problem is not None and not self._away:
            self._say(f"The engine is {problem.word}, nothing new comes from the workers: {problem.message}")
        elif problem is None and self._away:
            self._say("The engine is back")
            self._listening_since = trio.current_time()
        self._away = problem is not None
        self._sight["reachable"] = not self._away

    async def _listen(self) -> None:
        while True:
            try:
                origin = await self._marks.next_question()
                self._asked.add(origin)
                self._holders[origin] = trio.current_time()
                self._question.set()
                self._question = trio.Event()
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)
