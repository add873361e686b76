"""The one task that writes: facts gather in a list, and are stored in batches, in a thread.

Rules:

1. `emit` never waits and never drops. A fact it took is stored, in order, or the recorder has failed and says so.
2. A batch is everything that has gathered (bounded): while one is written the next one gathers, so batches grow under
   load by themselves, and an idle runner writes at once.
3. Facts leave the list only after the commit, from its front, under the write lock. So whoever drains - the writer
   task, or a sync caller that hit the hard limit - cannot overtake a batch that another one has already taken, and a
   failed batch is simply written again.
4. `on_commit` is called after the commit, and only then: what any reader ever showed is stored.
5. Backpressure goes to the source: past the soft limit `room` holds back async callers (a child's pipe is not read);
   past the hard limit the sync caller itself writes. Memory is bounded by the hard limit.
6. A cancelled recorder stores what it had accepted before it dies, within `FINAL_DRAIN` seconds.
7. A recorder with `on_trouble` outlives a full disk: what it has accepted is kept, and tried again each second. Past
   the hard limit further lines are lost then, and counted; states never are.
"""

import threading
from collections.abc import Callable
from itertools import accumulate

import trio

from quaero_cli.errors import StoreError
from quaero_cli.model import Fact, LogLine, LogLines
from quaero_cli.store.engine import SqliteError, is_passing
from quaero_cli.store.writer import Writer

BATCH_FACTS = 5000  # in one transaction: above 1,000 the rate hardly grows, above this the lock is held too long
BATCH_BYTES = 512 * 1024  # of messages and fields in one transaction
SOFT_FACTS, SOFT_BYTES = 8192, 8 * 1024 * 1024  # async callers wait (measured: 5.5 MB of memory)
HARD_FACTS, HARD_BYTES = 65_536, 64 * 1024 * 1024  # a sync caller writes by itself (26 MB)
FINAL_DRAIN = 60.0  # seconds; the hard limit takes less than one on any disk that is not failing
RETRY_AFTER = 1.0  # seconds between looks whether the store can be written again
ATTEMPTS = 3  # per batch, each on a new connection; a locked database has waited its busy timeout each time


# Bytes that an object in memory has beside its text: what many empty lines are made of.
_EACH = 64


def _size(line: LogLine | LogLines) -> int:
    """Return about how much memory a line holds: its message, and the texts among its fields."""
    if type(line) is LogLines:
        return sum(map(len, line.messages)) + _EACH * len(line.messages)
    assert isinstance(line, LogLine)
    if line.fields is None:
        return len(line.message)
    return len(line.message) + sum([len(value) for value in line.fields.values() if type(value) is str])


class Recorder:
    """Takes facts from any thread and stores them. `run` is its task; `writer` is closed by it."""

    def __init__(
        self,
        writer: Writer,
        on_commit: Callable[[], None],
        on_trouble: Callable[[StoreError | None, int], None] | None = None,
    ) -> None:
        """`on_trouble` is called with the error when the store cannot be written, and with None when it can again.

        Then also with the number of lines that were lost meanwhile. In the loop's thread.
        """
        self._writer = writer
        self._on_commit = on_commit
        self._on_trouble = on_trouble
        self._patient = on_trouble is not None
        self._hurry = trio.Event()
        self._in_trouble = False  # and that was told
        self._lost = 0
        self._facts: list[Fact] = []
        self._bytes = 0  # of lines in _facts; approximate while several threads emit, exact when it is empty
        self._first = 1  # sequence number of _facts[0]
        self._write_lock = threading.Lock()
        self._limiter = trio.CapacityLimiter(1)  # its own thread: steps may fill the common ones
        self._awake = False
        self._work = trio.Event()
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
        self._facts.append(fact)
        if isinstance(fact, LogLine | LogLines):
            self._bytes += _size(fact)
        if not self._awake:
            self._wake()
        elif self._is_full():
            self._drain_here()

    def _is_full(self) -> bool:
        return len(self._facts) >= HARD_FACTS or self._bytes >= HARD_BYTES

    def _takes(self, fact: Fact) -> bool:
        """Return whether a fact is kept while the store cannot be written."""
        if self._failure is not None:
            raise self._failure
        if not (self._is_full() and isinstance(fact, LogLine | LogLines)):
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
        if self._token is not None:
            self._awake = True
            self._token.run_sync_soon(self._begin_work)

    def _begin_work(self) -> None:
        self._work.set()

    async def room(self) -> None:
        """Wait while too much has gathered; always a checkpoint."""
        await trio.lowlevel.checkpoint()
        while (len(self._facts) >= SOFT_FACTS or self._bytes >= SOFT_BYTES) and self._failure is None:
            await self._progress.wait()

    async def flush(self) -> None:
        """Wait until everything accepted so far is stored. Raises StoreError when it cannot be."""
        target = self._first + len(self._facts)
        while self._first < target:
            if self._failure is not None:
                raise self._failure
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
                await self._work.wait()
                self._work = trio.Event()
                await self._store_gathered()
                self._awake = False
                if self._facts:  # accepted between the last batch and the line above
                    self._wake()
        finally:
            self.lose_patience()
            with trio.move_on_after(FINAL_DRAIN, shield=True) as scope:
                await self._store_gathered()
            self._note_progress()
            self._writer.close()
            if scope.cancelled_caught and self._facts:
                raise StoreError(f"{len(self._facts)} entries could not be stored in {FINAL_DRAIN:.0f} s")

    async def _store_gathered(self) -> None:
        while self._facts and self._failure is None:
            try:
                await trio.to_thread.run_sync(self._drain, limiter=self._limiter)
            except StoreError as error:
                if self._failure is not None:
                    raise
                self._tell_trouble(error)
                with trio.move_on_after(RETRY_AFTER):
                    await self._hurry.wait()
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
            lost, self._lost = self._lost, 0
            self._on_trouble(error, lost)

    def _note_progress(self) -> None:
        self._progress.set()
        self._progress = trio.Event()

    def _drain(self) -> None:
        with self._write_lock:
            batch, size = self._take()
            if not batch:
                return
            self._store(batch)
            del self._facts[: len(batch)]
            self._first += len(batch)
            self._bytes -= size
            if not self._facts:
                self._bytes = 0
        self._on_commit()

    def _take(self) -> tuple[list[Fact], int]:
        """Return the next batch and its size."""
        batch = self._facts[:BATCH_FACTS]
        sizes = [_size(fact) if isinstance(fact, LogLine | LogLines) else 0 for fact in batch]
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
