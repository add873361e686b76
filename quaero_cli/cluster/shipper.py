"""The shipper: the outbox to the engine's log, in order, and out of the outbox once a view has it on disk.

Theory of operation: one task publishes rows, one at a time, and remembers how far it has come (what was just stored
is handed to it, what waits it reads); one listens to marks. Where the first task has nothing to do, the thread that
has stored a row begins to publish it, and the task waits for the end of that: the loop need not be woken first.
A mark that moved on forgets rows. A mark that says "I have read everything, and lack what you sent" twice without
moving, or "something is missing before what came", means that the engine lost what it had acknowledged: the sender is
put back to there. A view that does not answer changes nothing: then the rows wait. Only a mark that *moves* counts as
progress; one that is merely repeated is what a lost shipment looks like.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

import trio

from quaero_cli.cluster.ports import EngineAway, LogSink, Mark, Watermarks
from quaero_cli.store.fresh import FreshRows
from quaero_cli.store.outbox import Outbox, Shipment, travelling

T = TypeVar("T")

# Seconds between questions to the views while something is left in the outbox.
ASK_INTERVAL = 2.0
# Seconds after which a view that says nothing is thought to be away: it answers each question.
SILENCE = 30.0
# Seconds until the engine is tried again.
RETRY_INTERVAL = 0.5
# Rows that are read from the outbox at once, at most: mostly they are small, and travel together.
_ROWS = 1024
# Seconds in which a second complaint about the same place is taken for an echo of the first.
_ECHO = 2.0


class Shipper:
    """Ships one store's outbox. `run` is its task; `changed` is to be called when something was stored."""

    def __init__(
        self,
        outbox: Outbox,
        sink: LogSink,
        marks: Watermarks,
        say: Callable[[str], None],
        *,
        archives: Sequence[str] = (),
        fresh: FreshRows | None = None,
    ) -> None:
        """`archives`: the views that must all have what is to be forgotten; none named: any one view.

        `fresh`: where the outbox's writer puts copies of what it stores, and tells of it.
        """
        self._outbox = outbox
        self._fresh = fresh
        self._sink = sink
        self._marks = marks
        self._say = say
        self._archives = tuple(archives)
        self._applied: defaultdict[str, dict[str, int]] = defaultdict(dict)  # origin -> view -> how far it is
        self._heard: dict[str, float] = {}  # view -> when it said something last
        self._place = 0  # the last row that was published
        self._idle_at = -1  # the same while there was nothing more
        self._published: dict[str, int] = {}
        self._lacking: dict[str, int] = {}  # origin -> where a view that had read everything was
        self._resent: dict[str, tuple[int, float]] = {}  # origin -> from where, and when
        self._more = trio.Event()
        self._lock = trio.Lock()  # around the outbox: one thread at a time
        self._away = False
        self._sent = trio.Event()  # set, and replaced, whenever something was published
        self._forgot = trio.Event()  # set, and replaced, whenever a view said how far it is

    def changed(self) -> None:
        """Something was stored."""
        self._more.set()

    async def run(self) -> None:
        """Ship until cancelled."""
        token = trio.lowlevel.current_trio_token()

        def tell(rows: Sequence[Shipment]) -> None:
            if len(rows) == 1 and rows[0].id == self._idle_at + 1:
                self._sink.begin(rows[0])  # this task publishes it in a moment
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(self.changed, idempotent=True)

        if self._fresh is not None:
            self._fresh.tell = tell
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send)
                nursery.start_soon(self._listen)
                nursery.start_soon(self._ask)
        finally:
            self._idle_at = -1  # the engine may be closed

    async def _send(self) -> None:
        while True:
            more = self._more = trio.Event()
            place = self._place
            rows = None if self._fresh is None else self._fresh.after(place)
            if rows is None:
                rows = await self._with_outbox(partial(self._outbox.after, place, _ROWS))
            for row in travelling(rows):
                if self._place != place:  # put back while these were read
                    break
                await self._publish(row, place)
                if self._place != place:  # put back meanwhile
                    break
                place = self._place = row.id
                self._published[row.origin] = max(row.last, self._published.get(row.origin, 0))
                self._sent.set()
                self._sent = trio.Event()
            if not rows and self._place == place:
                self._idle_at = place
                await more.wait()
                self._idle_at = -1

    async def _publish(self, row: Shipment, place: int) -> None:
        """Publish a row, however often that has to be tried; not when the sender has been put back from `place`."""
        while self._place == place:
            try:
                await self._sink.publish(row)
            except EngineAway as error:
                if not self._away:
                    self._away = True
                    self._say(f"The engine is {error.word}, entries wait in the outbox: {error.message}")
                await trio.sleep(RETRY_INTERVAL)
            else:
                if self._away:
                    self._away = False
                    self._say("The engine is back, entries are sent")
                return

    async def _listen(self) -> None:
        while True:
            try:
                mark = await self._marks.next_mark()
            except EngineAway:
                await trio.sleep(RETRY_INTERVAL)
                continue
            self._heard[mark.view] = trio.current_time()
            self._applied[mark.origin][mark.view] = mark.applied
            safe = self._safe(mark.origin)
            forgotten = await self._with_outbox(partial(self._outbox.forget, mark.origin, safe)) if safe else 0
            if forgotten:
                self._lacking.pop(mark.origin, None)
            self._forgot.set()
            self._forgot = trio.Event()
            if self._is_loss(mark):
                await self._send_again(mark)

    def _safe(self, origin: str) -> int:
        """Return the number up to which an origin's facts may be forgotten."""
        known = self._applied[origin]
        if not self._archives:
            return max(known.values())
        return min(known.get(view, 0) for view in self._archives)

    @property
    def is_heard(self) -> bool:
        """Whether some view answers."""
        return any(trio.current_time() - heard < 3 * ASK_INTERVAL for heard in self._heard.values())

    def silent_archives(self) -> list[str]:
        """Return the archives that do not answer."""
        now = trio.current_time()
        return [view for view in self._archives if now - self._heard.get(view, -math.inf) >= SILENCE]

    def _is_loss(self, mark: Mark) -> bool:
        """Return whether what was published after the mark is lost."""
        if self._published.get(mark.origin, 0) <= mark.applied:
            self._lacking.pop(mark.origin, None)
            return False
        if mark.gap:
            return True
        if not mark.caught_up:
            return False
        # What was published while the view looked may come yet: it must say the same twice.
        before = self._lacking.get(mark.origin)
        self._lacking[mark.origin] = mark.applied
        return before == mark.applied

    async def _send_again(self, mark: Mark) -> None:
        now = trio.current_time()
        start, moment = self._resent.get(mark.origin, (-1, 0.0))
        if start == mark.applied and now - moment < _ECHO:
            return
        await self._bridge(mark)
        place = await self._with_outbox(partial(self._outbox.place_of, mark.origin, mark.applied + 1))
        if place is not None and place < self._place:
            self._resent[mark.origin] = (mark.applied, now)
            self._lacking.pop(mark.origin, None)
            self._published[mark.origin] = mark.applied
            self._place, self._idle_at = place, -1
            self._say(f"The engine lost what it had acknowledged: sending again from number {mark.applied + 1}")
            self._more.set()

    async def _bridge(self, mark: Mark) -> None:
        """Say of numbers that were forgotten, since another view has them, that they will not come."""
        first = await self._with_outbox(partial(self._outbox.first_of, mark.origin))
        end = self._published.get(mark.origin, 0) if first is None else first - 1
        if end > mark.applied:
            with suppress(EngineAway):
                await self._sink.publish(Shipment(mark.origin, mark.applied + 1, end, b"[]"))

    async def _ask(self) -> None:
        while True:
            await trio.sleep(ASK_INTERVAL)
            origins = await self._with_outbox(self._outbox.origins)
            if origins:
                with suppress(EngineAway):
                    await self._marks.ask(origins)

    async def wait_published(self) -> None:
        """Wait until the engine says that it has all that is in the outbox now."""
        sent = self._sent
        ends = await self._with_outbox(self._outbox.ends)
        while ends is not None and self._place < ends[1]:
            await sent.wait()
            sent = self._sent

    async def wait_seen(self) -> None:
        """Wait until some view has on disk all that is in the outbox now."""
        forgot = self._forgot
        lasts = await self._with_outbox(self._outbox.lasts)
        while any(max(self._applied[origin].values(), default=0) < last for origin, last in lasts.items()):
            await forgot.wait()
            forgot = self._forgot

    async def wait_shipped(self) -> None:
        """Wait until those views have on disk all that is in the outbox now on whose word it is forgotten."""
        ends = await self._with_outbox(self._outbox.ends)
        last = None if ends is None else ends[1]
        while ends is not None and last is not None and ends[0] <= last:
            forgot = self._forgot
            ends = await self._with_outbox(self._outbox.ends)
            if ends is not None and ends[0] <= last:
                await forgot.wait()

    async def _with_outbox(self, call: Callable[[], T]) -> T:
        async with self._lock:
            return await trio.to_thread.run_sync(call)
