"""An asyncio loop in a thread of its own, and calls into it from Trio."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

import outcome
import trio

T = TypeVar("T")

# What the two say of a connection that breaks is no news to people: who uses it is told by an exception.
logging.getLogger("asyncio").setLevel(logging.ERROR)
logging.getLogger("nats").setLevel(logging.CRITICAL)


async def in_thread(call: Callable[[], None]) -> None:
    """Run a call in a thread; to be awaited in an asyncio loop. Cancelled, it still waits for the call's end."""
    running = asyncio.get_running_loop().run_in_executor(None, call)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


class AsyncioThread:
    """The loop. `close` ends it; calls that are under way then are cancelled."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # What the client's own tasks end with; what concerns us we are told by our calls.
        self._loop.set_exception_handler(lambda loop, context: None)
        self._thread = threading.Thread(target=self._run, name="quaero-engine", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def close(self) -> None:
        """End the loop and wait for its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def start(self, make: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Run a coroutine there. From any thread."""
        return asyncio.run_coroutine_threadsafe(make(), self._loop)

    async def call(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine there and return what it returns. Cancelling cancels it and waits for its end."""
        await trio.lowlevel.checkpoint_if_cancelled()
        return await self.join(self.start(make))

    async def join(self, future: Future[T]) -> T:
        """Return what a started coroutine returns. Cancelling cancels it and waits for its end."""
        token, task = trio.lowlevel.current_trio_token(), trio.lowlevel.current_task()
        cancelling: list[Callable[[], T]] = []  # raises Cancelled

        def report(future: Future[T]) -> None:
            result = outcome.capture(cancelling[0] if future.cancelled() and cancelling else future.result)
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(trio.lowlevel.reschedule, task, result)

        future.add_done_callback(report)

        def abort(raise_cancel: Callable[[], T]) -> trio.lowlevel.Abort:
            cancelling.append(raise_cancel)
            future.cancel()
            return trio.lowlevel.Abort.FAILED

        result: T = await trio.lowlevel.wait_task_rescheduled(abort)
        return result
