"""What writes: facts gather in a list, and are stored in batches, by a thread that one task watches.

Rules:

1. `emit` never waits and never drops. A fact it took is stored, in order, or the recorder has failed and says so.
2. A batch is everything that has gathered (bounded): while one is written the next one gathers, so batches grow under
   load by themselves, and an idle runner writes at once. The thread goes on until nothing is left; whoever emits
   then starts the next one, so that a caller that keeps the event loop to itself is no hindrance.
3. Facts leave the list only after the commit, from its front, under the write lock. So whoever drains - the thread,
   or a sync caller that hit the hard limit - cannot overtake a batch that another one has already taken, and a
   failed batch is simply written again.
4. `on_commit` is called after the commit, and only then: what any reader ever showed is stored.
5. Backpressure goes to the source: past the soft limit `room` holds back async callers (a child's pipe is not read);
   past the hard limit the sync caller itself writes. Memory is bounded by the hard limit.
6. A cancelled recorder stores what it had accepted before it dies, within `FINAL_DRAIN` seconds.
7. A recorder with `on_trouble` outlives a full disk: what it has accepted is kept, and tried again each second. Past
   the hard limit further lines of steps are lost then, and counted; states never are.
8. Where facts come thick and fast the thread lets some gather between two batches: what a commit costs is then shared
   by hundreds of them. Whoever waits for the store (`flush`, `room`, the end) is not made to wait for that.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import accumulate
from math import inf

import trio
from outcome import Outcome

from quaero_cli.errors import StoreError
from quaero_cli.model import Abroad, Fact, FilePiece, JobChanged, LogLine, LogLines, PagesFound, PageVisited
from quaero_cli.store.engine import SqliteError, is_passing
from quaero_cli.store.writer import Writer

BATCH_FACTS = 5000  # in one transaction: above 1,000 the rate hardly grows, above this the lock is held too long
BATCH_BYTES = 512 * 1024  # of messages and fields in one transaction
SOFT_FACTS, SOFT_BYTES = 8192, 8 * 1024 * 1024  # async callers wait (measured: 5.5 MB of memory)
HARD_FACTS, HARD_BYTES = 65_536, 64 * 1024 * 1024  # a sync caller writes by itself (26 MB)
FINAL_DRAIN = 60.0  # seconds; the hard limit takes less than one on any disk that is not failing
RETRY_AFTER = 1.0  # seconds between looks whether the store can be written again
# Seconds from one batch to the next while facts come quickly: a commit for a page or two took a third of a crawl's
# time, and readers gather for longer than this. Quickly: so many lately, where a fact counts half after some time.
GATHER_SECONDS = 0.05
_QUICKLY, _HALF_SECONDS = 100, 0.1  # 700 in a second
_ENOUGH = 1000  # facts that need not wait for others
# The same where what is stored has a way to go before anybody sees it: a commit takes a millisecond. Not for so many
# lately, 4,000 in a second, nor after a page: a crawl has no time to spare.
BRISK_SECONDS = 0.01
# Batches that may come early, if those after them come late: tasks that log in step, each 10 ms, had their lines wait
# for up to that whenever a batch had caught them in the midst of it.
_EARLY = 3
_MANY, _CRAWL_SECONDS = 600, 1.0
_PAGES = (PagesFound, PageVisited)
# Calls of `room`, and seconds, until others get their turn: a turn of the loop costs a caller more than a line does.
_TURNS, _TURN_SECONDS = 8, 0.0005
ATTEMPTS = 3  # per batch, each on a new connection; a locked database has waited its busy timeout each time


# Bytes that an object in memory has beside its text: what many empty lines are made of.
_EACH = 64


# Facts that may be large. A page of links alone can lead to ten thousand.
_LARGE = (LogLine, LogLines, PagesFound, PageVisited, Abroad)


def _size(fact: Fact) -> int:
    """Return about how much memory a fact holds: of a line its message, and the texts among its fields."""
    if type(fact) is Abroad:
        if isinstance(fact.fact, FilePiece):
            return len(fact.fact.data)
        return _size(fact.fact) if isinstance(fact.fact, LogLine | LogLines) else _EACH
    if type(fact) is LogLines:
        return sum(map(len, fact.messages)) + _EACH * len(fact.messages)
    if type(fact) is PagesFound:
        return sum([len(url) + 2 * _EACH for url, *_ in fact.pages])
    if type(fact) is PageVisited:
        document = len(fact.document.text) + len(fact.document.html or b"") if fact.document is not None else 0
        return document + (len(fact.memo.facts) if fact.memo is not None else 0)
    assert isinstance(fact, LogLine)
    if fact.fields is None:
        return len(fact.message)
    return len(fact.message) + sum([len(value) for value in fact.fields.values() if type(value) is str])


class Recorder:
    """Takes facts from any thread and stores them. `run` is its task; `writer` is closed by it."""

    def __init__(
        self,
        writer: Writer,
        on_commit: Callable[[], None],
        on_trouble: Callable[[StoreError | None, int], None] | None = None,
        *,
        brisk: bool = False,
    ) -> None:
        """`brisk`: entries are for other machines, and gather only where there are many.

        `on_trouble` is called with the error when the store cannot be written, and with None when it can again.

        Then also with the number of lines that were lost meanwhile. In the loop's thread.
        """
        self._writer = writer
        self._on_commit = on_commit
        self._on_trouble = on_trouble
        self._patient = on_trouble is not None
        self._brisk = brisk
        self._hurry = trio.Event()
        self._in_trouble = False  # and that was told
        self._lost = 0
        self._facts: list[Fact] = []
        self._sizes: list[int] = []  # theirs
        self._bytes = 0  # of what is in _facts; approximate while several threads emit, exact when it is empty
        self._first = 1  # sequence number of _facts[0]
        self._write_lock = threading.Lock()
        self._awake = False  # a thread stores, or this task sees to what kept it from that
        self._ends: list[Outcome[None]] = []  # of threads, for this task
        self._ended = trio.Event()
        self._closed = False
        self._wanted_now = threading.Event()  # nothing is to gather: somebody waits
        self._lately, self._began = 0.0, -inf  # facts that were stored lately, and when the last batch began
        self._due = -inf  # when the next one may begin
        self._crawled = -inf  # when the last batch with pages began
        self._turns, self._turned = 0, 0.0  # calls of `room` since others had their turn, and when that was
        self._progress = trio.Event()  # set and replaced after each commit
        self._token: trio.lowlevel.TrioToken | None = None
        self._failure: StoreError | None = None  # for good
        self._halt: StoreError | None = None  # that, or the reason why it cannot be written now

    # ------------------------------------------------------------------ taking facts

    def emit(self, fact: Fact) -> None:
        """Accept a fact; it is stored after every fact accepted before it. From any thread.

        Raises StoreError when the store has failed: nothing can be accepted any more.
        """
        if self._halt is not None and not self._takes(fact):
            return
        # By type, not with `isinstance`, which takes as long as all the rest: 400,000 lines a second pass here.
        if type(fact) is LogLine and fact.fields is None:
            size, urgent = len(fact.message), False
        else:
            size = _size(fact) if type(fact) in _LARGE else 0
            # A batch is full by this one, or an end is waited for.
            urgent = self._bytes < BATCH_BYTES <= self._bytes + size or type(fact) is JobChanged
        self._sizes.append(size)  # before the fact: there is one for each, whoever else emits meanwhile
        self._facts.append(fact)
        self._bytes += size
        if urgent:
            self._wanted_now.set()
        if not self._awake:
            self._wake()
        elif len(self._facts) >= HARD_FACTS or self._bytes >= HARD_BYTES:
            self._drain_here()

    def _is_full(self) -> bool:
        return len(self._facts) >= HARD_FACTS or self._bytes >= HARD_BYTES

    def _takes(self, fact: Fact) -> bool:
        """Return whether a fact is kept while the store cannot be written: once it is full, not what steps say."""
        if self._failure is not None:
            raise self._failure
        if not (self._is_full() and isinstance(fact, LogLine | LogLines) and fact.step is not None):
            return True
        self._lost += len(fact.messages) if isinstance(fact, LogLines) else 1
        return False

    def _drain_here(self) -> None:
        try:
            self._drain()
        except StoreError:
            if self._failure is not None:
                raise
            # The task comes to the same end, and tells.

    def _wake(self) -> None:
        """Have a thread store what has gathered. Not by way of the loop: a caller that never rests holds it up."""
        if self._token is not None:
            self._awake = True
            trio.lowlevel.start_thread_soon(self._store_gathered, self._deliver, "recorder")

    async def room(self) -> None:
        """Wait while too much has gathered. A place to be cancelled, where others get their turn often enough."""
        now = time.perf_counter()
        self._turns += 1
        if self._turns < _TURNS and now - self._turned < _TURN_SECONDS:
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            self._turns, self._turned = 0, now
            await trio.lowlevel.checkpoint()
        while (len(self._facts) >= SOFT_FACTS or self._bytes >= SOFT_BYTES) and self._failure is None:
            self._wanted_now.set()
            await self._progress.wait()

    async def flush(self) -> None:
        """Wait until everything accepted so far is stored. Raises StoreError when it cannot be."""
        target = self._first + len(self._facts)
        while self._first < target:
            if self._failure is not None:
                raise self._failure
            self._wanted_now.set()
            await self._progress.wait()

    # ------------------------------------------------------------------ storing them

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Store what is emitted until cancelled; then store what is left. Raises StoreError when that fails."""
        self._token = trio.lowlevel.current_trio_token()
        task_status.started()
        try:
            if self._facts:
                self._wake()
            while True:
                await self._see_to_end()
        finally:
            self.lose_patience()
            self._wanted_now.set()
            with trio.move_on_after(FINAL_DRAIN, shield=True) as scope:
                while self._failure is None and (self._awake or self._facts):
                    if not self._awake:
                        self._wake()
                    await self._see_to_end()
            if scope.cancelled_caught and self._facts:
                self._failure = StoreError(f"{len(self._facts)} entries could not be stored in {FINAL_DRAIN:.0f} s")
            self._note_progress()
            with self._write_lock:
                self._closed = True
                self._writer.close()
            if scope.cancelled_caught and self._failure is not None:
                raise self._failure

    async def _see_to_end(self) -> None:
        """Wait for the end of a thread; if it could not store, tell, and have it tried again. Raises StoreError."""
        while not self._ends:
            await self._ended.wait()
        end = self._ends.pop(0)
        try:
            end.unwrap()
        except StoreError as error:
            if self._failure is not None:
                raise
            self._tell_trouble(error)
            with trio.move_on_after(RETRY_AFTER):
                await self._hurry.wait()
            self._wake()
        except BaseException:
            self._awake = False
            raise
        else:
            self._tell_trouble(None)
        self._note_progress()

    def lose_patience(self) -> None:
        """Fail the next time that the store cannot be written: the program is to end."""
        self._patient = False
        self._hurry.set()

    def _tell_trouble(self, error: StoreError | None) -> None:
        if error is None:
            self._halt = None
        if self._on_trouble is not None and self._in_trouble == (error is None):
            self._in_trouble = error is not None
            lost = 0
            if error is None:
                lost, self._lost = self._lost, 0
            self._on_trouble(error, lost)

    def _note_progress(self) -> None:
        self._progress.set()
        self._progress = trio.Event()

    # ------------------------------------------------------------------ in a thread, or in that of a caller

    def _store_gathered(self) -> None:
        """Store until nothing is left. Raises StoreError; then this counts as awake until somebody has seen to it."""
        assert self._token is not None
        while True:
            while self._facts and not self._closed:
                self._gather()
                self._drain()
                self._token.run_sync_soon(self._note_progress, idempotent=True)
            self._awake = False
            if self._closed or not self._facts or self._awake:
                return
            self._awake = True  # accepted between the last batch and the line above

    def _gather(self) -> None:
        """Before a batch: let more facts come while they come quickly, and nobody waits for these."""
        now = time.perf_counter()
        apart = now - self._began
        self._lately *= 0.5 ** (apart / _HALF_SECONDS)
        enough = len(self._facts) >= _ENOUGH or self._bytes >= BATCH_BYTES
        brisk = self._brisk and self._lately < _MANY and now - self._crawled > _CRAWL_SECONDS
        most = BRISK_SECONDS if brisk else GATHER_SECONDS
        if self._lately >= _QUICKLY and now < self._due and not enough:
            self._wanted_now.wait(min(self._due - now, most))
        self._wanted_now.clear()
        self._began = time.perf_counter()
        earliest = self._began - (_EARLY * most if brisk else 0.0)
        self._due = min(max(self._due, earliest), self._began) + most
        self._lately += len(self._facts)

    def _deliver(self, end: Outcome[None]) -> None:
        assert self._token is not None
        with suppress(trio.RunFinishedError):  # it was too slow for the end of the program
            self._token.run_sync_soon(self._take_end, end)

    def _take_end(self, end: Outcome[None]) -> None:
        self._ends.append(end)
        self._ended.set()
        self._ended = trio.Event()

    def _drain(self) -> None:
        with self._write_lock:
            batch, size = self._take()
            if not batch or self._closed:
                return
            self._store(batch)
            if self._brisk and any(type(fact) in _PAGES for fact in batch):
                self._crawled = self._began
            del self._facts[: len(batch)]
            del self._sizes[: len(batch)]
            self._first += len(batch)
            self._bytes -= size
            if not self._facts:
                self._bytes = 0
        self._on_commit()

    def _take(self) -> tuple[list[Fact], int]:
        """Return the next batch and its size."""
        batch = self._facts[:BATCH_FACTS]
        sizes = self._sizes[: len(batch)]
        size = sum(sizes)
        if size < BATCH_BYTES:
            return batch, size
        for number, size in enumerate(accumulate(sizes), 1):
            if size >= BATCH_BYTES:
                return batch[:number], size
        raise AssertionError(size)

    def _store(self, batch: list[Fact]) -> None:
        if self._failure is not None:
            raise self._failure
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._writer.apply(self._first, batch)
                return
            except SqliteError as error:
                # The commit may have happened all the same; the writer knows, and skips what is stored.
                if attempt == ATTEMPTS:
                    explained = self._writer.explain(error)
                    self._give_up(explained, error)
                    raise explained from error
                self._reopen()

    def _reopen(self) -> None:
        try:
            self._writer.reopen()
        except StoreError as error:
            self._give_up(error, error.__cause__)
            raise

    def _give_up(self, error: StoreError, cause: BaseException | None) -> None:
        self._halt = error
        if not (self._patient and is_passing(cause)):
            self._failure = error
