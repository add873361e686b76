"""Items of a step with `spread`, handed out: the side of the machine that holds the job.

Each item travels as an entry of the cluster's queue of its own, with a lease and a fence of its own: a machine that
dies loses it to another, and of two that did it the one counts whose end the queue took. At most `concurrency` of a
step are out, since each is waited for by a worker of the step's pool here: numbers, states, tolerance, outputs and
the job's end are this machine's to tell, as they are without `spread`. What the others tell is entries.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import trio

from quaero_cli.cluster.ports import Engine, EngineAway, JobState, part_id
from quaero_cli.engine.shared import PartCall, PartEnd
from quaero_cli.errors import StepFailed
from quaero_cli.model import NewJob
from quaero_cli.model.taking import DEFAULT_QUEUE, Needs
from quaero_cli.store.encode import decode_json, encode_json

# Seconds between looks at an item of which nothing is heard: the engine may have forgotten it.
LOOK_INTERVAL = 15.0
RETRY_INTERVAL = 0.5
# Bytes of an item with the outputs of the steps before it: the servers take a megabyte.
MAX_PART_BYTES = 900_000
# Items of one machine's jobs that are out at once, also where `concurrency` sets no bound: each is a message.
MAX_OUT = 1000
# Seconds that items which were cancelled have to end: their children's grace, and some for the way.
CANCEL_PATIENCE = 20.0


@dataclass(slots=True)
class _Owned:
    """A job that this machine holds: as it travelled, what its items need, and how many of them are out."""

    job: Any
    needs: Needs
    out: int = 0
    settled: bool = False


@dataclass(slots=True)
class _Out:
    """An item that is out."""

    news: trio.Event = field(default_factory=trio.Event)


class PartsOut:
    """Hands out the items of this machine's jobs (`engine.shared.Parts`). `hear` is its task.

    `settle` waits until the engine's log has what was said so far: nobody is to speak of a job before its holder did.
    """

    settle: Callable[[], Awaitable[None]]

    def __init__(self, engine: Engine, node: str, changed: Callable[[], None]) -> None:
        """`changed` is called when something goes out or has come back."""
        self._engine = engine
        self._changed = changed
        self._owned: dict[str, _Owned] = {}
        self._out: dict[str, _Out] = {}
        self._room = trio.CapacityLimiter(MAX_OUT)
        self.owner = secrets.token_hex(6)
        self.holder = f"{node}/{self.owner}"  # how the queue knows this process

    def own(self, job: NewJob, body: bytes) -> None:
        """Let a job that was claimed hand out its items; `body`: as it travelled."""
        needs = Needs(job.queue or DEFAULT_QUEUE, job.labels, part=True)
        self._owned[job.id] = _Owned({**decode_json(body.decode()), "kept": None}, needs)

    def disown(self, job_id: str) -> None:
        """The job has ended."""
        del self._owned[job_id]

    @property
    def lent(self) -> int:
        """How many jobs have items out, and lend their room to items meanwhile."""
        return sum(owned.out > 0 for owned in self._owned.values())

    def takes(self, job: str) -> bool:
        """Return whether items of this job may be handed out: not those of a sub-job."""
        return job in self._owned

    async def hear(self) -> None:
        """Listen for news of items, until cancelled."""
        await self._engine.follow_parts(self.owner)
        while True:
            out = self._out.get(await self._engine.next_part())
            if out is not None:
                out.news.set()

    async def hand_out(self, call: PartCall) -> PartEnd:
        """Have an item done. Cancelled, it waits a while for its end. Raises StepFailed when it cannot travel."""
        owned = self._owned[call.job.id]
        body = self._packed(owned, call)
        part = part_id(self.owner, call.job.id, call.job.attempt, call.step, call.number)
        out = self._out[part] = _Out()
        self._count(owned, 1)
        try:
            if not owned.settled:
                await self.settle()
                owned.settled = True
            async with self._room:
                return await self._wait_or_cancel(part, owned.needs, body, out, call)
        finally:
            del self._out[part]
            self._count(owned, -1)

    async def _wait_or_cancel(self, part: str, needs: Needs, body: bytes, out: _Out, call: PartCall) -> PartEnd:
        try:
            return await self._wait(part, needs, body, out, call)
        except trio.Cancelled:
            with trio.move_on_after(CANCEL_PATIENCE, shield=True):
                await self._cancel(part, out)
            raise

    def _count(self, owned: _Owned, change: int) -> None:
        owned.out += change
        self._changed()

    def _packed(self, owned: _Owned, call: PartCall) -> bytes:
        item, outputs = call.item, {step: dict(each) for step, each in call.job.outputs.items()}
        if call.job.mask is not None:  # secrets do not travel, wherever they got to
            item, outputs = call.job.mask.value(item), call.job.mask.value(outputs)
        part = {
            "job": owned.job, "holder": self.holder, "attempt": call.job.attempt, "step": call.step,
            "number": call.number, "item": item, "outputs": outputs, "skipped": sorted(call.job.skipped),
        }  # fmt: skip
        body = encode_json(part).encode()
        if len(body) > MAX_PART_BYTES:
            raise StepFailed(
                f"the item cannot travel: with the outputs of earlier steps it has {len(body)} bytes, and"
                f" {MAX_PART_BYTES} are the most",
                hint="hand over where the data is, not the data",
            )
        return body

    async def _wait(self, part: str, needs: Needs, body: bytes, out: _Out, call: PartCall) -> PartEnd:
        attempt, silent = 0, False
        while True:
            out.news = trio.Event()
            try:
                state = await self._engine.look(part)
                if state is None or (silent and state.attempt == 0):
                    await self._engine.enqueue(needs, part, body)
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)
                continue
            if state is not None and state.status is not None:
                return _end_of(state)
            if state is not None and state.attempt > attempt:
                if not attempt:
                    call.began()
                attempt = state.attempt
            with trio.move_on_after(LOOK_INTERVAL) as patience:
                await out.news.wait()
            silent = patience.cancelled_caught

    async def _cancel(self, part: str, out: _Out) -> None:
        while True:
            out.news = trio.Event()
            try:
                if await self._engine.cancel(part):
                    return
                state = await self._engine.look(part)
                if state is None or state.status is not None:
                    return
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)
                continue
            with trio.move_on_after(LOOK_INTERVAL):
                await out.news.wait()


def _end_of(state: JobState) -> PartEnd:
    if state.result is None:
        return PartEnd(f"it was {state.status} elsewhere", 1, {}, {})
    error, attempt, outputs, fields = decode_json(state.result)
    return PartEnd(error, attempt, outputs, fields)
