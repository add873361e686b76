"""Following a server's log: the same events as `stream.follow`, over as many connections as it takes.

Theory of operation: a place is the id of the last event. Whatever ends a connection but the end of the jobs, the next
one resumes there, so nothing is missing and nothing comes twice. What a new connection repeats (states) is told only
if it is news; and only behind the entries that it may be ahead of.
"""

import random
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

import trio

from quaero_cli.model import LogQuery, StatusView
from quaero_cli.remote.address import Address
from quaero_cli.remote.events import Message, Parser, place_of, to_event
from quaero_cli.remote.http import SILENCE_SECONDS, Answer, Unreachable, get, get_json
from quaero_cli.stream.events import Ended, Logs, StatusChange, StreamEvent
from quaero_cli.stream.pace import BATCH_ENTRIES

# Seconds without an answer after which a server that was there counts as gone for good: a restart takes one or two.
RECONNECT_SECONDS = 60.0
_PAUSES = (0.25, 5.0)  # seconds before the second attempt, and at most


def filters_of(query: LogQuery) -> list[tuple[str, str]]:
    """Return the parameters that say what is wanted."""
    pairs = [("scope", "job" if query.jobs else "service"), *(("job_id", job) for job in query.jobs)]
    pairs += [("step", step) for step in query.steps]
    pairs.append(("level", query.level.label))
    if query.worker is not None:
        pairs.append(("worker", query.worker))
    if query.text:
        pairs.append(("q", query.text))
    return pairs


@dataclass(slots=True)
class RemoteLog:
    """One server's log from a place on. `say` is told when the connection is lost and found again."""

    address: Address
    query: LogQuery
    limit: int
    place: str | None  # a cursor; None: begin with the newest `limit`
    say: Callable[[str], None]
    until: int | None = None  # stop behind the entry with this id; None: follow
    _answer: Answer | None = None
    _parser: Parser = field(default_factory=Parser)
    _ready: deque[StreamEvent] = field(default_factory=deque)
    _held: list[StatusChange] = field(default_factory=list)  # of a new connection's opening
    _opening: bool = False
    _connected: bool = False  # ever
    _told: dict[str, StatusView] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _lost_at: float | None = None
    _pause: float = 0.0

    async def follow(self) -> AsyncGenerator[StreamEvent, None]:
        """Yield what happens, to the end of the jobs. Close it (`contextlib.aclosing`) when done.

        Raises Unreachable when the server cannot be reached, or not any more; NotFoundError, UsageError and
        ServerError as the server refuses.
        """
        try:
            while True:
                while self._ready:
                    yield self._ready.popleft()
                if self._finished():
                    return
                await self._advance()
        finally:
            await self._hang_up()

    def _finished(self) -> bool:
        jobs = set(self.query.jobs)
        if jobs and jobs <= self._ended:
            return True
        if self.until is None or not self._told.keys() >= jobs or place_of(self.place or "") < self.until:
            return False
        # What is stored was told; of a job that has ended its end is on the way.
        return any(view["job"]["finished_at"] is None for view in self._told.values()) or not jobs

    async def _advance(self) -> None:
        """Take the next piece of the stream, or the next step towards one."""
        try:
            if self._answer is None:
                await trio.sleep(self._pause)
                await self._call()
            assert self._answer is not None or self._finished()
            if self._answer is not None:
                piece = await self._answer.piece(SILENCE_SECONDS)
                for message in self._parser.feed(piece):
                    self._take(message)
                if not piece:
                    await self._hang_up()
                    self._pause = self._pause or _PAUSES[0]
        except Unreachable as error:
            await self._lose(error)

    async def _call(self) -> None:
        """Open the stream at our place."""
        pairs = filters_of(self.query)
        pairs += [("limit", str(self.limit))] if self.place is None else [("since", self.place)]
        answer = await get(self.address, f"/api/logs/stream?{urlencode(pairs)}")
        if answer.status == 204:
            await answer.aclose()
            await self._tell_ends()
            return
        if self._lost_at is not None:
            self.say(f"connected to {self.address} again")
        self._answer, self._parser = answer, Parser()
        self._opening, self._connected = self._connected, True
        self._lost_at, self._pause = None, 0.0

    async def _lose(self, error: Unreachable) -> None:
        """Wait before the next attempt. Raises `error` when there is none."""
        await self._hang_up()
        now = trio.current_time()
        if not self._connected:
            raise error
        if self._lost_at is None:
            self._lost_at = now
            self.say(f"lost {self.address}; trying again")
        if now - self._lost_at > RECONNECT_SECONDS:
            raise error
        longest = min(max(self._pause * 2, _PAUSES[0]), _PAUSES[1])
        self._pause = error.retry_after or random.uniform(longest / 2, longest)

    async def _hang_up(self) -> None:
        if self._answer is not None:
            answer, self._answer = self._answer, None
            await answer.aclose()

    # ------------------------------------------------------------------ what came

    def _take(self, message: Message) -> None:
        if message.name == "shutdown":
            self._pause = message.data["retry_ms"] / 1000
        elif message.name == "reset":
            self.say(f"{self.address} has another store now: from here on it is that one's log")
            self._told.clear()
        event = to_event(message)
        if isinstance(event, StatusChange) and self._opening:
            self._held.append(event)
        elif event is not None:
            self._pass_on(event)
        self.place = message.id or self.place

    def _pass_on(self, event: StreamEvent) -> None:
        backlog = isinstance(event, Logs) and len(event.view["logs"]) >= BATCH_ENTRIES
        if isinstance(event, Logs):
            if event.view["logs"] or not self._opening:
                self._ready.append(event)
            if not backlog:
                self._release()
            return
        self._release()
        if isinstance(event, StatusChange):
            if self._told.get(event.view["job"]["id"]) == event.view:
                return
            self._told[event.view["job"]["id"]] = event.view
        elif isinstance(event, Ended):
            if event.job_id in self._ended:
                return
            self._ended.add(event.job_id)
        self._ready.append(event)

    def _release(self) -> None:
        """Tell the states of the opening: the entries before them were told."""
        held, self._held, self._opening = self._held, [], False
        for event in held:
            self._pass_on(event)

    async def _tell_ends(self) -> None:
        """The server has nothing left to tell: ask for how the jobs ended."""
        for job in self.query.jobs:
            if job not in self._ended:
                found = await get_json(self.address, f"/api/jobs/{job}")
                cursor = place_of(self.place or "")
                self._pass_on(StatusChange(StatusView(job=found["job"], steps=found["steps"]), cursor))
                self._pass_on(Ended(job, found["job"]["status"], found["job"]["counts"], cursor))
