"""The display on a terminal: entries scroll by into the real scrollback, below them stand the jobs and their steps.

How it keeps up: entries become ready strings at once, but are written at most every `_WRITE_GAP_S`; what has gathered
is written with the region in one call. The picture of the region is made anew at most eight times a second, however
much comes in, and not at all while nothing is shown. So an idle terminal shows an entry at once, and a flood costs
the same few writes. Nothing is ever dropped: what has gathered is written before the display is left.

Rich makes the picture, and is imported with the first one: `tail` has shown its first entries by then.
"""

import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

from quaero_cli.model import Counts, LogsView, Status, StatusView
from quaero_cli.stream.events import Gap
from quaero_cli.terminal import words
from quaero_cli.terminal.clean import clean_lines
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.endings import ending
from quaero_cli.terminal.lines import LineFormat
from quaero_cli.terminal.page import page_for
from quaero_cli.terminal.rates import Rates
from quaero_cli.terminal.region import HIDE_CURSOR, SHOW_CURSOR, Region, Row

if TYPE_CHECKING:
    from quaero_cli.terminal.painter import Painter

# Seconds between two pictures: a little under `TICK_S`, so that each tick may make one.
_PICTURE_GAP_S = 0.11
# Seconds between two writes of entries: faster than anybody reads, slow enough for the slowest terminal.
_WRITE_GAP_S = 0.05
# Gathered text of this size is written at once, so that memory stays bounded whatever the rate.
_MAX_PENDING_CHARACTERS = 1 << 18


class LiveDisplay:
    """Entries above, jobs and steps below. Leaving it takes the region off the screen and shows the cursor again."""

    reads: ClassVar[bool] = True

    def __init__(
        self,
        out: Terminal,
        err: Terminal,
        *,
        many: bool = False,
        announce_end: bool = True,
        mark: str = "",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        tz: tzinfo | None = None,
    ) -> None:
        self._out, self._err = out, err
        self._announce_end = announce_end
        self._clock, self._now = clock, now
        today = f"{datetime.fromtimestamp(now(), tz):%Y-%m-%d}"
        self._format = LineFormat(
            out.paint, clock="local", tz=tz, today=today, jobs=many, unicode=out.unicode, mark=mark
        )
        self._region = Region(reflows=out.reflows)
        self._painter: Painter | None = None
        self._jobs: dict[str, StatusView] = {}
        self._rates = Rates()
        self._picture: list[Row] = []
        self._picture_size = (0, 0)
        self._painted_at = self._written_at = float("-inf")
        self._pending: list[str] = []
        self._pending_size = 0
        self._cursor_hidden = False

    @property
    def moves(self) -> bool:
        """Always."""
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._jobs.clear()  # a notice that comes late is still said, but draws nothing any more
        self.suspend()

    def logs(self, view: LogsView) -> None:
        """Take a batch of entries; write it now when the last write is long enough ago."""
        self._format.fit(self._out.size()[0])
        text = self._format.batch(view["logs"])
        self._pending.append(text)
        self._pending_size += len(text)
        due = self._clock() - self._written_at >= _WRITE_GAP_S
        if text and (due or self._pending_size >= _MAX_PENDING_CHARACTERS):
            self._draw()

    def status(self, view: StatusView) -> None:
        """Take the state of a job; the next picture shows it."""
        self._jobs[view["job"]["id"]] = view
        self._rates.note(view["job"]["id"], words.total(words.summed(view["steps"])), self._clock())
        self._format.expect_steps(view["steps"])

    def ended(self, job_id: str, status: str, exit_code: int, counts: Counts | None = None) -> None:
        """Take the job out of the picture, and say how it ended."""
        view = self._jobs.pop(job_id, None)
        self._rates.forget(job_id)
        if self._announce_end:
            self._say(ending(job_id, status, view, counts, page_for(self._err, self._now())))

    def gap(self, event: Gap) -> None:
        """Tell it among the entries, where it belongs."""
        self.notice(words.gap(event))

    def notice(self, text: str) -> None:
        """Say it on stderr, above the region where that is the same screen."""
        self._say("".join([f"{self._err.paint('title', line)}\n" for line in clean_lines(text)]))

    def _say(self, lines: str) -> None:
        """Write whole lines that are safe to stderr, behind all entries so far."""
        columns, _ = self._out.size()
        self._out.write(self._region.erase(columns) + self._take_pending())
        self._err.write(lines)
        self._draw()

    def tick(self) -> None:
        """Write what has gathered, and draw the next picture when it is time for one."""
        moment = self._clock()
        if self._pending or (self._picture_is_due(moment) and (self._moving() or self._region.drawn)):
            self._draw()

    def suspend(self) -> None:
        """Write what has gathered, without the region; show the cursor and what is typed. The next draws it anew."""
        columns, _ = self._out.size()
        cursor = SHOW_CURSOR if self._cursor_hidden else ""
        self._cursor_hidden = False
        self._out.echo.restore()
        self._out.write(self._region.erase(columns) + self._take_pending() + cursor)

    def abandon(self) -> None:
        """Show the cursor and what is typed again."""
        self._out.echo.restore()
        if self._cursor_hidden:
            self._out.write_at_once(f"{SHOW_CURSOR}\n")

    def _moving(self) -> list[StatusView]:
        """Return the jobs to draw. Entries of a finished one may still be on their way, but nothing moves there."""
        return [view for view in self._jobs.values() if not Status(view["job"]["status"]).final]

    def _picture_is_due(self, moment: float) -> bool:
        return moment - self._painted_at >= _PICTURE_GAP_S

    def _draw(self) -> None:
        """Write the pending entries and the region in one piece."""
        size = self._out.size()
        above = self._take_pending()
        if not self._moving() or not self._out.foreground:
            self._out.write(self._region.erase(size[0]) + above)
        else:
            rows = self._rows(size)
            cursor = "" if self._cursor_hidden else HIDE_CURSOR
            if not self._cursor_hidden:
                self._cursor_hidden = True
                self._out.echo.off()
            self._out.write(cursor + self._region.draw(rows, size[0], above))
        self._written_at = self._clock()

    def _rows(self, size: tuple[int, int]) -> list[Row]:
        moment = self._clock()
        if self._picture_is_due(moment) or size != self._picture_size:
            if self._painter is None:
                from quaero_cli.terminal.painter import Painter

                self._painter = Painter(self._out)
            beat = int(moment / _PICTURE_GAP_S)
            self._picture = self._painter.paint(self._moving(), size, self._now(), beat, self._rates.at(moment))
            self._picture_size, self._painted_at = size, moment
        return self._picture

    def _take_pending(self) -> str:
        text = "".join(self._pending)
        self._pending.clear()
        self._pending_size = 0
        return text
