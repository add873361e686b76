"""Taking one message of several lanes: whichever has one first, in turns, and none of them starves. asyncio thread.

First each lane is asked whether it has something now. Only when none has, all are asked to send what comes, within a
time. A message that comes by such a wish when nobody waits any more is handed back at once; each wish brings one.
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


class Pulls:
    """What one worker machine asks for."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._last = ""  # the lane that gave something last
        self._wishes: dict[str, asyncio.Task[None]] = {}
        self._waiting: asyncio.Future[Msg] | None = None
        self._lock = asyncio.Lock()

    async def next(self, lanes: Sequence[str], wait: float) -> Msg | None:
        """Return the next message; None: none came in time. Raises EngineAway, also when no lane is there yet."""
        async with self._lock:
            return await self._ready(lanes) or await self._coming(lanes, wait)

    async def _ready(self, lanes: Sequence[str]) -> Msg | None:
        """Return what a lane has now, the one that was served last coming last."""
        missing = 0
        start = lanes.index(self._last) + 1 if self._last in lanes else 0
        for lane in [*lanes[start:], *lanes[:start]]:
            if lane in self._wishes:
                continue  # whatever it has comes by that
            try:
                message = await self._ask(lane, {"batch": 1, "no_wait": True}, 0)
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
        self._waiting = asyncio.get_running_loop().create_future()
        for lane in lanes:
            if lane not in self._wishes:
                self._wishes[lane] = asyncio.create_task(self._wish(lane, wait))
        try:
            async with asyncio.timeout(wait):
                return await asyncio.shield(self._waiting)
        except TimeoutError:
            # It may have come in this very moment.
            return self._waiting.result() if self._waiting.done() else None
        finally:
            self._waiting = None

    async def _wish(self, lane: str, wait: float) -> None:
        try:
            message = await self._ask(lane, {"batch": 1, "expires": int(wait * SECOND)}, wait)
        except EngineAway:
            message = None
        finally:
            del self._wishes[lane]
        if message is None:
            return
        if self._waiting is not None and not self._waiting.done():
            self._last = lane
            self._waiting.set_result(message)
        else:
            with suppress(EngineAway):
                await self._wire.tell(message.reply, b"-NAK")

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
