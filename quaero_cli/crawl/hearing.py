"""Hearing what reading processes answer: one task for all pipes of a pool, and an end for a page that takes too long.

As with libcurl's sockets (see `curl`) the pipes are watched by an epoll of our own, and Trio watches that one. It
tells edges: a pipe is registered once, and every event is either waited for or remembered, so whoever waits tries
again after it and waits again if there was too little. A page costs no timer: the time of all pages is looked at by
one task, which sleeps until the first of them may be over.

What a page may take is counted in processor time of its process: how busy the machine is says nothing about the page.
"""

import select
import time
from math import inf

import outcome
import trio

# Seconds after which a process that spends nothing is taken for stuck, however busy the machine is.
_STUCK_SECONDS = 300.0
# Seconds between two looks at what a process has spent, at least.
_LOOK_AGAIN = 0.05

_CPUCLOCK_SCHED = 2  # in a clock's number beside a process ID: its processor time (clock_getcpuclockid(3))

_READABLE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET


class ReadingFailed(Exception):
    """The page could not be read: it broke the parser, its process, or took too long. `reason` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Hearing:
    """Hears a pool's processes. `run` must be running in a nursery of the owner; `close` after it has ended."""

    def __init__(self, page_seconds: float) -> None:
        """`page_seconds`: processor time that a page may take."""
        self.page_seconds = page_seconds
        self._epoll = select.epoll()
        self._ears: dict[int, Ear] = {}
        self._needed = trio.Event()  # somebody waits

    async def run(self) -> None:
        """Hear until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                for descriptor, _ in self._epoll.poll(0):
                    if descriptor in self._ears:
                        self._ears[descriptor].hear()

    def open_ear(self, descriptor: int, process_id: int) -> "Ear":
        """An ear for a process's pipe, which does not block; to be closed before the pipe."""
        ear = self._ears[descriptor] = Ear(self, descriptor, process_id)
        self._epoll.register(descriptor, _READABLE)
        return ear

    def need(self) -> None:
        """Somebody waits."""
        self._needed.set()

    def expect_room(self, descriptor: int, *, expected: bool) -> None:
        """Hear also that the pipe takes more, or no longer."""
        self._epoll.modify(descriptor, _READABLE | (select.EPOLLOUT if expected else 0))

    def forget(self, descriptor: int) -> None:
        """Hear the pipe no more."""
        if self._ears.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def close(self) -> None:
        """Close the epoll. Nobody may be waiting."""
        self._epoll.close()

    async def _watch(self) -> None:
        """End what takes too long."""
        while True:
            waiting = [ear for ear in self._ears.values() if ear.waited_for]
            if not waiting:
                self._needed = trio.Event()
                await self._needed.wait()
                continue
            await trio.sleep_until(min(ear.look_at for ear in waiting))
            now = trio.current_time()
            for ear in waiting:
                if ear.waited_for and ear.look_at <= now:
                    ear.judge(now)


class Ear:
    """What is heard of one process, and how long it has been reading its page."""

    __slots__ = ("_began", "_heard", "_hearing", "_stuck_at", "_task", "descriptor", "look_at", "process_id")

    def __init__(self, hearing: Hearing, descriptor: int, process_id: int) -> None:
        self._hearing = hearing
        self.descriptor = descriptor
        self.process_id = process_id
        self._task: trio.lowlevel.Task | None = None
        self._heard = False  # something, while nobody waited
        self._began = 0.0  # processor time when it got its page
        self._stuck_at = inf
        self.look_at = inf  # when the time of its page may be over

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for its answer."""
        return self._task is not None

    def begin(self, spent: float) -> None:
        """It gets a request; until now its process has spent so much processor time, as it says itself."""
        now = trio.current_time()
        self._began = spent
        self.look_at, self._stuck_at = now + self._hearing.page_seconds, now + _STUCK_SECONDS

    async def wait(self) -> None:
        """Wait for an event since the last one that was waited for. Raises ReadingFailed when its time is over."""
        if self._heard:
            self._heard = False
            return
        self._task = trio.lowlevel.current_task()
        self._hearing.need()
        await trio.lowlevel.wait_task_rescheduled(self._abort)

    async def wait_for_room(self) -> None:
        """The same where the pipe is to take more."""
        self._hearing.expect_room(self.descriptor, expected=True)
        try:
            await self.wait()
        finally:
            self._hearing.expect_room(self.descriptor, expected=False)

    def hear(self) -> None:
        """An event."""
        if self._task is None:
            self._heard = True
        else:
            self._wake(outcome.Value(None))

    def judge(self, now: float) -> None:
        """The time of the page may be over."""
        if now >= self._stuck_at:
            self._wake(outcome.Error(ReadingFailed(f"it was not read within {_STUCK_SECONDS:g} s")))
            return
        spent = self._spent()
        self._began = min(self._began, spent)  # a process that tells too much gains one page's time by it
        left = self._began + self._hearing.page_seconds - spent
        if left > 0:
            self.look_at = now + max(left, _LOOK_AGAIN)
            return
        seconds = self._hearing.page_seconds
        self._wake(outcome.Error(ReadingFailed(f"reading it took more than {seconds:g} s of processor time")))

    def close(self) -> None:
        """Hear it no more."""
        self._hearing.forget(self.descriptor)

    def _wake(self, result: "outcome.Outcome[None]") -> None:
        task, self._task = self._task, None
        assert task is not None
        trio.lowlevel.reschedule(task, result)

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED

    def _spent(self) -> float:
        """Processor time of the process, in seconds; none where it is gone, which its pipe tells."""
        try:
            return time.clock_gettime(~self.process_id << 3 | _CPUCLOCK_SCHED)
        except OSError:
            return 0.0
