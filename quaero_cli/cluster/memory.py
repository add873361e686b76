"""An engine in this process: the ports' plainest meaning, and the model of a bad one for tests.

One `MemoryEngine` is the server; `connect` gives each machine its own end. `roll_back` is what a power cut does to a
server that acknowledged before its disk had it.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import trio

from quaero_cli.cluster.ports import EngineAway, Health, JobState, Mark, Reading, Take, owner_of_part
from quaero_cli.model.taking import Needs, Offer
from quaero_cli.store.outbox import Shipment

LEASE = 30.0  # seconds without a heartbeat until another worker may have the job


@dataclass(slots=True)
class _Job:
    """A job in the queue."""

    needs: Needs
    body: bytes
    attempt: int = 0
    held_until: float = -math.inf
    status: str | None = None
    cancel: bool = False
    node: str = ""
    result: str | None = None


@dataclass
class MemoryEngine:
    """The server's side."""

    lease: float = LEASE
    age: int = 1  # another one: another log, or one that was put back to an older state
    log: list[Shipment] = field(default_factory=list)
    gone: int = 0  # how many messages before those were forgotten
    away: bool = False
    ends: "list[MemoryEnd]" = field(default_factory=list)
    jobs: dict[str, _Job] = field(default_factory=dict)
    changed: trio.Event = field(default_factory=trio.Event)

    def connect(self) -> "MemoryEnd":
        """Return one machine's end."""
        end = MemoryEnd(self)
        self.ends.append(end)
        return end

    def roll_back(self, messages: int) -> None:
        """Forget the newest messages of the log, though they were acknowledged."""
        del self.log[len(self.log) - messages :]
        self.age += 1
        self.notify()

    def forget(self, messages: int) -> None:
        """Forget the oldest messages of the log, whether somebody has read them or not."""
        del self.log[:messages]
        self.gone += messages

    def tell_part(self, part: str) -> None:
        """Tell whoever handed it out."""
        for end in self.ends:
            if end.follows(owner_of_part(part)):
                end.put("parts", part)

    def notify(self) -> None:
        """Wake whoever waits."""
        self.changed.set()
        self.changed = trio.Event()


