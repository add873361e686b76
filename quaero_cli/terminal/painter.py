"""From the states of jobs to ready lines for the live region. The one place where Rich renders for it."""

from collections.abc import Mapping, Sequence

from rich.color import ColorSystem
from rich.text import Text

from quaero_cli.model import StatusView
from quaero_cli.terminal.canvas import Canvas
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.palette import style_of
from quaero_cli.terminal.region import Row
from quaero_cli.terminal.tree import job_lines, jobs_lines

# The region takes at most half of the screen, so that there is always a log to read.
_SHARE = 2
# On less than this there is no room for a picture: entries are shown alone.
_MIN_COLUMNS, _MIN_ROWS = 20, 5


class Painter:
    """Makes the rows of the region for one terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._console = terminal.rich()
        self._colors = ColorSystem.STANDARD if terminal.color else None

    def paint(
        self, views: Sequence[StatusView], size: tuple[int, int], now: float, beat: int, rates: Mapping[str, int]
    ) -> list[Row]:
        """Return the rows that show `views` on a screen of `size` columns and rows; none on one that is too small.

        Each is narrower than the screen: a line that fills it leaves the cursor where terminals disagree.
        """
        columns, rows = size
        if columns < _MIN_COLUMNS or rows < _MIN_ROWS:
            return []
        canvas = Canvas(
            width=columns - 1,
            rows=rows // _SHARE - 1,
            now=now,
            beat=beat,
            unicode=self._terminal.unicode,
            rates=rates,
        )
        lines = job_lines(views[0], canvas) if len(views) == 1 else jobs_lines(views, canvas)
        return [self._row(line) for line in (self._rule(canvas), *lines)]

    def _rule(self, canvas: Canvas) -> Text:
        return Text(("─" if canvas.unicode else "-") * canvas.width, style_of("muted"))

    def _row(self, line: Text) -> Row:
        if self._colors is None:
            text = line.plain.rstrip()
            return Row(text, line.cell_len)
        parts = [
            segment.style.render(segment.text, color_system=self._colors) if segment.style else segment.text
            for segment in line.render(self._console)
        ]
        return Row("".join(parts), line.cell_len)
