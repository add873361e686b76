"""The log of all machines: the stream QLOG, written by workers, read by views. Runs in the asyncio thread.

Reading is stateless for the server: message after message by its number, from a place that the view keeps. The place
names the stream (its creation) and the newest message that was read (its number, and its time or its checksum): a
server that came back from an older state has a lower last number, or another message under that one, and is noticed.

A view is told of each message as it is stored, with its body where the servers' stream was made to say it, and need
not ask for that one then. What did not come, or came when the view was busy with more, it asks for.
"""

import asyncio
import math
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from zlib import crc32

import orjson
from isal import isal_zlib
from nats.aio.msg import Msg

from quaero_cli.cluster.nats.wire import ApiError, Wire
from quaero_cli.cluster.ports import EngineAway, Reading
from quaero_cli.store.outbox import Shipment

STREAM = "QLOG"
# Bytes of a message; the server takes a megabyte at most by default. What is larger travels in parts.
PART_BYTES = 512 * 1024
# Messages that are asked for at once.
_AT_ONCE = 32
_FORMAT = 2
# Bytes of messages that were told and not read yet: a view that is behind asks for what it wants, when it wants it.
_HEARD_BYTES = 4 * 1024 * 1024
# Seconds after which it is asked how much there is, also where news come without a pause: whoever wants to know
# whether this view has all of it waits for that.
_EXACT_EVERY = 1.0
# A tenth of the bytes, half of the engine's processor time, 0.2 us a line of the worker's (zlib's own fastest: 0.7).
_COMPRESSION = 1


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in a stream: after the message `number`. `sign`: the time at which it was stored, or its checksum."""

    created: str
    number: int
    sign: str

    @classmethod
    def parse(cls, text: str | None) -> "_Place | None":
        if text is None:
            return None
        created, number, sign = text.split("|")
        return cls(created, int(number), sign)

    def __str__(self) -> str:
        return f"{self.created}|{self.number}|{self.sign}"

    def is_of(self, message: "_Message | None") -> bool:
        """Return whether this is the message that was read."""
        return message is not None and self.sign in (message.time, message.checksum)


@dataclass(frozen=True, slots=True)
class _Message:
    """A stored message. `time`: as the server says it; "" where it was told without."""

    data: bytes
    time: str = ""

    @property
    def checksum(self) -> str:
        """What tells it from another one under its number."""
        return f"#{crc32(self.data):08x}"


def parts_of(shipment: Shipment) -> list[bytes]:
    """Return a shipment as messages: a line that says what it is, then a part of the packed body."""
    body = isal_zlib.compress(shipment.body, _COMPRESSION)
    pieces = [body[start : start + PART_BYTES] for start in range(0, len(body), PART_BYTES)]
    return [
        orjson.dumps([_FORMAT, shipment.origin, shipment.first, shipment.last, part, len(pieces)]) + b"\n" + piece
        for part, piece in enumerate(pieces)
    ]


class Log:
    """Both ends of the log."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._checked = 0  # the connection on which the place was last compared with the stream
        self._newest = 0  # the newest number that was heard of
        self._exact_at = -math.inf  # when it was last known how much there is
        self._news = asyncio.Event()
        self._heard: dict[int, tuple[int, bytes]] = {}  # number -> the connection on which it was told, and its body
        self._heard_bytes = 0
        self._cut = False  # whether the first messages are gone
        self._parts: dict[str, list[bytes]] = {}  # origin -> what has come of a shipment in parts

    async def follow(self) -> None:
        """Hear of new messages."""
        await self._wire.subscribe("q.new.>", self._hear)

    async def _hear(self, message: Msg) -> None:
        number = int((message.headers or {}).get("Nats-Sequence", 0))
        if message.data and number not in self._heard and self._heard_bytes + len(message.data) <= _HEARD_BYTES:
            self._heard[number] = self._wire.connections, message.data
            self._heard_bytes += len(message.data)
        self._newest = max(self._newest, number)
        self._news.set()

    async def publish(self, shipment: Shipment) -> None:
        """Append a shipment."""
        for part in parts_of(shipment):
            try:
                await self._wire.store(f"q.log.{shipment.origin}", part)
            except ApiError as error:  # the log is not there yet
                raise EngineAway(str(error)) from error

    async def read(self, text: str | None, wait: float) -> Reading:
        """Return what comes after a place, waiting for it."""
        try:
            return await self._read(_Place.parse(text), wait)
        except ApiError as error:
            raise EngineAway(str(error)) from error

    async def _read(self, place: _Place | None, wait: float) -> Reading:
        heard = place is not None and self._newest > place.number and self._checked == self._wire.connections
        exact = asyncio.get_running_loop().time() - self._exact_at < _EXACT_EVERY
        if heard and exact:
            assert place is not None
            return await self._fetch(place, place.number + 1, self._newest, reset=False, exact=False)
        self._news.clear()  # before the look, or what comes between the two would wake nobody
        place, first, last, reset = await self._compare(place)
        if last <= place.number and not reset and wait:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()
            return await self._read(place, 0)
        self._exact_at = asyncio.get_running_loop().time()
        return await self._fetch(place, max(first, place.number + 1), last, reset=reset, exact=True)

    async def _compare(self, place: _Place | None) -> tuple[_Place, int, int, bool]:
        """Return the place to read on from, the stream's first and last numbers, and whether it is a new start."""
        connection = self._wire.connections
        info = await self._wire.api(f"STREAM.INFO.{STREAM}")
        created, state = str(info["created"]), info["state"]
        first, last = int(state["first_seq"]), int(state["last_seq"])
        start = _Place(created, 0, "")
        if place is None:
            found, reset = start, False
        elif place.created != created or last < place.number:
            found, reset = start, True
        elif connection == self._checked or place.number < first or not place.number:
            found, reset = place, False
        else:
            message = await self._ask(place.number)
            reset = not place.is_of(message)
            found = start if reset else place
        if reset:
            self._parts.clear()
            self._heard, self._heard_bytes = {}, 0
            self._newest = 0
        # What was heard on a connection before may be of numbers that the server has forgotten since.
        self._newest = max(self._newest, last) if connection == self._checked else last
        self._cut = first > 1
        self._checked = 0 if reset else connection  # a new start counts when something has been read from there
        return found, first, last, reset

    async def _fetch(self, place: _Place, first: int, last: int, *, reset: bool, exact: bool) -> Reading:
        """Read messages. `exact`: `last` is the stream's newest, of this moment."""
        numbers = range(first, min(last, first + _AT_ONCE - 1) + 1)
        told = [self._told(number) for number in numbers]
        asked = iter(
            await asyncio.gather(
                *(self._ask(number) for number, message in zip(numbers, told, strict=True) if message is None)
            )
        )
        messages = [next(asked) if message is None else message for message in told]
        skipped = first > place.number + 1 or None in messages
        self._cut = self._cut or skipped
        self._forget_heard(max(numbers, default=0))
        shipments = []
        for number, message in zip(numbers, messages, strict=True):
            place = _Place(place.created, number, "" if message is None else message.time or message.checksum)
            shipment = None if message is None else self._join(message.data)
            if shipment is not None:
                shipments.append(shipment)
        left = max(0, last - place.number)
        return Reading(shipments, str(place), left if exact else max(1, left), reset, self._cut, skipped)

    def _forget_heard(self, number: int) -> None:
        """What was told up to a number has been read, or asked for."""
        while self._heard and (oldest := next(iter(self._heard))) <= number:
            self._heard_bytes -= len(self._heard.pop(oldest)[1])

    def _told(self, number: int) -> _Message | None:
        """Return a message that was told on this connection."""
        connection, body = self._heard.get(number, (0, b""))
        return _Message(body) if connection and connection == self._checked == self._wire.connections else None

    async def _ask(self, number: int) -> _Message | None:
        """Return a message of the stream; None: it is not there."""
        try:
            found = await self._wire.api(f"STREAM.MSG.GET.{STREAM}", {"seq": number})
        except ApiError as error:
            if error.is_missing:
                return None
            raise
        message = found["message"]
        return _Message(b64decode(message["data"]), str(message["time"]))

    def _join(self, data: bytes) -> Shipment | None:
        """Return a shipment when its last part has come. Parts without their first one are asked for again."""
        head, _, piece = data.partition(b"\n")
        _, origin, first, last, part, parts = orjson.loads(head)
        if parts == 1:
            return Shipment(origin, first, last, isal_zlib.decompress(piece))
        if part == 0:
            self._parts[origin] = []
        pieces = self._parts.get(origin, [])
        if len(pieces) != part:
            self._parts.pop(origin, None)
            return None
        pieces.append(piece)
        if len(pieces) < parts:
            return None
        return Shipment(origin, first, last, isal_zlib.decompress(b"".join(self._parts.pop(origin))))
