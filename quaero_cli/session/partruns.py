"""Items of steps with `spread`, claimed by this machine and done for the jobs that others hold, or it holds itself.

Their entries go into the outbox alone, under the job's ID: this store knows nothing of the job. An item's end is told
to the queue when its entries are in the engine's log, so whoever is told tells what follows after them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import trio

from quaero_cli.cluster.ports import EngineAway
from quaero_cli.engine.parts import end_strays, run_part
from quaero_cli.engine.shared import PartEnd, Running, now_us
from quaero_cli.engine.strays import PART
from quaero_cli.errors import QuaeroError
from quaero_cli.jobdef.place import hide
from quaero_cli.model import Abroad, Fact, JobQueued, NewJob
from quaero_cli.session.holding import RETRY_INTERVAL, Held
from quaero_cli.session.leasedjobs import MAX_ATTEMPTS
from quaero_cli.session.secrecy import guard
from quaero_cli.session.station import Station
from quaero_cli.store.encode import decode_json, encode_json
from quaero_cli.store.factcodec import unpack_job

# Seconds until an item's end is told although no view has said that it has its entries; the engine has them then.
SHIPPED_PATIENCE = 10.0
# Seconds between looks whether the job of an item is still its holder's.
FENCE_INTERVAL = 10.0
# Bytes of outputs that an item may leave: they travel in one message.
MAX_RESULT_BYTES = 900_000
_INTRODUCED = 10_000


class PartRuns:
    """Does items on this machine."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._session = station.session
        assert station.session.files is not None
        self._files = station.session.files
        self._introduced: set[str] = set()  # jobs that the views know before what this process says in them
        self._here: Counter[str] = Counter()  # job -> how many of its items run here
        self._scopes: set[trio.CancelScope] = set()
        self._given_up: set[trio.CancelScope] = set()
        self._stopping = False

    def stop(self) -> None:
        """End what runs, and what will, for another machine to do it."""
        self._stopping = True
        self.give_up()

    def give_up(self) -> None:
        """End what runs, for another machine to do it."""
        self._given_up |= self._scopes
        for scope in self._scopes:
            scope.cancel()

    async def run(self, held: Held, ran: trio.Event) -> None:
        """Do an item until the queue knows its end. `ran` is set when it needs no room here any more."""
        part = decode_json(held.lease.body.decode())
        job = unpack_job(part["job"])
        scope = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._station.holding.beat, held, lambda _: scope.cancel())
            nursery.start_soon(self._watch_holder, job.id, part["holder"], scope)
            end = await self._run_within(scope, held, job, part)
            ran.set()
            held.done = end is not None
            given_up = self._stopping or scope in self._given_up
            self._given_up.discard(scope)
            if end is None and given_up and not held.lost:
                await self._station.holding.release(held.lease)
            else:
                await self._ship()
                status, result = ("cancelled", None) if end is None else ("completed", _packed(end))
                await self._station.holding.finish(held, status, result)
            nursery.cancel_scope.cancel()

    async def _run_within(
        self, scope: trio.CancelScope, held: Held, job: NewJob, part: Mapping[str, Any]
    ) -> PartEnd | None:
        """Do the item; None: it was cancelled."""
        if held.lease.attempt > MAX_ATTEMPTS:
            return PartEnd(f"the {MAX_ATTEMPTS} workers that had it before were lost", 1, {}, {})
        if not await self._is_wanted(job.id, part["holder"]):
            return None  # and is taken off the queue
        self._scopes.add(scope)
        self._here[job.id] += 1
        self._session.guests += 1
        end = None
        try:
            running = self._running(job, part, held.lease.job)
            if running.mask is not None:
                hide.set(running.mask.text)  # of this task, and of all that it starts
            step = running.definition.step(part["step"])
            with scope:
                end = await run_part(running, step, part["number"], part["item"], self._station.node)
                if job.id not in self._session.handles:  # else they are sent with all that the job leaves
                    await self._files.send_of_items(job.id, running.ground.emit, running.ground.room)
            if running.mask is not None and end is not None:
                end = PartEnd(*running.mask.value((end.error, end.attempt, end.outputs, end.fields)))
        except QuaeroError as error:
            fields = {"hint": error.hint} if error.hint else {}
            return PartEnd(f"cannot run on {self._station.node}: {error.message}", 1, {}, fields)
        finally:
            self._scopes.discard(scope)
            self._here[job.id] -= 1
            self._session.guests -= 1
        if running.ran_processes:
            await end_strays(running, held.lease.job)
        if not self._here[job.id]:
            del self._here[job.id]
            if job.id not in self._session.handles:
                self._files.clear(job.id)
        return end

    def _running(self, job: NewJob, part: Mapping[str, Any], part_id: str) -> Running:
        """Return the job as its items see it here. Raises DefinitionError, also for a secret that is missing here."""
        prepared = self._station.arrivals.prepared(job)
        guarded = guard(prepared, self._session.ground.environment)
        ground = self._session.ground

        def emit(fact: Fact) -> None:
            ground.emit(fact if isinstance(fact, Abroad) else Abroad(fact))  # type: ignore[arg-type]

        if job.id not in self._introduced:
            if len(self._introduced) >= _INTRODUCED:
                self._introduced.clear()  # saying it once more harms nobody
            self._introduced.add(job.id)
            ground.emit(Abroad(JobQueued(guarded.job, job.queue, now_us())))
        environment = {**ground.environment, PART: part_id}  # by which its processes are found
        running = Running(
            replace(ground, emit=emit, environment=environment), job.id, part["attempt"], prepared.definition,
            prepared.parameters, secrets=guarded.secrets, mask=guarded.mask,
        )  # fmt: skip
        running.outputs = dict(part["outputs"])
        running.skipped = set(part.get("skipped", ()))  # an older holder does not say
        return running

    async def _ship(self) -> None:
        """Wait until the engine has what was said, and for a while until a view has."""
        await self._session.flush()
        await self._station.shipper.wait_published()
        if self._station.shipper.is_heard:  # while no view is there, the engine's order must do
            with trio.move_on_after(SHIPPED_PATIENCE):
                await self._station.shipper.wait_seen()

    # ------------------------------------------------------------------ whose job it is

    async def _is_wanted(self, job: str, holder: str) -> bool:
        """Return whether the job is still held by the one who handed the item out."""
        while True:
            try:
                state = await self._station.engine.look(job)
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)
                continue
            # Where the engine forgot the job, its holder goes on with it, and nobody else has it.
            return state is None or (state.status is None and state.node in (holder, ""))

    async def _watch_holder(self, job: str, holder: str, scope: trio.CancelScope) -> None:
        while True:
            await trio.sleep(FENCE_INTERVAL)
            if not await self._is_wanted(job, holder):
                scope.cancel()
                return


def _packed(end: PartEnd) -> str:
    packed = encode_json([end.error, end.attempt, dict(end.outputs), dict(end.fields)])
    if len(packed) <= MAX_RESULT_BYTES:
        return packed
    error = f"its outputs cannot travel: they have {len(packed)} bytes, and {MAX_RESULT_BYTES} are the most"
    return encode_json([error, end.attempt, {}, {}])
