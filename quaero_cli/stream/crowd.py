"""Readers who have been told the very same and keep up: they go on as one.

A thousand browsers that watch one job are at the same place, so there is one look, one decision and one encoding for
all of them, and what is left for each is to hand it the bytes. Rules:

1. A reader joins when what it has been told is exactly what the crowd has been told: entries and states. So nothing
   has to be made up to it, and nothing comes twice.
2. An outlet takes all that it is offered, at once, and says whether it can take more. One that cannot leaves with
   the crowd's state of that moment and goes on alone, by its own cursor: there is no queue, and a slow reader slows
   nobody. When it has caught up it joins again.
3. The crowd has no task of its own: one of its members leads, in its own task. When that one leaves, another leads.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import trio

from quaero_cli.stream.events import Ping, StreamEvent
from quaero_cli.stream.follower import Follower

# Readers that are handed something in one turn of the event loop: 2 ms.
_TURN = 50
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


@dataclass(slots=True, eq=False)
class _Member:
    follower: Follower
    outlet: Outlet
    sent_at: float
    left: bool = False
    awake: trio.Event = field(default_factory=trio.Event)  # it has left, or is to lead


class Crowd:
    """One place, followed for many readers. `dissolve` is called when the last one has left."""

    def __init__(self, place: Follower, waiter: Callable[[], trio.Event], dissolve: Callable[[], None]) -> None:
        self._place = place.fork(ping_after=None)  # pings are for each member: they have been silent for so long
        self._ping_after = math.inf if place.pace.ping_after is None else place.pace.ping_after
        self._waiter = waiter
        self._dissolve = dissolve
        self._members: dict[_Member, None] = {}
        self._led = False
        self._dissolved = False

    def takes(self, follower: Follower) -> bool:
        """Return whether a reader may join now."""
        return not self._dissolved and follower.told_the_same(self._place)

    async def ride(self, follower: Follower, outlet: Outlet) -> None:
        """Be one of the crowd until the outlet cannot take more at once, or all is told. `follower` knows then.

        Raises StoreError when the store cannot be read.
        """
        member = _Member(follower, outlet, follower.pace.sent_at)
        self._members[member] = None
        self._place.looks.lookers -= 1
        try:
            while not member.left:
                if self._led:
                    await member.awake.wait()
                    member.awake = trio.Event()
                else:
                    await self._lead(member)
        finally:
            self._place.looks.lookers += 1
            self._members.pop(member, None)
            self._go_on()

    def _go_on(self) -> None:
        """One has left: see to it that somebody leads, or that the crowd is over when it was the last."""
        if self._members and not self._led:
            next(iter(self._members)).awake.set()
        elif not self._members and not self._dissolved:
            self._dissolved = True
            self._dissolve()

    async def _lead(self, leader: _Member) -> None:
        place = self._place
        self._led = True
        try:
            while not leader.left:
                waiter = self._waiter()
                events = await place.advance()
                now = trio.current_time()
                if events:
                    await self._tell(Told(events), self._members, now)
                elif place.caught_up and now >= self._ping_at():
                    silent = [member for member in self._members if now >= member.sent_at + self._ping_after]
                    await self._tell(Told([Ping(place.cursor)]), silent, now)
                if place.finished:
                    for member in list(self._members):
                        self._let_go(member)
                if not leader.left:
                    await place.wait(waiter, self._ping_at())
        finally:
            self._led = False

    async def _tell(self, told: Told, members: Iterable[_Member], now: float) -> None:
        for number, member in enumerate(tuple(members), 1):
            if member in self._members:  # else it has been cancelled meanwhile
                member.sent_at = now
                if not member.outlet.offer(told):
                    self._let_go(member)
            if number % _TURN == 0:
                # Shielded: a leader that is cancelled must not leave half of the others behind. It never waits.
                with trio.CancelScope(shield=True):
                    await trio.lowlevel.checkpoint()

    def _let_go(self, member: _Member) -> None:
        """Let it go on from here: what the crowd is told next it has to see for itself."""
        member.follower.adopt(self._place)
        member.follower.pace.sent_at = member.sent_at
        member.left = True
        del self._members[member]
        member.awake.set()

    def _ping_at(self) -> float:
        oldest = min((member.sent_at for member in self._members), default=math.inf)
        due = oldest + self._ping_after
        return due if due == math.inf else math.ceil(due / _PING_GRID) * _PING_GRID
