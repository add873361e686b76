"""Reading pages in other processes: lent one at a time, killed when they stall, replaced when they die.

`open_pool` owns the processes; the first is started when first one is wanted, and none is left when the block ends,
also when it is cancelled. A `Reading` is one process for as long as one page is looked at; what it raises concerns
that page alone. Waiting is done on the pipes themselves, without threads (see `hearing`).
"""

import os
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import orjson
import trio

from quaero_cli.crawl.hearing import Ear, Hearing, ReadingFailed
from quaero_cli.crawl.reading.forkserver import ANSWER_HEAD, LENGTH, WITH_ARTICLE
from quaero_cli.crawl.reading_server import ReadingServer

# Seconds of processor time for one request: hundreds of times an ordinary page. An honest megabyte takes six.
PAGE_SECONDS = 20.0
# Pages after which a process is replaced: parsers leak a little.
_PAGES_PER_PROCESS = 2_000
# More processes than this only wait for the disk and the network of a single crawl.
_MAX_PROCESSES = 5

# An ordinary answer, links or an article, comes in one piece.
_RECEIVE_BYTES = 64 * 1024

__all__ = ["Pool", "Reading", "ReadingFailed", "open_pool", "process_count"]

DEFAULT_FACTORY = "quaero_cli.crawl.reading.reader:make"
LINKS_FACTORY = "quaero_cli.crawl.reading.looker:make"


def process_count() -> int:
    """Processes worth having here: two more than cores, since each waits a tenth of its time for its next page."""
    return min(_MAX_PROCESSES, len(os.sched_getaffinity(0)) + 2)


class Looked(NamedTuple):
    """What was seen of a page. `article`: the answer about its article, or why there is none; None: not asked for."""

    view: dict[str, Any]
    article: "dict[str, Any] | ReadingFailed | None"


class Pool:
    """Lends reading processes; from `open_pool`."""

    def __init__(self, hearing: Hearing, *, processes: int, factory: str) -> None:
        self._server = ReadingServer(factory)
        self._hearing = hearing
        self._free = processes  # places that nobody has
        self._waiting = trio.lowlevel.ParkingLot()  # for one, which is handed on to the first
        self._idle: list[Reading] = []

    def lend(self) -> "_Loan":
        """A process for one page, for the length of an `async with`. Raises PoolBroken if none can be started."""
        return _Loan(self)

    async def look(self, request: Mapping[str, Any], body: bytes) -> Looked:
        """Look at a page, and read its article if the request asks for it (see `goes_on`). Raises as `Reading.ask`.

        A page whose article breaks the process is looked at once more without it: it still leads to others.
        """
        reading: Reading | None = None
        try:
            async with self.lend() as reading:
                view = await reading.ask(request, body)
        except ReadingFailed as error:
            if reading is None or reading.usable or not request.get("article"):
                raise
            return Looked((await self.look({**request, "article": None}, body)).view, error)
        article = view.pop(WITH_ARTICLE, None)
        if article is not None and "error" in article:
            article = ReadingFailed(f"the parser failed: {article['error']}")
        return Looked(view, article)

    async def take(self) -> "Reading":
        """Wait for a process; to be given back. Raises PoolBroken."""
        await trio.lowlevel.checkpoint_if_cancelled()  # what is asked of it lets others run
        if self._free:
            self._free -= 1
        else:
            await self._waiting.park()
        try:
            return self._idle.pop() if self._idle else await self._start()
        except BaseException:
            self._hand_on()
            raise

    def _hand_on(self) -> None:
        """Give a place to the next one."""
        if self._waiting:
            self._waiting.unpark()
        else:
            self._free += 1

    async def give_back(self, reading: "Reading") -> None:
        """Let others have it. One that was left in the middle of an answer cannot be told to stop, only killed."""
        try:
            if reading.usable:
                self._idle.append(reading)
            else:
                with trio.CancelScope(shield=True):  # bounded: the server kills and answers, or is killed itself
                    reading.close()
                    await self._server.end(reading.process_id)
        finally:
            self._hand_on()

    async def start_scout(self) -> tuple[socket.socket, int]:
        """A process that fetches pages itself: its pipe, which does not block, and its ID. Raises PoolBroken."""
        return await self._server.fork(scout=True)

    async def end_scout(self, process_id: int) -> None:
        """Kill it, and wait until it is gone."""
        await self._server.end(process_id)

    async def stop(self) -> None:
        """End every process. Bounded in time; no request may be running."""
        for reading in self._idle:
            reading.close()
        self._idle.clear()
        await self._server.stop()

    async def _start(self) -> "Reading":
        pipe, process_id = await self._server.fork()
        return Reading(pipe, self._hearing.open_ear(pipe.fileno(), process_id))


