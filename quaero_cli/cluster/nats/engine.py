"""The engine for Trio: every port, each call run in the asyncio thread."""

import math
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import orjson
import trio
from nats.aio.msg import Msg

from quaero_cli.cluster.nats import log, queue
from quaero_cli.cluster.nats.access import Access
from quaero_cli.cluster.nats.lanes import JOBS
from quaero_cli.cluster.nats.log import Log
from quaero_cli.cluster.nats.queue import LEASE, NatsLease, Queue
from quaero_cli.cluster.nats.thread import AsyncioThread, in_thread
from quaero_cli.cluster.nats.wire import ApiError, Wire
from quaero_cli.cluster.ports import EngineAway, Health, JobState, Mark, Reading, Take
from quaero_cli.errors import ServerError
from quaero_cli.model.taking import Needs, Offer
from quaero_cli.store.outbox import Shipment

_DAY = 24 * 3600 * 1_000_000_000
# How long the log keeps what views have long read: what a new view, or one that was away, can still get.
LOG_AGE = 7 * _DAY
# How long it is known of a job that it has ended.
STATE_AGE = 90 * _DAY
# How long it is known of an item of a step with `spread` that it was begun: longer than any takes.
PART_AGE = 7 * _DAY
# Seconds for the servers to make the streams.
SETUP_DEADLINE = 20.0
_IN_USE = 10058  # a stream of that name is there, with other settings: whoever runs the servers chose them


