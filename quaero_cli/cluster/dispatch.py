"""Jobs of a view's store, on their way to the queue and back: handed over, cancelled, settled.

A job is a row of the store first; whoever made it (a command, the API, the scheduler) need not know the engine. This
task looks for what is to be done after each wake-up, at once when that is an errand. All that it does may be done
again: the queue takes no job twice, a wish to cancel is a flag. So what is kept of it is kept afterwards, when nobody
waits for that. What the engine forgot (it came back from an older state) is given to it anew.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple, Unpack

import trio

from quaero_cli.cluster.ports import EngineAway, EngineFull, Presence, RunQueue
from quaero_cli.model import Fact, JobChanged, JobQueued, Level, LogLine, Status, StepChanged
from quaero_cli.model.taking import labels_as_words, why_untaken
from quaero_cli.store.dispatch import (
    GONE_AFTER,
    ErrandBook,
    Waiting,
    Wish,
    forget_dispatch,
    keep_node,
    live_offers,
    mark_sent,
    mark_told,
    nodes,
    open_needs,
)
from quaero_cli.store.factcodec import job_of
from quaero_cli.store.queue import now_us
from quaero_cli.store.turns import look_for_turn
from quaero_cli.stream.wakeups import Wakeups

T = TypeVar("T")
Args = TypeVarTuple("Args")

# Seconds between looks, but for errands: a job that logs wakes everybody at each of its commits.
LOOK_INTERVAL = 0.05
# Seconds after which jobs that wait are handed over again, in case the engine forgot them.
RECONCILE_INTERVAL = 15.0
RETRY_INTERVAL = 0.5
# Seconds that whoever made a job waits until it is handed over, which takes one or two thousandths mostly.
HANDING_PATIENCE = 0.01
# Seconds until every machine that is there has been heard: each speaks every ten.
HEARING = 12.0


class Dispatcher:
    """Hands jobs over. `run` and `watch_nodes` are its tasks; `emit` takes facts for this store and the others."""

    def __init__(
        self,
        path: Path,
        wakeups: Wakeups,
        queue: RunQueue,
        emit: Callable[[Fact], None],
        say: Callable[[str], None],
        *,
        hearing: float = HEARING,
    ) -> None:
        """`hearing`: seconds until every worker machine that is there has been heard."""
        self._path = path
        self._wakeups = wakeups
        self._queue = queue
        self._emit = emit
        self._say = say
        self._asked: dict[str, float] = {}  # job -> when the wish to cancel it was handed on
        self._checked = -RECONCILE_INTERVAL
        self._full = False
        self._hearing = hearing
        self._judged: set[str] = set()  # the jobs of which it was seen whether a machine may take them
        self._began = trio.current_time()
        self._ended: dict[str, str] = {}  # jobs that are to be settled, with how they ended
        self._any_ended = trio.Event()
        self._given: list[Waiting] = []  # jobs that were just made
        self._due = trio.Event()  # there may be something to do; replaced before it is done
        self._stale = True  # what was seen at the last look is not all by now
        self._looked = -math.inf
        self._handed = trio.Event()  # set, and replaced, when those that were given are handed over
        self._in_turn = False  # the last look has left no job behind

    async def hand_over(self, job: Waiting) -> None:
        """Hand over a job that this process has just made, without a look for it.

        Returns when that is done, or soon: what this process does beside it holds up a job that could begin.
        """
        self._given.append(job)
        self._due.set()
        with trio.move_on_after(HANDING_PATIENCE):
            await self._handed.wait()

    async def run(self) -> None:
        """Hand over until cancelled."""
        self._stale = True
        with closing(await _in_thread(ErrandBook, self._path)) as book:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._settle)
                nursery.start_soon(self._hear, self._wakeups.waiter())
                nursery.start_soon(self._hear_errands, self._wakeups.errand_waiter())
                await self._run_errands(book)

    async def _hear_errands(self, errand: trio.Event) -> None:
        while True:
            await errand.wait()
            self._look_soon()
            errand = self._wakeups.errand_waiter()

    async def _hear(self, waiter: trio.Event) -> None:
        """Have a look after each wake-up, though not too often."""
        while True:
            await waiter.wait()
            await trio.sleep(max(0.0, self._looked + LOOK_INTERVAL - trio.current_time()))
            self._look_soon()
            waiter = self._wakeups.waiter()

    def _look_soon(self) -> None:
        self._stale = True
        self._due.set()

    async def _run_errands(self, book: ErrandBook) -> None:
        while True:
            self._due = trio.Event()
            given, self._given = self._given, []
            try:
                if self._in_turn:
                    await self._hand_over_all(given)
                self._handed.set()
                self._handed = trio.Event()
                if self._stale or not self._in_turn:
                    await self._look(book)
            except EngineAway:
                self._in_turn = False
                await trio.sleep(RETRY_INTERVAL)
                continue
            with trio.move_on_after(RECONCILE_INTERVAL) as patience:
                await self._due.wait()
            self._stale |= patience.cancelled_caught

    async def _look(self, book: ErrandBook) -> None:
        self._stale, self._looked = False, trio.current_time()
        again = self._looked - self._checked >= RECONCILE_INTERVAL
        jobs, wishes, ended = await _in_thread(book.look)
        found = {job.job for job in jobs}
        self._given = [job for job in self._given if job.job not in found]
        self._in_turn = False
        await self._hand_over_all([job for job in jobs if again or not job.sent])
        self._in_turn = not self._full
        for wish in wishes:
            if trio.current_time() - self._asked.get(wish.job, -RECONCILE_INTERVAL) >= RECONCILE_INTERVAL:
                await self._cancel(wish)
        if ended:
            self._ended.update(ended)
            self._any_ended.set()
        await self._tell_untaken(jobs, again=again)
        if again:  # a server that came back may have lost its way to the workers, also that of items under way
            for needs in await _in_thread(open_needs, self._path):
                await self._queue.prepare(needs)
            self._checked = trio.current_time()

    async def _settle(self) -> None:
        """Let the queue know of ends. Beside the errands: many jobs may end at once, and none is waited for."""
        while True:
            await self._any_ended.wait()
            self._any_ended = trio.Event()
            ended = dict(self._ended)
            if not ended:  # it was found twice
                continue
            try:
                for job_id, status in ended.items():
                    await self._queue.settle(job_id, status)
            except EngineAway:
                self._any_ended.set()
                await trio.sleep(RETRY_INTERVAL)
                continue
            await _in_thread(forget_dispatch, self._path, list(ended))
            for job_id in ended:
                self._asked.pop(job_id, None)
                del self._ended[job_id]

    async def _hand_over_all(self, jobs: Sequence[Waiting]) -> None:
        sent: list[str] = []
        try:
            for job in jobs:
                if await self._has_turn(job):
                    await self._hand_over(job)
                    if not job.sent:
                        sent.append(job.job)
        except EngineFull as error:
            if not self._full:
                self._say(f"The engine is full, jobs wait here: {error.message}")
            self._full = True
        else:
            if self._full and jobs:
                self._say("The engine has room for jobs again")
                self._full = False
        finally:
            if sent:
                with trio.CancelScope(shield=True):  # a moment; else they are only handed over again
                    await _in_thread(mark_sent, self._path, sent)

    async def _has_turn(self, waiting: Waiting) -> bool:
        """Return whether the jobs have ended for which this one is to wait, as its definition says."""
        if job_of(waiting.body).overlap not in ("queue", "cancel"):
            return True
        turn = await _in_thread(look_for_turn, self._path, waiting.job)
        return turn.pending and not turn.ahead

    async def _hand_over(self, waiting: Waiting) -> None:
        await self._queue.enqueue(waiting.needs, waiting.job, waiting.body)
        if not waiting.sent:  # now: a commit beside it would hold up what is waited for
            self._emit(JobQueued(job_of(waiting.body), waiting.needs.queue, waiting.time_us))

    async def _tell_untaken(self, jobs: Sequence[Waiting], *, again: bool) -> None:
        """Tell in the job's log why no worker may take it, and that one is there now."""
        if trio.current_time() - self._began < self._hearing:
            return  # those that are there have not all been heard
        self._judged &= set() if again else {job.job for job in jobs}
        unjudged = [job for job in jobs if job.sent and job.job not in self._judged]
        offers = await _in_thread(live_offers, self._path) if unjudged else ()
        for job in unjudged:
            self._judged.add(job.job)
            reason = why_untaken(job.needs, offers)
            if reason == job.told:
                continue
            if reason is not None:
                self._say_in(job, Level.WARN, f"Waiting in the queue: {reason}", needs=job.needs.words)
            else:
                self._say_in(job, Level.INFO, "A worker is there that may take the job")
            await _in_thread(mark_told, self._path, job.job, reason)

    def _say_in(self, job: Waiting, level: Level, text: str, **fields: str) -> None:
        self._emit(LogLine(job.job, None, None, now_us(), level, text, "", "runner", fields))

    async def _cancel(self, wish: Wish) -> None:
        never_ran = wish.unsent or await self._queue.cancel(wish.job)
        self._asked[wish.job] = trio.current_time()
        if never_ran:
            for fact in _ends_unrun(wish):
                self._emit(fact)

    async def watch_nodes(self, presence: Presence) -> None:
        """Keep what the worker machines say, until cancelled."""
        heard = await _in_thread(self._living)
        while True:
            told = None
            with trio.move_on_at(min(heard.values(), default=math.inf) + GONE_AFTER):
                told = await presence.next_node()
            if told is not None:
                await self._hear_node(heard, *told)
            for name in [name for name, at in heard.items() if at + GONE_AFTER <= trio.current_time()]:
                del heard[name]
                self._say(f"Worker {name} is lost: it has said nothing for {GONE_AFTER:g} s")

    def _living(self) -> dict[str, float]:
        """Return those that were there when this view last was, as if heard now."""
        return {node["name"]: self._began for node in nodes(self._path, now_us()) if node["alive"]}

    async def _hear_node(self, heard: dict[str, float], name: str, facts: Mapping[str, Any]) -> None:
        if name not in heard:
            having = "".join(f", {word}" for word in labels_as_words(facts.get("labels", {})))
            self._say(
                f"Worker {name} is there: {facts.get('slots')} slots, queues {', '.join(facts['queues'])}{having}"
            )
        heard[name] = trio.current_time()
        if facts.get("left"):
            del heard[name]
            self._say(f"Worker {name} has left")
        await _in_thread(keep_node, self._path, name, facts, now_us())


_THREAD = trio.CapacityLimiter(2)


async def _in_thread(function: Callable[[Unpack[Args]], T], *args: *Args) -> T:
    return await trio.to_thread.run_sync(partial(function, *args), limiter=_THREAD)


def _ends_unrun(wish: Wish) -> list[Fact]:
    """Return the end of a job that was cancelled before a worker had it, or when nobody knows any more who has it."""
    now, reason = now_us(), "cancelled on request"
    words = "the job was cancelled before it began" if wish.attempt == 0 else reason
    facts: list[Fact] = [StepChanged(wish.job, step, Status.SKIPPED, now, words) for step in wish.steps]
    text = f"Status changed: cancelled (job: {wish.name})"
    facts.append(LogLine(wish.job, None, None, now, Level.WARN, text, "", "runner", {"error": reason}))
    facts.append(JobChanged(wish.job, Status.CANCELLED, now, wish.attempt, reason))
    return facts
