"""libcurl's multi interface on Trio: many transfers, one task, and nothing about HTTP.

libcurl names the sockets it wants watched; they are kept in an epoll of our own, and Trio watches that epoll's file
descriptor (an epoll is readable while one of its members is ready). So a round costs one wake-up of one task however
many connections are ready: 47 µs a request, against 75 to 140 with a task for each socket.

Rules: an easy handle belongs to one `perform` at a time; libcurl's callbacks never await and never call the multi
handle.
"""

import math

import outcome
import pycurl
import trio

from quaero_cli.crawl.sockets import Sockets

# Idle connections kept for reuse; more than workers at once are of no use.
IDLE_CONNECTIONS = 512


class CurlError(Exception):
    """A transfer failed: libcurl's code and its words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class CurlLoop:
    """Drives transfers. `run` must be running in a nursery of the owner; `close` after it has ended."""

    def __init__(self) -> None:
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, IDLE_CONNECTIONS)
        self._sockets = Sockets(self._multi)
        self._waiting: dict[pycurl.Curl, trio.lowlevel.Task] = {}
        self._deadline = math.inf  # when libcurl wants to be called without any socket being ready
        self._pause: trio.CancelScope | None = None  # the time keeper's wait, while it waits
        self._beginning = False

    async def run(self) -> None:
        """Drive until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_time)
            while True:
                await trio.lowlevel.wait_readable(self._sockets.epoll.fileno())
                self._turn()

    async def _keep_time(self) -> None:
        """Call libcurl when it wants to be called. Its own task: a timer for each turn costs more than the turn."""
        while True:
            await trio.lowlevel.checkpoint_if_cancelled()
            with trio.CancelScope(deadline=self._deadline) as self._pause:
                await trio.sleep_forever()
            self._pause = None
            if trio.current_time() >= self._deadline:
                self._deadline = math.inf
                self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
                self._collect()

    async def perform(self, handle: pycurl.Curl) -> None:
        """Run one prepared transfer to its end. Raises CurlError; cancelled, the transfer is dropped at once."""
        await trio.lowlevel.checkpoint_if_cancelled()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting.pop(handle, None)
            return trio.lowlevel.Abort.SUCCEEDED

        self._waiting[handle] = trio.lowlevel.current_task()
        try:
            self._begin(handle)
            await trio.lowlevel.wait_task_rescheduled(abort)
        finally:
            self._waiting.pop(handle, None)
            self._multi.remove_handle(handle)

    def _begin(self, handle: pycurl.Curl) -> None:
        """Let libcurl take its first step at once: to wake the driver for it, Trio would have to cancel its wait."""
        self._beginning = True
        self._multi.add_handle(handle)
        self._beginning = False
        _, running = self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        if running < len(self._waiting):  # one has ended already; tasks are woken by the driver
            self._on_timer(0)

    def give_up(self, handle: pycurl.Curl) -> None:
        """End a transfer that runs, as libcurl does when its own time limit is over."""
        self._wake(handle, outcome.Error(CurlError(pycurl.E_OPERATION_TIMEDOUT, "given up")))

    def close(self) -> None:
        """Close every connection. No transfer may be running."""
        self._multi.close()
        self._sockets.epoll.close()

    def _turn(self) -> None:
        self._sockets.turn(self._sockets.epoll.poll(0))
        self._collect()

    def _collect(self) -> None:
        """Wake the tasks whose transfers have ended."""
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            for handle in done:
                self._wake(handle, outcome.Value(None))
            for handle, code, text in failed:
                self._wake(handle, outcome.Error(CurlError(code, text)))

    def _wake(self, handle: pycurl.Curl, result: "outcome.Outcome[None]") -> None:
        task = self._waiting.pop(handle, None)
        if task is not None:
            trio.lowlevel.reschedule(task, result)

    def _on_timer(self, milliseconds: int) -> int:
        if self._beginning and milliseconds == 0:
            return 0  # it is called right after
        self._deadline = math.inf if milliseconds < 0 else trio.current_time() + milliseconds / 1000
        # A later one is taken when that has woken: to wake too early is harmless, to tell Trio is not cheap.
        if self._pause is not None and self._deadline < self._pause.deadline:
            self._pause.deadline = self._deadline
        return 0
