"""Taking one message of several lanes: whichever has one first, in turns, and none of them starves. asyncio thread.

Where there was something before, each lane is first asked whether it has something now, in turns. When none has, all
are asked to send what comes, within a time. A message that comes by such a wish when nobody waits any more is handed
back at once; each wish brings one.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import orjson
from nats.aio.msg import Msg

from quaero_cli.cluster.nats.lanes import JOBS, SECOND
from quaero_cli.cluster.nats.wire import NoMessage, Wire
from quaero_cli.cluster.ports import EngineAway

_NO_MESSAGE = {"404", "408", "409"}
_NO_LANE = "503"
# Seconds in which a server that is asked what it has now may answer, with some more for the message.
_LATE = 3.0
# Seconds of a wish that is worth its way.
_SHORTEST = 0.01


class Pulls:
    """What one worker machine asks for."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._last = ""  # the lane that gave something last
        self._wishes: dict[str, asyncio.Task[None]] = {}
        self._waiting: asyncio.Future[Msg] | None = None
        self._wanted: frozenset[str] = frozenset()  # the lanes of which something is waited for
        self._until = 0.0  # and how long
        self._busy = True  # the last call brought something: there may be more
        self._lock = asyncio.Lock()

    async def next(self, lanes: Sequence[str], wait: float) -> Msg | None:
        """Return the next message; None: none came in time. Raises EngineAway, also when no lane is there yet."""
        async with self._lock:
            message = await self._ready(lanes) if self._busy else None
            message = message or await self._coming(lanes, wait)
            self._busy = message is not None
            return message

    async def _ready(self, lanes: Sequence[str]) -> Msg | None:
        """Return what a lane has now, the one that was served last coming last."""
        missing = 0
        start = lanes.index(self._last) + 1 if self._last in lanes else 0
        for lane in [*lanes[start:], *lanes[:start]]:
            if lane in self._wishes:
                continue  # whatever it has comes by that
            try:
                message = await self._ask(lane, {"batch": 1, "no_wait": True}, _LATE)
            except EngineAway:
                missing += 1
                if missing == len(lanes):
                    raise
                continue
            if message is not None:
                self._last = lane
                return message
        return None

    async def _coming(self, lanes: Sequence[str], wait: float) -> Msg | None:
        loop = asyncio.get_running_loop()
        self._waiting, self._wanted, self._until = loop.create_future(), frozenset(lanes), loop.time() + wait
        for lane in lanes:
            if lane not in self._wishes:
                self._wishes[lane] = asyncio.create_task(self._wish(lane))
        try:
            async with asyncio.timeout(wait):
                return await asyncio.shield(self._waiting)
        except TimeoutError:
            # It may have come in this very moment.
            return self._waiting.result() if self._waiting.done() else None
        finally:
            self._waiting = None

    async def _wish(self, lane: str) -> None:
        """Wish for a message for as long as one of the lane is waited for: also when others begin to wait for it."""
        message = problem = None
        try:
            while message is None and (left := self._left(lane)) > _SHORTEST:
                message = await self._ask(lane, {"batch": 1, "expires": int(left * SECOND)}, left)
        except EngineAway as error:
            problem = error
        finally:
            del self._wishes[lane]
        waiting = self._waiting if self._left(lane) else None
        if message is None:
            if problem is not None and waiting is not None and not self._wishes:  # it is the last one's, too
                waiting.set_exception(problem)
        elif waiting is not None:
            self._last = lane
            waiting.set_result(message)
        else:
            with suppress(EngineAway):
                await self._wire.tell(message.reply, b"-NAK")

    def _left(self, lane: str) -> float:
        """Return the seconds for which a message of a lane is still waited for."""
        if self._waiting is None or self._waiting.done() or lane not in self._wanted:
            return 0.0
        return max(_SHORTEST, self._until - asyncio.get_running_loop().time())

    async def _ask(self, lane: str, what: object, wait: float) -> Msg | None:
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{JOBS}.workers-{lane}"
        try:
            message = await self._wire.request(subject, orjson.dumps(what), wait=wait)
        except NoMessage:  # a server that has much to do does not always say that there is none
            return None
        status = (message.headers or {}).get("Status")
        if status == _NO_LANE:
            raise EngineAway(f"there is no queue {lane.partition('=')[0]} yet: no view has made it")
        return None if status in _NO_MESSAGE or not message.reply else message