class _Loan:
    """A process that is lent. A plain class: it is entered for each page."""

    __slots__ = ("_pool", "_reading")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> "Reading":
        self._reading = await self._pool.take()
        return self._reading

    async def __aexit__(self, *_: object) -> None:
        await self._pool.give_back(self._reading)


class Reading:
    """One process, answering one request after another about one page."""

    def __init__(self, pipe: socket.socket, ear: Ear) -> None:
        """`pipe` does not block; both are closed by `close`."""
        self._pipe = pipe
        self._ear = ear
        self._received = bytearray()
        self._spent = 0.0  # processor time of the process, when it answered last
        self._requests = 0
        self._broken = False

    @property
    def process_id(self) -> int:
        """Which process it is."""
        return self._ear.process_id

    @property
    def usable(self) -> bool:
        """Whether it may read another page."""
        return not self._broken and self._requests < _PAGES_PER_PROCESS

    async def ask(self, request: Mapping[str, Any], body: bytes = b"") -> dict[str, Any]:
        """Send a request and return its answer. Raises ReadingFailed; cancelled, the process is lost."""
        self._requests += 1
        head = orjson.dumps(request)
        self._broken = True  # until the answer is here, whole
        self._ear.begin(self._spent)
        try:
            await self._send(LENGTH.pack(len(head)) + head + LENGTH.pack(len(body)), body)
            await self._ear.wait()
            answer: dict[str, Any] = orjson.loads(await self._receive())
        except (OSError, EOFError):
            raise ReadingFailed("it ended its reading process") from None
        self._broken = False
        if "error" in answer:
            raise ReadingFailed(f"the parser failed: {answer['error']}")
        return answer

    def close(self) -> None:
        """Close the pipe: an idle process then ends by itself."""
        self._ear.close()
        self._pipe.close()

    # Without Trio's streams: an ordinary page is one system call, one wait and one more call.

    async def _send(self, head: bytes, body: bytes) -> None:
        try:
            sent = self._pipe.sendmsg((head, body))
        except BlockingIOError:
            sent = 0
        if sent == len(head) + len(body):
            return
        rest = memoryview(head + body)[sent:]
        while rest:
            await self._ear.wait_for_room()
            with suppress(BlockingIOError):
                rest = rest[self._pipe.send(rest) :]

    async def _receive(self) -> bytes:
        """One answer. Raises EOFError, and ReadingFailed in time."""
        data = self._received
        while len(data) < (end := self._end_of_answer()):
            try:
                part = self._pipe.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                await self._ear.wait()
                continue
            if not part:
                raise EOFError
            data += part
        answer = bytes(data[ANSWER_HEAD.size : end])
        del data[:end]
        return answer

    def _end_of_answer(self) -> int:
        """How many bytes must be here: the head of an answer, then as many as it says."""
        if len(self._received) < ANSWER_HEAD.size:
            return ANSWER_HEAD.size
        size, self._spent = ANSWER_HEAD.unpack_from(self._received)
        return ANSWER_HEAD.size + int(size)


@asynccontextmanager
async def open_pool(
    *, processes: int | None = None, factory: str = DEFAULT_FACTORY, page_seconds: float = PAGE_SECONDS
) -> AsyncGenerator[Pool, None]:
    """A pool for as long as the block runs; afterwards, however it ends, none of its processes is left."""
    hearing = Hearing(page_seconds)
    pool = Pool(hearing, processes=processes or process_count(), factory=factory)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hearing.run)
            yield pool
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):  # bounded by the server's own limit
            await pool.stop()
        hearing.close()
