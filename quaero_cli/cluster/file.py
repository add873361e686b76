"""An engine in a file that the processes of one machine share (`store.enginefile`): a cluster without a server.

Each call is one short transaction, in a thread. Whoever waits is woken as the readers of a store are: by a datagram,
or by the slow look at whether the file has changed.
"""

import math
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import trio

from quaero_cli.cluster.ports import (
    EngineAway,
    EngineBroken,
    EngineFull,
    Health,
    JobState,
    Mark,
    Reading,
    Take,
    owner_of_part,
)
from quaero_cli.errors import StoreError
from quaero_cli.model.taking import Needs, Offer
from quaero_cli.store.encode import decode_json, encode_json
from quaero_cli.store.engine import is_full, is_passing
from quaero_cli.store.enginefile import EngineFile, Holder
from quaero_cli.store.enginemaking import wake_of
from quaero_cli.store.outbox import Shipment
from quaero_cli.stream.nudge import nudge
from quaero_cli.stream.wakeups import Wakeups

T = TypeVar("T")
LEASE = 30.0
RETRY_INTERVAL = 0.5


class FileEngine:
    """One process's end: all ports. `listen` and `hear` are its tasks."""

    def __init__(self, file: EngineFile, wakeups: Wakeups, wake: Path, lease: float) -> None:
        self._file = file
        self._wakeups = wakeups
        self._wake = wake
        self._lock = trio.Lock()  # around the file: one thread at a time
        self._origins: set[str] = set()
        self._owners: set[str] = set()
        self._channels: dict[str, tuple[trio.MemorySendChannel[Any], trio.MemoryReceiveChannel[Any]]] = defaultdict(
            lambda: trio.open_memory_channel(math.inf)
        )
        self._openings = file.openings
        self._listening = trio.CancelScope()
        self.lease = lease

    async def prepare_worker(self) -> None:
        """There is nothing to prepare."""

    async def prepare_view(self, replicas: int, queues: Sequence[str]) -> None:
        """There is nothing to prepare."""

    async def call(self, function: Callable[[], T], *, tells: bool = False) -> T:
        """Call the file. `tells`: whoever waits is woken. Raises EngineAway, of the kind that fits."""
        try:
            async with self._lock:
                found = await trio.to_thread.run_sync(function)
        except StoreError as error:
            raise _kind(error.__cause__)(error.message, hint=error.hint) from error
        if self._file.openings != self._openings:
            self._openings = self._file.openings
            self._listening.cancel()  # and begun anew: it looks at the file that was open before
        if tells:
            self._wakeups.set()
            nudge(self._wake)
        return found

    async def say(self, *words: tuple[str, object]) -> None:
        """Tell all processes."""
        texts = [(topic, encode_json(body)) for topic, body in words]
        await self.call(partial(self._file.say, texts), tells=True)

    async def listen(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Be woken by other processes until cancelled. What keeps it from that the calls meet, too, and tell."""
        started = False
        while True:
            try:
                with trio.CancelScope() as self._listening:
                    async with trio.open_nursery() as nursery:
                        await nursery.start(self._wakeups.run)
                        if not started:
                            task_status.started()
                        started = True
                        self._wakeups.set()  # whatever came meanwhile
            except* StoreError:
                if not started:
                    raise
                await trio.sleep(RETRY_INTERVAL)

    async def hear(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Listen to the words of all processes until cancelled."""
        heard = await self.call(self._file.newest_word)
        task_status.started()
        while True:
            waiter = self._wakeups.waiter()
            try:
                heard, words = await self.call(partial(self._file.words_after, heard))
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)
                continue
            for topic, body in words:
                self._sort(topic, decode_json(body))
            await waiter.wait()

    def _sort(self, topic: str, body: Any) -> None:  # noqa: ANN401
        if topic == "mark":
            body = Mark(*body)
            if body.origin not in self._origins:
                return
        elif topic == "part" and owner_of_part(body) not in self._owners:
            return
        self._channels[topic][0].send_nowait(body)

    async def _take(self, topic: str) -> Any:  # noqa: ANN401
        return await self._channels[topic][1].receive()

    # ------------------------------------------------------------------ the log

    def begin(self, shipment: Shipment) -> None:
        """No sooner than `publish` could be."""

    async def publish(self, shipment: Shipment) -> None:
        """Append to the log."""
        await self.call(partial(self._file.publish, shipment), tells=True)

    async def read(self, place: str | None, wait: float, take: Take | None = None) -> Reading:
        """Return what comes after a place."""
        found = await self._read(place, wait)
        if take is not None and found.brings:
            await trio.to_thread.run_sync(take, found)
        return found

    async def _read(self, place: str | None, wait: float) -> Reading:
        deadline = trio.current_time() + wait
        while True:
            waiter = self._wakeups.waiter()
            found = Reading(*await self.call(partial(self._file.read, place)))
            if found.brings or trio.current_time() >= deadline:
                return found
            with trio.move_on_at(deadline):
                await waiter.wait()

    # ------------------------------------------------------------------ watermarks

    async def announce(self, marks: Sequence[Mark]) -> None:
        """Tell how far these origins are."""
        if marks:
            await self.say(
                *(("mark", [each.origin, each.applied, each.caught_up, each.gap, each.view]) for each in marks)
            )

    async def ask(self, origins: Sequence[str]) -> None:
        """Ask how far these origins are, and hear of it from now on."""
        self._origins.update(origins)
        await self.say(*(("question", origin) for origin in origins))

    async def next_mark(self) -> Mark:
        """Wait for a mark."""
        mark: Mark = await self._take("mark")
        return mark

    async def next_question(self) -> str:
        """Wait for a question."""
        return str(await self._take("question"))

    # ------------------------------------------------------------------ jobs

    async def prepare(self, needs: Needs) -> None:
        """They reach whoever meets them."""

    async def enqueue(self, needs: Needs, job: str, body: bytes) -> bool:
        """Add a job."""
        return await self.call(partial(self._file.enqueue, needs, job, body), tells=True)

    async def claim(self, offer: Offer, node: str, wait: float) -> "FileLease | None":
        """Take the next job of those that may run here."""
        deadline = trio.current_time() + wait
        while True:
            waiter = self._wakeups.waiter()
            found = await self.call(partial(self._file.claim, offer, node))
            if found is not None:
                await self.tell_part(found.job)
                return FileLease(self, self._file, node, *found)
            if trio.current_time() >= deadline:
                return None
            with trio.move_on_at(deadline):
                await waiter.wait()

    async def cancel(self, job: str) -> bool:
        """Ask for a job to be cancelled."""
        never_ran = await self.call(partial(self._file.cancel, job))
        if never_ran is False:
            await self.say(("cancel", job))
        await self.tell_part(job)
        return bool(never_ran)

    async def settle(self, job: str, status: str) -> None:
        """Keep that a job has ended."""
        await self.call(partial(self._file.settle, job, status))

    async def look(self, job: str) -> JobState | None:
        """Return what is known of a job."""
        found = await self.call(partial(self._file.look, job))
        return None if found is None else JobState(*found)

    async def next_cancel(self) -> str:
        """Wait for a wish to cancel."""
        return str(await self._take("cancel"))

    async def follow_parts(self, owner: str) -> None:
        """Hear of the parts that it hands out."""
        self._owners.add(owner)

    async def next_part(self) -> str:
        """Wait for news of a part."""
        return str(await self._take("part"))

    async def tell_part(self, job: str) -> None:
        """Tell whoever handed out a part that something is new."""
        if owner_of_part(job) is not None:
            await self.say(("part", job))

    # ------------------------------------------------------------------ machines

    async def tell(self, node: str, facts: Mapping[str, Any]) -> None:
        """Say that a worker is there."""
        await self.say(("node", [node, dict(facts)]))

    async def next_node(self) -> tuple[str, Mapping[str, Any]]:
        """Wait for a worker's word."""
        node, facts = await self._take("node")
        return str(node), facts


