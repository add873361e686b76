"""Lanes: jobs of the same needs wait in one, from which every worker that meets them takes. asyncio thread.

A worker cannot look through a queue for what fits it: what it gets and gives back comes again at once, to it or to
one like it, for ever. And a consumer filters by subject, of which a work queue allows one consumer each. So the needs
are in the subject: `q.jobs.<lane>.<job>`, the lane being the queue's name, or with labels the queue's name and a hash
of them. Each lane has a consumer of its own; a worker pulls from those whose needs it meets. Which sets of labels
there are stands in `q.state.lanes.<queue>`, one small record a queue: views write it, workers with labels read it.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from quaero_cli.cluster.nats.wire import ApiError, Wire
from quaero_cli.cluster.ports import EngineAway
from quaero_cli.model.taking import Needs, Offer

JOBS = "QJOBS"
SECOND = 1_000_000_000
# Seconds that a worker goes by the lanes that it knows: so long the first job of new needs may wait.
_LANES_AGE = 2.0
# Seconds after which a lane is made anew, and said to be in use: the server forgets a record after 90 days.
_MADE_AGE = 24 * 3600.0
# Seconds without a job after which a set of labels is forgotten: no worker need look for it.
_UNUSED_AGE = 90 * 24 * 3600.0

Record = dict[str, Any]
Read = Callable[[str], Awaitable[tuple[int, Record | None]]]
Change = Callable[[str, int, Record], Awaitable[int | None]]


def subject_of(needs: Needs, job: str) -> str:
    """Return the subject under which a job waits. Items of steps have another first word: workers may send them."""
    return f"q.{'item' if needs.part else 'jobs'}.{needs.lane}.{job}"


class Lanes:
    """The lanes: made by views, found by workers. `read` and `change` are those of the states."""

    def __init__(self, wire: Wire, lease: float, read: Read, change: Change) -> None:
        self._wire = wire
        self._lease = lease
        self._read, self._change = read, change
        self._made: dict[str, tuple[int, float]] = {}  # lane -> the connection on which it was made, and when
        self._known: dict[str, tuple[float, Record]] = {}  # queue -> when it was read, and its lanes

    async def make(self, needs: Needs) -> None:
        """Make a lane, and that of its jobs' parts: what is put into it reaches whoever meets the needs.

        Raises EngineAway.
        """
        connection, made = self._made.get(needs.lane, (0, 0.0))
        if connection == self._wire.connections and time.monotonic() - made < _MADE_AGE:
            return
        connection = self._wire.connections
        for each in (needs, replace(needs, part=True)):
            await self._make_consumer(each.lane, subject_of(each, "*"))
        if needs.labels:
            await self._enter(needs)
        self._made[needs.lane] = (connection, time.monotonic())

    async def _make_consumer(self, lane: str, subject: str) -> None:
        config = {
            "durable_name": f"workers-{lane}", "ack_policy": "explicit", "ack_wait": int(self._lease * SECOND),
            "filter_subject": subject, "max_deliver": -1, "max_ack_pending": 100_000,
        }  # fmt: skip
        try:
            if await self._is_ahead(lane):
                await self._wire.api(f"CONSUMER.DELETE.{JOBS}.workers-{lane}")
            await self._wire.api(
                f"CONSUMER.DURABLE.CREATE.{JOBS}.workers-{lane}", {"stream_name": JOBS, "config": config}
            )
        except ApiError as error:
            raise EngineAway(str(error)) from error

    async def _is_ahead(self, lane: str) -> bool:
        """Return whether the consumer waits for numbers beyond those that the stream gives next.

        A server that is killed while no job waits counts its messages anew (2.9.10), and its consumers do not.
        """
        try:
            consumer = await self._wire.api(f"CONSUMER.INFO.{JOBS}.workers-{lane}")
        except ApiError as error:
            if error.is_missing:
                return False
            raise
        stream = await self._wire.api(f"STREAM.INFO.{JOBS}")
        return int(consumer["delivered"]["stream_seq"]) > int(stream["state"]["last_seq"])

    async def _enter(self, needs: Needs) -> None:
        now = time.time()
        while True:
            number, found = await self._read(f"lanes.{needs.queue}")
            kept = {lane: each for lane, each in (found or {}).items() if now - each["used"] < _UNUSED_AGE}
            entered = {**kept, needs.lane: {"labels": dict(needs.labels), "used": int(now)}}
            if await self._change(f"lanes.{needs.queue}", number, entered) is not None:
                return

    async def met_by(self, offer: Offer) -> list[str]:
        """Return the lanes from which a worker may take something now. Raises EngineAway."""
        needs = [Needs(queue) for queue in offer.queues]
        for queue in offer.queues if offer.labels else ():
            needs += [Needs(queue, each["labels"]) for each in (await self._of_queue(queue)).values()]
        every = [*(replace(each, part=True) for each in needs), *needs]  # what has begun comes to its end first
        return [each.lane for each in every if offer.meets(each)]

    async def _of_queue(self, queue: str) -> Record:
        read, known = self._known.get(queue, (-_LANES_AGE, {}))
        if time.monotonic() - read >= _LANES_AGE:
            known = (await self._read(f"lanes.{queue}"))[1] or {}
            self._known[queue] = (time.monotonic(), known)
        return known
