"""The scheduler: looks again and again, starts what is due, and says in the service log what it did.

A fire is run first and written down as dealt with then, so a kill in between loses none; its job's ID is made of the
definition and the fire, so that it is not run twice either: the second attempt finds the job there. Of two schedulers
on one store, which see the same fires, the one that writes a fire down is the one that tells about it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import trio

from quaero_cli.errors import ExistsError, OverlapError, QuaeroError, StoreError
from quaero_cli.jobdef.find import Found
from quaero_cli.jobdef.model import JobDefinition
from quaero_cli.schedule.look import Broken, ClockWasWrong, Fired, Looker
from quaero_cli.schedule.times import SECOND
from quaero_cli.steps.contract import Log
from quaero_cli.store import fires
from quaero_cli.store.encode import timestamp

# Seconds between looks at the wall clock and the files, at most: what a person notices after saving a file, and what
# a clock that jumps costs. A look costs some 0.1 ms for each ten definitions.
TICK = 1.0


class Start(Protocol):
    """Starts a job of a definition and returns its ID; `fire` is its fire time, None for one without.

    Raises OverlapError when the definition refuses it, ExistsError when this fire has its job already.
    """

    async def __call__(self, definition: JobDefinition, fire: int | None) -> str: ...


class Scheduler:
    """Starts jobs when they are due. `run` is called once; cancel it to stop."""

    def __init__(self, database: Path, looker: Looker, start: Start, log: Log, now: Callable[[], int]) -> None:
        self._database = database
        self._looker = looker
        self._start = start
        self._log = log
        self._now = now  # the wall clock, UTC microseconds
        self._backlog: dict[Path, int] = {}  # the newest late fire of a backlog that has been announced

    async def run(self) -> None:
        """Start what starts with `serve`, then what is due, until cancelled. A store that fails is asked again."""
        await self._start_at_once()
        failed = ""
        while True:
            coming: int | None = None
            try:
                coming = await self.round()
                failed = ""
            except StoreError as error:
                if str(error) != failed:  # once, not each second
                    self._log.error(f"Cannot schedule: {error}", **_hint(error))
                failed = str(error)
            ahead = TICK if coming is None else (coming - self._now()) / SECOND
            await trio.sleep(min(TICK, max(0.0, ahead)))

    async def round(self) -> int | None:
        """Look once, do what there is to do, and return the next fire."""
        look = await trio.to_thread.run_sync(self._looker.look, self._now())
        for seen in look.seen:
            match seen:
                case Fired():
                    await self._carry_out(seen)
                case ClockWasWrong(definition, last):
                    self._say_clock(definition, last)
                case Broken(found):
                    self._say_broken(found)
        return look.next

    async def _start_at_once(self) -> None:
        for definition in await trio.to_thread.run_sync(self._looker.to_start):
            try:
                job = await self._start(definition, None)
            except QuaeroError as error:
                self._say_not_started(definition, "the start of the server", error)
            else:
                self._log.info(
                    f"Started {definition.id} with the server: job {job}", definition=definition.id, job_id=job
                )

    # ------------------------------------------------------------------ fires

    async def _carry_out(self, fired: Fired) -> None:
        definition, decision = fired.definition, fired.decision
        if decision.dropped and await self._settle(definition, decision.dropped[-1]):
            self._say_missed(definition, decision.dropped, more=decision.more_missed)
        for fire in decision.run:
            if decision.waits and not await self._may_catch_up(fired):
                return
            await self._run(definition, fire, late=fire in decision.missed)
            if decision.waits:
                return  # the next one when this one has ended

    async def _may_catch_up(self, fired: Fired) -> bool:
        """Announce a backlog, once; return whether its next fire can be run: nothing of the definition runs."""
        definition, late = fired.definition, fired.decision.missed
        if late[-1] > self._backlog.get(definition.path, 0):
            self._backlog[definition.path] = late[-1]
            self._log.warn(
                f"Catching up with {_count(late, more=fired.decision.more_missed)} of {definition.id}, one by one",
                definition=definition.id, first=timestamp(late[0]), last=timestamp(late[-1]),
            )  # fmt: skip
        is_open = partial(fires.is_open, self._database, definition.id)
        return not await trio.to_thread.run_sync(is_open)

    async def _run(self, definition: JobDefinition, fire: int, *, late: bool) -> None:
        when = timestamp(fire)
        try:
            job = await self._start(definition, fire)
        except ExistsError:
            await self._settle(definition, fire)  # another scheduler has run it, or this one before it was killed
        except StoreError:
            raise  # not dealt with: it is tried again
        except QuaeroError as error:
            if await self._settle(definition, fire):
                self._say_not_started(definition, when, error)
        else:
            await self._settle(definition, fire)
            behind = (self._now() - fire) / SECOND
            words = f", {behind:.0f} s late" if late else ""
            self._log.info(
                f"Started {definition.id} as scheduled for {when}{words}: job {job}",
                definition=definition.id, job_id=job, scheduled_for=when, behind_s=round(behind, 3),
            )  # fmt: skip

    async def _settle(self, definition: JobDefinition, fire: int) -> bool:
        return await trio.to_thread.run_sync(fires.settle, self._database, str(definition.path), fire)

    # ------------------------------------------------------------------ words

    def _say_missed(self, definition: JobDefinition, missed: Sequence[int], *, more: bool) -> None:
        first, last = timestamp(missed[0]), timestamp(missed[-1])
        self._log.warn(
            f"Missed {_count(missed, more=more)} of {definition.id}, the last one at {last}",
            definition=definition.id, first=first, last=last, catchup=definition.schedule.catchup,
        )  # fmt: skip

    def _say_not_started(self, definition: JobDefinition, when: str, error: QuaeroError) -> None:
        if isinstance(error, OverlapError):
            self._log.warn(
                f"Skipped {definition.id}, due at {when}: {error}", definition=definition.id, **_hint(error)
            )
        else:
            text = f"Could not start {definition.id}, due at {when}: {error}"
            self._log.error(text, definition=definition.id, **_hint(error))

    def _say_clock(self, definition: JobDefinition, last: int) -> None:
        self._log.warn(
            f"The clock was put back: {definition.id} fired last at {timestamp(last)}, and begins anew",
            definition=definition.id,
        )

    def _say_broken(self, found: Found) -> None:
        assert found.error is not None
        self._log.warn(f"Not usable: {found.error}", definition=found.id, **_hint(found.error))


def _hint(error: QuaeroError) -> dict[str, str]:
    return {} if error.hint is None else {"hint": error.hint}


def _count(fires_: Sequence[int], *, more: bool) -> str:
    number = f"{len(fires_)} fire{'s' if len(fires_) > 1 else ''}"
    return f"more than {number}" if more else number