def _kind(problem: BaseException | None) -> type[EngineAway]:
    """Return as what people are told of a problem with the file."""
    if is_full(problem):
        return EngineFull
    return EngineAway if is_passing(problem) else EngineBroken


class FileLease:
    """A job that is ours for as long as it is renewed."""

    def __init__(self, engine: FileEngine, file: EngineFile, node: str, job: str, attempt: int, body: bytes) -> None:
        self._engine, self._file = engine, file
        self._holder = Holder(job, attempt, node)
        self.job, self.attempt, self.body = job, attempt, body

    async def heartbeat(self) -> Health:
        """Renew it."""
        cancel = await self._engine.call(partial(self._file.renew, self._holder))
        return Health.LOST if cancel is None else Health.CANCEL if cancel else Health.OK

    async def finish(self, status: str, result: str | None = None) -> bool:
        """End the job, if it is ours."""
        finish = partial(self._file.finish, self._holder, status, result)
        ended = await self._engine.call(finish)
        await self._engine.tell_part(self.job)
        return ended

    async def release(self) -> None:
        """Give it back."""
        await self._engine.call(partial(self._file.release, self._holder), tells=True)


@asynccontextmanager
async def open_file(path: Path, *, lease: float = LEASE) -> AsyncIterator[FileEngine]:
    """Open the engine of a file, which is made if it is missing. Raises StoreError."""
    file = await trio.to_thread.run_sync(EngineFile, path, lease)
    wake = wake_of(path)
    wakeups = Wakeups(wake, path)
    try:
        async with trio.open_nursery() as nursery:
            engine = FileEngine(file, wakeups, wake, lease)
            await nursery.start(engine.listen)
            await nursery.start(engine.hear)
            yield engine
            nursery.cancel_scope.cancel()
    finally:
        file.close()
