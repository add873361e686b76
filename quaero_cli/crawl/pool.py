"""Reading pages in other processes: lent one at a time, killed when they stall, replaced when they die.

What a page may take is counted in processor time of its process: how busy the machine is says nothing about the page.

`open_pool` owns the processes; the first is started when first one is wanted, and none is left when the block ends,
also when it is cancelled. A `Reading` is one process for as long as one page is looked at; what it raises concerns
that page alone. Waiting is done on the pipes themselves, without threads.
"""

import os
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import trio

from quaero_cli.crawl.reading.forkserver import ARTICLE, LENGTH, goes_on
from quaero_cli.crawl.reading_server import ReadingServer

# Seconds of processor time for one request: hundreds of times an ordinary page. An honest megabyte takes six.
PAGE_SECONDS = 20.0
# Seconds after which a process that spends nothing is taken for stuck, however busy the machine is.
_STUCK_SECONDS = 300.0
# Seconds between two looks at what a process has spent, at least.
_LOOK_AGAIN = 0.05
# Pages after which a process is replaced: parsers leak a little.
_PAGES_PER_PROCESS = 2_000
# More processes than this only wait for the disk and the network of a single crawl.
_MAX_PROCESSES = 5

_CPUCLOCK_SCHED = 2  # in a clock's number beside a process ID: its processor time (clock_getcpuclockid(3))

# An ordinary answer, links or an article, comes in one piece.
_RECEIVE_BYTES = 64 * 1024

DEFAULT_FACTORY = "quaero_cli.crawl.reading.reader:make"


class ReadingFailed(Exception):
    """The page could not be read: it broke the parser, its process, or took too long. `reason` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def process_count() -> int:
    """Processes worth having here: one more than cores, since each waits now and then for its next page."""
    return min(_MAX_PROCESSES, len(os.sched_getaffinity(0)) + 1)


class Pool:
    """Lends reading processes; from `open_pool`."""

    def __init__(self, *, processes: int, factory: str, page_seconds: float) -> None:
        self._server = ReadingServer(factory)
        self._places = trio.Semaphore(processes)
        self._idle: list[Reading] = []
        self._page_seconds = page_seconds

    def lend(self) -> "_Loan":
        """A process for one page, for the length of an `async with`. Raises PoolBroken if none can be started."""
        return _Loan(self)

    async def take(self) -> "Reading":
        """Wait for a process; to be given back. Raises PoolBroken."""
        await trio.lowlevel.checkpoint_if_cancelled()  # what is asked of it lets others run
        try:
            self._places.acquire_nowait()
        except trio.WouldBlock:
            await self._places.acquire()
        try:
            return self._idle.pop() if self._idle else await self._start()
        except BaseException:
            self._places.release()
            raise

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
            self._places.release()

    async def stop(self) -> None:
        """End every process. Bounded in time; no request may be running."""
        for reading in self._idle:
            reading.close()
        self._idle.clear()
        await self._server.stop()

    async def _start(self) -> "Reading":
        pipe, process_id = await self._server.fork()
        return Reading(pipe, process_id, self._page_seconds)


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

    def __init__(self, pipe: socket.socket, process_id: int, page_seconds: float) -> None:
        """`pipe` does not block, and is closed by `close`."""
        self._pipe = pipe
        self._received = bytearray()
        self.process_id = process_id
        self._page_seconds = page_seconds
        self._requests = 0
        self._broken = False
        self._goes_on = False

    @property
    def usable(self) -> bool:
        """Whether it may read another page."""
        return not self._broken and not self._goes_on and self._requests < _PAGES_PER_PROCESS

    async def ask(self, request: Mapping[str, Any], body: bytes = b"") -> dict[str, Any]:
        """Send a request and return its answer. Raises ReadingFailed; cancelled, the process is lost."""
        self._requests += 1
        head = orjson.dumps(request)
        answer = await self._answer(LENGTH.pack(len(head)) + head + LENGTH.pack(len(body)) + body)
        self._goes_on = goes_on(request, answer)
        return answer

    async def article(self) -> dict[str, Any]:
        """The article of the page that was looked at; it is on its way already if the request asked for it, too."""
        if not self._goes_on:
            return await self.ask(ARTICLE)
        answer = await self._answer(b"")
        self._goes_on = False
        return answer

    async def settle(self) -> None:
        """Take an article that is on its way although nobody wants it any more."""
        if self._goes_on:
            await self.article()

    def close(self) -> None:
        """Close the pipe: an idle process then ends by itself."""
        self._pipe.close()

    async def _answer(self, data: bytes) -> dict[str, Any]:
        """Send `data` and return the next answer. Raises ReadingFailed."""
        self._broken = True  # until the answer is here, whole
        began = self._spent()
        try:
            await self._send(data, began)
            answer: dict[str, Any] = orjson.loads(await self._receive(began))
        except (OSError, EOFError):
            raise ReadingFailed("it ended its reading process") from None
        self._broken = False
        if "error" in answer:
            raise ReadingFailed(f"the parser failed: {answer['error']}")
        return answer

    # Without Trio's streams: an ordinary page is one `send`, one wait and one `recv`. `began`: processor time that
    # the process had spent before.

    async def _send(self, data: bytes, began: float) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._pipe.send(rest) :]
            except BlockingIOError:
                await self._wait(trio.lowlevel.wait_writable, began)

    async def _receive(self, began: float) -> bytes:
        """One answer. Raises EOFError, and ReadingFailed in time."""
        data = self._received
        while len(data) < (size := LENGTH.size + (LENGTH.unpack_from(data)[0] if len(data) >= LENGTH.size else 0)):
            await self._wait(trio.lowlevel.wait_readable, began)
            part = self._pipe.recv(_RECEIVE_BYTES)
            if not part:
                raise EOFError
            data += part
        answer = bytes(data[LENGTH.size : size])
        del data[:size]
        return answer

    async def _wait(self, ready: Callable[[socket.socket], Awaitable[None]], began: float) -> None:
        """Wait for the pipe. Raises ReadingFailed when the page has had its time."""
        left, stuck_at = self._page_seconds, trio.current_time() + _STUCK_SECONDS
        while left > 0:
            with trio.move_on_after(max(left, _LOOK_AGAIN)):
                await ready(self._pipe)
                return
            if trio.current_time() >= stuck_at:
                raise ReadingFailed(f"it was not read within {_STUCK_SECONDS:g} s")
            left = began + self._page_seconds - self._spent()
        raise ReadingFailed(f"reading it took more than {self._page_seconds:g} s of processor time")

    def _spent(self) -> float:
        """Processor time of the process, in seconds; none where it is gone, which its pipe tells."""
        try:
            return time.clock_gettime(~self.process_id << 3 | _CPUCLOCK_SCHED)
        except OSError:
            return 0.0


@asynccontextmanager
async def open_pool(
    *, processes: int | None = None, factory: str = DEFAULT_FACTORY, page_seconds: float = PAGE_SECONDS
) -> AsyncGenerator[Pool, None]:
    """A pool for as long as the block runs; afterwards, however it ends, none of its processes is left."""
    pool = Pool(processes=processes or process_count(), factory=factory, page_seconds=page_seconds)
    try:
        yield pool
    finally:
        with trio.CancelScope(shield=True):  # bounded by the server's own limit
            await pool.stop()
