"""The files that steps leave on a worker machine, sent to the views: whoever looks at a job finds them there.

What a job leaves is sent when its steps have ended, what an item of a step with `spread` leaves when the item has;
before anybody is told that it has ended. A job's files stay here as well, for as long as its lines do. Those of other
machines' jobs are removed when the last item of theirs has ended here: nobody else would.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import trio

from quaero_cli.engine.shared import Ground, now_us
from quaero_cli.model import Abroad, Fact, Level, LogLine
from quaero_cli.store.artifacts import MAX_LISTED, Key, Stamp, remove_sent, stamps
from quaero_cli.store.filepieces import fitting, pieces

# Files whose names are told.
_NAMED = 20
# Jobs of which it is known what items have sent: of more than that something is sent once more, which harms nobody.
_REMEMBERED = 1000


@dataclass(slots=True)
class _Sent:
    """What was sent of a job, and what was too large for that."""

    files: dict[Key, Stamp] = field(default_factory=dict)
    staying: set[Key] = field(default_factory=set)
    cut: bool = False  # there are more files than are listed, and that was told


class FilesOut:
    """Sends files of jobs. `most`: bytes of one job; what is beyond them stays, and the job's log says so."""

    def __init__(self, database: Path, node: str, most: int) -> None:
        self._database = database
        self._node = node
        self._most = most
        self._sent: dict[str, _Sent] = {}  # of jobs whose items run here

    def on(self, ground: Ground, is_lost: Callable[[], bool]) -> Ground:
        """Return the ground of a job whose files are sent at its end, unless another machine has it by now."""

        async def keep(job: str) -> None:
            if not is_lost():
                await self._send(job, ground.emit, ground.room, _Sent())

        return replace(ground, keep_files=keep)

    async def send_of_items(
        self, job: str, emit: Callable[[Fact], None], room: Callable[[], Awaitable[None]]
    ) -> None:
        """Emit what items of a job have left here since the last call."""
        if job not in self._sent and len(self._sent) >= _REMEMBERED:
            self._sent.clear()
        await self._send(job, emit, room, self._sent.setdefault(job, _Sent()))

    def clear(self, job: str) -> None:
        """Remove what items of a job have left here and what was sent, at once: no item begins meanwhile."""
        sent = self._sent.get(job, _Sent())
        remove_sent(self._database, job, sent.files)
        if not (sent.staying or sent.cut):
            self._sent.pop(job, None)

    async def _send(
        self, job: str, emit: Callable[[Fact], None], room: Callable[[], Awaitable[None]], sent: _Sent
    ) -> None:
        """Emit a job's files that were not sent, as fast as there is room."""
        files, cut = await trio.to_thread.run_sync(stamps, self._database, job)
        if not files:
            return
        new = {key: stamp for key, stamp in files.items() if sent.files.get(key) != stamp}
        wanted = fitting(new, self._most - sum(stamp.bytes for stamp in sent.files.values()))
        whole = await self._send_wanted(job, wanted, emit, room)
        sent.files.update((key, wanted[key]) for key in whole)
        for staying, why in (
            (new.keys() - wanted.keys(), "being too large to be sent"),
            (wanted.keys() - whole, "having changed while they were sent"),
        ):
            if told := sorted(staying - sent.staying):
                sent.staying |= staying
                emit(self._word(job, f"Files that steps left stay on the worker {self._node}, {why}", told))
        if cut and not sent.cut:
            sent.cut = True
            text = f"Steps left more than {MAX_LISTED} files: those beyond stay on the worker {self._node}"
            emit(self._word(job, text))

    async def _send_wanted(
        self, job: str, wanted: Collection[Key], emit: Callable[[Fact], None], room: Callable[[], Awaitable[None]]
    ) -> Set[Key]:
        """Emit files; return those that were sent to their ends."""
        whole = set()
        try:
            with closing(pieces(self._database, job, wanted)) as found:
                while (each := await trio.to_thread.run_sync(next, found, None)) is not None:
                    key, piece = each
                    emit(Abroad(piece))
                    if piece.offset + len(piece.data) == piece.size:
                        whole.add(key)
                    await room()
        except trio.Cancelled:
            text = f"Files that steps left stay on the worker {self._node}, since their sending was cut short"
            emit(self._word(job, text, sorted(set(wanted) - whole)))
            raise
        return whole

    def _word(self, job: str, text: str, files: Sequence[Key] = ()) -> LogLine:
        folder = self._database.parent / "artifacts" / job
        names = [f"{step}/{name}" for step, name in files[:_NAMED]]
        fields = {
            "worker": self._node,
            "folder": str(folder),
            **({"files": len(files), "names": names} if files else {}),
        }
        return LogLine(job, None, None, now_us(), Level.WARN, f"{text}: {folder}", "", "runner", fields)