class MemoryEnd:
    """One machine's end: all ports."""

    def __init__(self, engine: MemoryEngine) -> None:
        self._engine = engine
        self._followed: set[str] = set()
        self._channels: dict[str, tuple[trio.MemorySendChannel[Any], trio.MemoryReceiveChannel[Any]]] = defaultdict(
            lambda: trio.open_memory_channel(math.inf)
        )

    def put(self, channel: str, item: object) -> None:
        """Hand something to whoever waits at this end."""
        self._channels[channel][0].send_nowait(item)

    async def _take(self, channel: str) -> Any:  # noqa: ANN401
        return await self._channels[channel][1].receive()

    async def _reach(self) -> MemoryEngine:
        await trio.lowlevel.checkpoint()
        if self._engine.away:
            raise EngineAway("memory: away")
        return self._engine

    # ------------------------------------------------------------------ the log

    def begin(self, shipment: Shipment) -> None:
        """No sooner than `publish` could be."""

    async def publish(self, shipment: Shipment) -> None:
        """Append to the log."""
        engine = await self._reach()
        engine.log.append(shipment)
        engine.notify()

    async def read(self, place: str | None, wait: float, take: Take | None = None) -> Reading:
        """Return what comes after a place."""
        found = await self._read(place, wait)
        if take is not None and found.brings:
            await trio.to_thread.run_sync(take, found)
        return found

    async def _read(self, place: str | None, wait: float) -> Reading:
        engine = await self._reach()
        age, at = (engine.age, 0) if place is None else map(int, place.split("-"))
        reset = age != engine.age
        at = 0 if reset else at
        with trio.move_on_after(wait):
            while at == engine.gone + len(engine.log) and not reset:
                await engine.changed.wait()
                if engine.age != age:
                    reset, at = True, 0
        engine = await self._reach()
        found, end = tuple(engine.log[max(0, at - engine.gone) :]), engine.gone + len(engine.log)
        return Reading(found, f"{engine.age}-{end}", 0, reset, engine.gone > 0, at < engine.gone)

    # ------------------------------------------------------------------ watermarks

    async def announce(self, marks: Sequence[Mark]) -> None:
        """Tell the ends that asked."""
        engine = await self._reach()
        for end in engine.ends:
            for mark in marks:
                end.put("marks", mark)

    async def ask(self, origins: Sequence[str]) -> None:
        """Ask all other ends."""
        engine = await self._reach()
        for end in engine.ends:
            if end is not self:
                for origin in origins:
                    end.put("questions", origin)

    async def next_mark(self) -> Mark:
        """Wait for a mark."""
        mark: Mark = await self._take("marks")
        return mark

    async def next_question(self) -> str:
        """Wait for a question."""
        return str(await self._take("questions"))

    # ------------------------------------------------------------------ jobs

    async def prepare(self, needs: Needs) -> None:
        """They do."""
        await self._reach()

    async def enqueue(self, needs: Needs, job: str, body: bytes) -> bool:
        """Add a job that is not known."""
        engine = await self._reach()
        if job in engine.jobs:
            return False
        engine.jobs[job] = _Job(needs, body)
        engine.notify()
        return True

    async def claim(self, offer: Offer, node: str, wait: float) -> "MemoryLease | None":
        """Take the oldest job that may run there and that nobody holds."""
        engine = await self._reach()
        with trio.move_on_after(wait):
            while True:
                now = trio.current_time()
                for name, job in engine.jobs.items():
                    if offer.meets(job.needs) and job.status is None and job.held_until < now:
                        job.attempt += 1
                        job.node = node
                        job.held_until = now + engine.lease
                        engine.tell_part(name)
                        return MemoryLease(engine, name, job.attempt, node, job.body)
                with trio.move_on_after(engine.lease / 10):
                    await engine.changed.wait()
        return None

    async def cancel(self, job: str) -> bool:
        """End a job that waits, or is not known; flag one that runs."""
        engine = await self._reach()
        found = engine.jobs.setdefault(job, _Job(Needs(), b""))
        if found.status is not None:
            return False
        found.cancel = True
        if found.attempt == 0:
            found.status = "cancelled"
            engine.tell_part(job)
            return True
        for end in engine.ends:
            end.put("cancels", job)
        return False

    async def settle(self, job: str, status: str) -> None:
        """Keep that a job has ended."""
        engine = await self._reach()
        if job in engine.jobs:
            engine.jobs[job].status = engine.jobs[job].status or status

    async def look(self, job: str) -> JobState | None:
        """Return what is known of a job."""
        found = (await self._reach()).jobs.get(job)
        return None if found is None else JobState(found.attempt, found.status, found.node, found.result)

    async def follow_parts(self, owner: str) -> None:
        """Hear of them."""
        self._followed.add(owner)

    async def next_part(self) -> str:
        """Wait for news of a part."""
        return str(await self._take("parts"))

    def follows(self, owner: str | None) -> bool:
        """Whether news of what it hands out are wanted here."""
        return owner in self._followed

    async def next_cancel(self) -> str:
        """Wait for a wish to cancel."""
        return str(await self._take("cancels"))

    # ------------------------------------------------------------------ machines

    async def tell(self, node: str, facts: Mapping[str, Any]) -> None:
        """Tell all ends."""
        engine = await self._reach()
        for end in engine.ends:
            end.put("nodes", (node, dict(facts)))

    async def next_node(self) -> tuple[str, Mapping[str, Any]]:
        """Wait for a machine's word."""
        node, facts = await self._take("nodes")
        return node, facts


@dataclass(frozen=True, slots=True)
class MemoryLease:
    """A lease."""

    engine: MemoryEngine
    job: str
    attempt: int
    node: str
    body: bytes

    async def heartbeat(self) -> Health:
        """Renew it."""
        held = await self._held()
        if held is None:
            job = self.engine.jobs.get(self.job)
            # It was forgotten, and cancelled as one that waits.
            return Health.CANCEL if job is not None and job.cancel and job.attempt == 0 else Health.LOST
        held.held_until = trio.current_time() + self.engine.lease
        return Health.CANCEL if held.cancel else Health.OK

    async def finish(self, status: str, result: str | None = None) -> bool:
        """End the job, if it is still ours."""
        held = await self._held()
        if held is None:
            job = self.engine.jobs.get(self.job)
            return job is not None and job.status == status and job.node in (self.node, "")
        held.status, held.result = status, result
        self.engine.tell_part(self.job)
        return True

    async def release(self) -> None:
        """Give it back."""
        held = await self._held()
        if held is not None:
            held.held_until = -math.inf
            self.engine.notify()

    async def _held(self) -> _Job | None:
        await trio.lowlevel.checkpoint()
        if self.engine.away:
            raise EngineAway("memory: away")
        job = self.engine.jobs.get(self.job)
        ours = job is not None and (job.attempt, job.node) == (self.attempt, self.node) and job.status is None
        return job if ours else None
