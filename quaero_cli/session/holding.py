"""Leases of a worker machine: renewed until what they are for has ended, given up, or found to be another's."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import trio

from quaero_cli.cluster.ports import Engine, EngineAway, Health, Lease
from quaero_cli.session.namedlog import NamedLog

RETRY_INTERVAL = 0.5

# Ends what a lease is for, with the reason.
Cancel = Callable[[str], None]


@dataclass(slots=True)
class Held:
    """A lease, and what is known of it."""

    lease: Lease
    lost: bool = False
    done: bool = False  # it came to its end here, and the queue is told next
    wake: trio.Event = field(default_factory=trio.Event)
    ended: trio.Event = field(default_factory=trio.Event)

    def is_lost(self) -> bool:
        """Whether another worker has the job."""
        return self.lost


class Holding:
    """All leases of this machine. `changed` is called when one comes or goes."""

    def __init__(self, engine: Engine, interval: float, log: NamedLog, changed: Callable[[], None]) -> None:
        """`interval`: seconds between heartbeats."""
        self._engine = engine
        self._interval = interval
        self._log = log
        self._changed = changed
        self.held: dict[str, Held] = {}

    async def hold(self, lease: Lease) -> Held | None:
        """Take a lease in; None: what it is for runs here all the while, and goes on with it."""
        while (earlier := self.held.get(lease.job)) is not None:
            if not earlier.lost:  # the engine was away for longer than a lease
                earlier.lease = lease
                return None
            await earlier.ended.wait()
        found = self.held[lease.job] = Held(lease)
        self._changed()
        return found

    def drop(self, held: Held) -> None:
        """What it was for has ended."""
        del self.held[held.lease.job]
        held.ended.set()
        self._changed()

    async def beat(self, held: Held, cancel: Cancel | None) -> None:
        """Renew a lease until cancelled; call `cancel` when somebody asked for it, or another worker has the job."""
        while True:
            lease = held.lease
            try:
                health = await lease.heartbeat()
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)
                continue
            if lease is not held.lease:  # a newer one has come meanwhile
                continue
            if health is Health.CANCEL and cancel is not None:
                cancel("cancelled on request")
            if health is Health.LOST and held.done:
                return  # a view heard of the end first, and told the queue; if not, `finish` finds out
            if health is Health.LOST and not held.lost:
                held.lost = True
                self._log.warn(f"Job {lease.job} is another worker's now, attempt {lease.attempt} is stopped here")
                if cancel is not None:
                    cancel("another worker has taken it over")
            held.wake = trio.Event()
            with trio.move_on_after(self._interval):
                await held.wake.wait()

    async def finish(self, held: Held, status: str, result: str | None = None) -> None:
        """Tell the queue how it ended, however often that takes; not for another worker's."""
        while not held.lost:
            lease = held.lease
            try:
                if not await lease.finish(status, result) and lease is held.lease:
                    self._log.warn(f"Job {lease.job} was ended elsewhere: what this worker came to does not count")
                if lease is held.lease:
                    return
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)

    async def release(self, lease: Lease) -> None:
        """Give up a lease: another worker may have it at once."""
        with suppress(EngineAway):
            await lease.release()

    async def hear_cancels(self) -> None:
        """Look at a lease at once when somebody wants that its job is cancelled."""
        while True:
            held = self.held.get(await self._engine.next_cancel())
            if held is not None:
                held.wake.set()
