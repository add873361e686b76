"""Readers who have been told the very same and keep up: they go on as one.

A thousand browsers that watch one job are at the same place, so there is one look, one decision and one encoding for
all of them, and what is left for each is to hand it the bytes. Rules:

1. A reader joins when what it has been told is exactly what the crowd has been told, now or a few steps ago: entries
   and states. So nothing comes twice.
2. An outlet takes all that it is offered, at once, and says whether it can take more. One that cannot is passed over
   until it can, and then offered the steps that it has missed. The crowd keeps the last few; a reader who is further
   behind goes on alone, by its own cursor. So no queue exists for any reader, and a slow one slows nobody.
3. The crowd has no task of its own: one of its members leads, in its own task. When that one leaves, another leads.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import trio

from quaero_cli.stream.events import Ping, StreamEvent
from quaero_cli.stream.follower import Follower

# Readers that are handed something in one turn of the event loop: 2 ms.
_TURN = 50
# Steps that are kept for those who were passed over: a second of a busy job, and 2 MB of the largest batches.
_STEPS = 8
# Seconds that a reader may have been silent when it joins: by so much its first ping may come late.
_FRESH = 1.0
# Seconds by which a ping may come late, so that a thousand idle readers do not cost a wake-up each.
_PING_GRID = 0.25


@dataclass(slots=True)
class Told:
    """Events that all members are offered; `made`: what the first outlet made of them, for the others."""

    events: Sequence[StreamEvent]
    made: Any = None


class Outlet(Protocol):
    """Where a reader's events go when it is one of a crowd."""

    def offer(self, told: Told) -> bool:
        """Take the events; return whether more can be taken at once. Never raises, never waits."""

    async def settle(self) -> None:
        """Finish what was taken: called after an offer that returned false, and before anything else is told."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What all were told at one moment, and the place after it."""

    number: int
    told: Told
    place: Follower


@dataclass(slots=True, eq=False)
class _Member:
    outlet: Outlet
    step: int  # the last one that it was offered
    place: Follower  # after that
    sent_at: float
    ready: bool = True  # it can take more at once
    awake: trio.Event = field(default_factory=trio.Event)  # something is to be done: see `Crowd.ride`


class Crowd:
    """One place, followed for many readers. `dissolve` is called when the last one has left."""

    def __init__(self, place: Follower, waiter: Callable[[], trio.Event], dissolve: Callable[[], None]) -> None:
        self._ping_after = math.inf if place.pace.ping_after is None else place.pace.ping_after
        self._place = place.fork(ping_after=None)  # pings are for each member: they have been silent for so long
        self._steps: deque[_Step] = deque([_Step(0, Told(()), place.fork(ping_after=None))], _STEPS)
        self._waiter = waiter
        self._dissolve = dissolve
        self._riders = 0
        self._members: dict[_Member, None] = {}  # those who can take more
        self._led = False

    def takes(self, follower: Follower) -> bool:
        """Return whether a reader may join now. Not one that is soon to be pinged: nobody wakes up for that here."""
        silent = trio.current_time() - follower.pace.sent_at
        return silent <= _FRESH and self._step_of(follower) is not None

    def _step_of(self, follower: Follower) -> _Step | None:
        steps = reversed(self._steps)
        return next((step for step in steps if follower.told_the_same(step.place)), None)

    async def ride(self, follower: Follower, outlet: Outlet) -> None:
        """Be one of the crowd until all is told, or this reader is too far behind; `follower` is at its place then.

        Raises StoreError when the store cannot be read.
        """
        step = self._step_of(follower)
        assert step is not None
        member = _Member(outlet, step.number, follower, follower.pace.sent_at)
        self._riders += 1
        self._place.looks.lookers -= 1
        try:
            while self._catch_up(member):
                await self._go_with(member)
                if not member.ready:
                    await outlet.settle()
                    member.ready = True
        finally:
            self._place.looks.lookers += 1
            self._riders -= 1
            self._members.pop(member, None)
            self._go_on()
        if member.place is not follower:
            follower.adopt(member.place)
        follower.pace.sent_at = member.sent_at

    def _catch_up(self, member: _Member) -> bool:
        """Offer what it has missed; return whether it goes on with the crowd."""
        if member.step < self._steps[0].number - 1:
            return False
        missed = [step for step in self._steps if step.number > member.step]
        for step in missed:
            if not member.ready:
                return True
            self._offer(member, step, trio.current_time())
        return not (member.ready and self._place.finished)

    async def _go_with(self, member: _Member) -> None:
        """Be told, and lead if nobody does, until it can take no more or all is told."""
        if member.ready:
            self._members[member] = None
        while member in self._members:
            if self._led:
                await member.awake.wait()
                member.awake = trio.Event()
            else:
                await self._lead(member)

    def _go_on(self) -> None:
        """One has left: see to it that somebody leads, or that the crowd is over when it was the last."""
        if self._members and not self._led:
            next(iter(self._members)).awake.set()
        if not self._riders:
            self._dissolve()

    async def _lead(self, leader: _Member) -> None:
        place = self._place
        self._led = True
        try:
            while leader in self._members:
                waiter = self._waiter()
                events = await place.advance()
                now = trio.current_time()
                if events:
                    await self._tell_all(events, now)
                elif place.caught_up and now >= self._ping_at():
                    await self._ping(now)
                if place.finished:
                    for member in self._members:
                        member.awake.set()
                    self._members.clear()
                if leader in self._members:
                    await place.wait(waiter, self._ping_at())
        finally:
            self._led = False
            if self._members:
                next(iter(self._members)).awake.set()

    async def _tell_all(self, events: Sequence[StreamEvent], now: float) -> None:
        step = _Step(self._steps[-1].number + 1, Told(events), self._place.fork(ping_after=None))
        self._steps.append(step)
        for number, member in enumerate(tuple(self._members), 1):
            if member in self._members:  # else it has been cancelled meanwhile
                self._offer(member, step, now)
            if number % _TURN == 0:
                await self._let_others_go_on()

    async def _ping(self, now: float) -> None:
        told = Told([Ping(self._place.cursor)])
        silent = [member for member in self._members if now >= member.sent_at + self._ping_after]
        for number, member in enumerate(silent, 1):
            if member in self._members:
                member.sent_at = now
                self._hand(member, told)
            if number % _TURN == 0:
                await self._let_others_go_on()

    async def _let_others_go_on(self) -> None:
        # Shielded: a leader that is cancelled must not leave half of the others behind. It never waits.
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()

    def _offer(self, member: _Member, step: _Step, now: float) -> None:
        if step.number == member.step + 1:  # else it joined while this was told
            member.step, member.place, member.sent_at = step.number, step.place, now
            self._hand(member, step.told)

    def _hand(self, member: _Member, told: Told) -> None:
        if not member.outlet.offer(told):
            member.ready = False
            if member in self._members:
                del self._members[member]
                member.awake.set()

    def _ping_at(self) -> float:
        oldest = min((member.sent_at for member in self._members), default=math.inf)
        due = oldest + self._ping_after
        return due if due == math.inf else math.ceil(due / _PING_GRID) * _PING_GRID