class _Inbox:
    """What came from the asyncio thread, for a task of Trio's."""

    def __init__(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._send, self._receive = trio.open_memory_channel[Any](math.inf)

    def put(self, item: object) -> None:
        """Put something in; from any thread."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._send.send_nowait, item)

    async def take(self) -> Any:  # noqa: ANN401
        """Wait for the next thing."""
        return await self._receive.receive()


class NatsEngine:
    """All ports of an engine, of one machine's connection."""

    def __init__(self, thread: AsyncioThread, wire: Wire, lease: float) -> None:
        self._thread = thread
        self._wire = wire
        self._log = Log(wire)
        self._queue = Queue(wire, lease)
        self._marks, self._questions, self._cancels, self._nodes = _Inbox(), _Inbox(), _Inbox(), _Inbox()
        self._followed: set[str] = set()
        self._parts = _Inbox()
        self._refusal = ""
        self._begun: tuple[Shipment, Future[None]] | None = None  # what is published already
        self.lease = lease

    # ------------------------------------------------------------------ the log

    def begin(self, shipment: Shipment) -> None:
        """Append to the log; `publish` waits for the end of it. The thread that stored it wakes the engine's loop."""
        if shipment.origin in self._followed:
            with suppress(RuntimeError):  # closed this very moment
                self._begun = shipment, self._thread.start(lambda: self._log.publish(shipment))

    async def publish(self, shipment: Shipment) -> None:
        """Append to the log, and hear of the origin's marks from now on."""
        await self._follow_marks(shipment.origin)
        begun, self._begun = self._begun, None
        if begun is not None and begun[0] is shipment:
            await self._thread.join(begun[1])
        else:
            await self._thread.call(lambda: self._log.publish(shipment))

    async def read(self, place: str | None, wait: float, take: Take | None = None) -> Reading:
        """Return what comes after a place."""

        async def read() -> Reading:
            found = await self._log.read(place, wait)
            if take is not None and found.brings:
                await in_thread(partial(take, found))
            return found

        return await self._thread.call(read)

    # ------------------------------------------------------------------ watermarks

    async def announce(self, marks: Sequence[Mark]) -> None:
        """Tell workers how far their origins are."""
        words = [
            (f"q.ack.{mark.origin}", orjson.dumps([mark.applied, mark.caught_up, mark.gap, mark.view]))
            for mark in marks
        ]
        if words:
            await self._thread.call(partial(self._tell_all, words))

    async def _tell_all(self, words: Sequence[tuple[str, bytes]]) -> None:
        for subject, body in words:
            await self._wire.tell(subject, body)

    async def ask(self, origins: Sequence[str]) -> None:
        """Ask how far these origins are, and hear of it from now on."""
        for origin in origins:
            await self._follow_marks(origin)
            await self._thread.call(partial(self._wire.tell, f"q.ask.{origin}", b""))

    async def _follow_marks(self, origin: str) -> None:
        if origin not in self._followed:
            self._followed.add(origin)
            await self._subscribe(f"q.ack.{origin}", _to_mark, self._marks)

    async def next_mark(self) -> Mark:
        """Wait for a mark."""
        mark: Mark = await self._marks.take()
        return mark

    async def next_question(self) -> str:
        """Wait for a question."""
        return str(await self._questions.take())

    # ------------------------------------------------------------------ jobs

    async def prepare(self, needs: Needs) -> None:
        """Make sure that jobs of these needs reach workers."""
        await self._thread.call(lambda: self._queue.prepare(needs))

    async def enqueue(self, needs: Needs, job: str, body: bytes) -> bool:
        """Add a job."""
        return await self._thread.call(lambda: self._queue.enqueue(needs, job, body))

    async def claim(self, offer: Offer, node: str, wait: float) -> "TrioLease | None":
        """Take the next job of those that may run here."""
        lease = await self._thread.call(lambda: self._queue.claim(offer, node, wait))
        return None if lease is None else TrioLease(self._thread, lease)

    async def cancel(self, job: str) -> bool:
        """Ask for a job to be cancelled."""
        return await self._thread.call(lambda: self._queue.cancel(job))

    async def settle(self, job: str, status: str) -> None:
        """Keep that a job has ended."""
        await self._thread.call(lambda: self._queue.settle(job, status))

    async def look(self, job: str) -> JobState | None:
        """Return what is known of a job."""
        return await self._thread.call(lambda: self._queue.look(job))

    async def follow_parts(self, owner: str) -> None:
        """Hear of them: each change of their states is stored under a subject that can be listened to."""
        await self._subscribe(f"q.part.{owner}.*", _last_word, self._parts)

    async def next_part(self) -> str:
        """Wait for news of a part."""
        return str(await self._parts.take())

    async def next_cancel(self) -> str:
        """Wait for a wish to cancel."""
        return str(await self._cancels.take())

    # ------------------------------------------------------------------ machines

    async def tell(self, node: str, facts: Mapping[str, Any]) -> None:
        """Say that a machine is there."""
        body = orjson.dumps({"name": node, **facts})
        await self._thread.call(lambda: self._wire.tell("q.node", body))

    async def next_node(self) -> tuple[str, Mapping[str, Any]]:
        """Wait for a machine's word."""
        facts: dict[str, Any] = await self._nodes.take()
        return str(facts.pop("name")), facts

    # ------------------------------------------------------------------ setting up

    async def _subscribe(self, subject: str, read: Callable[[Msg], object], inbox: _Inbox) -> None:
        async def on_message(message: Msg) -> None:
            inbox.put(read(message))

        await self._thread.call(lambda: self._wire.subscribe(subject, on_message))

    async def prepare_worker(self) -> None:
        """Hear what workers need to hear."""
        await self._subscribe("q.ctl.cancel.*", _last_word, self._cancels)

    async def prepare_view(self, replicas: int, queues: Sequence[str]) -> None:
        """Make the streams where they are missing, and hear what views need to hear. Raises ServerError."""
        try:
            with trio.fail_after(SETUP_DEADLINE):
                for config in _streams(replicas):
                    await self._insist(partial(self._ensure, config))
                for name in queues:
                    await self._insist(partial(self._queue.prepare, Needs(name)))
        except (ApiError, trio.TooSlowError) as error:
            words = str(error) or self._refusal
            raise ServerError(f"the engine refuses: {words}", hint="is JetStream on? nats-server -js") from error
        await self._thread.call(self._log.follow)
        await self._subscribe("q.ask.*", _last_word, self._questions)
        await self._subscribe("q.node", lambda message: orjson.loads(message.data), self._nodes)

    async def _insist(self, make: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Ask until there is an answer: servers that have just started elect their leaders first."""
        while True:
            try:
                return await self._thread.call(make)
            except EngineAway as error:
                self._refusal = error.message
                await trio.sleep(0.5)

    async def _ensure(self, config: dict[str, Any]) -> None:
        try:
            await self._wire.api(f"STREAM.CREATE.{config['name']}", config)
        except ApiError as error:
            if error.number != _IN_USE:
                raise


class TrioLease:
    """A lease for Trio."""

    def __init__(self, thread: AsyncioThread, lease: NatsLease) -> None:
        self._thread = thread
        self._lease = lease
        self.job, self.attempt, self.body = lease.job, lease.attempt, lease.body

    async def heartbeat(self) -> Health:
        """Renew it."""
        return await self._thread.call(self._lease.heartbeat)

    async def finish(self, status: str, result: str | None = None) -> bool:
        """End the job, if it is ours."""
        return await self._thread.call(lambda: self._lease.finish(status, result))

    async def release(self) -> None:
        """Give it back."""
        await self._thread.call(self._lease.release)


def _streams(replicas: int) -> list[dict[str, Any]]:
    """Return the streams. `discard: new`: a full stream refuses, and nothing that was accepted is dropped."""
    common = {"storage": "file", "num_replicas": replicas, "discard": "new"}
    return [
        {
            **common, "name": log.STREAM, "subjects": ["q.log.>"], "retention": "limits", "max_age": LOG_AGE,
            "republish": {"src": "q.log.>", "dest": "q.new.>"},
        },
        {**common, "name": JOBS, "subjects": ["q.jobs.>", "q.item.>"], "retention": "workqueue"},
        {
            "name": queue.STATE, "subjects": ["q.state.>"], "retention": "limits", "storage": "file",
            "num_replicas": replicas, "max_msgs_per_subject": 1, "max_age": STATE_AGE,
        },
        {
            "name": queue.PARTS, "subjects": ["q.part.>"], "retention": "limits", "storage": "file",
            "num_replicas": replicas, "max_msgs_per_subject": 1, "max_age": PART_AGE,
        },
    ]  # fmt: skip


def _last_word(message: Msg) -> str:
    return str(message.subject.rpartition(".")[2])


def _to_mark(message: Msg) -> Mark:
    return Mark(_last_word(message), *orjson.loads(message.data))


@asynccontextmanager
async def open_nats(
    servers: list[str], name: str, *, access: Access | None = None, lease: float = LEASE
) -> AsyncIterator[NatsEngine]:
    """Connect. Raises ServerError when no server can be reached or lets us in, and UsageError."""
    thread = AsyncioThread()
    try:
        wire = await thread.call(_new_wire)
        await thread.call(lambda: wire.connect(servers, name, access or Access()))
        try:
            yield NatsEngine(thread, wire, lease)
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(2):
                await thread.call(wire.close)
    finally:
        thread.close()


async def _new_wire() -> Wire:
    return Wire()
