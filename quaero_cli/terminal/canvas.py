"""What a picture of jobs is drawn on: its size, the moment, and the few strokes that every line needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rich.text import Text

from quaero_cli.terminal.palette import glyph, spinner, style_of


@dataclass(frozen=True, slots=True)
class Canvas:
    """Columns and rows to stay within, the present (seconds since 1970), the spinner's beat, entries/s by job."""

    width: int
    rows: int
    now: float
    beat: int = 0
    unicode: bool = True
    rates: Mapping[str, int] = field(default_factory=dict)

    def with_rows(self, rows: int) -> "Canvas":
        """Return the same canvas with room for `rows` lines."""
        return replace(self, rows=rows)

    def sign(self, status: str) -> tuple[str, str]:
        """Return the sign of a status and its style; that of what is running turns."""
        if status == "running":
            return spinner(self.beat, unicode=self.unicode), style_of(status)
        return glyph(status, unicode=self.unicode), style_of(status)

    def spread(self, left: Text, right: Text) -> Text:
        """Return one line with `left` and `right` at its ends; what does not fit is cut from the left part first."""
        right.truncate(self.width)
        if not right.cell_len:
            left.truncate(self.width)
            return left
        left.truncate(max(0, self.width - right.cell_len - 1))
        return left.append(" " * (self.width - left.cell_len - right.cell_len)).append_text(right)

    def bar(self, percent: int, width: int) -> Text:
        """Return a progress bar. Done and to do differ in their strokes, not only in colour."""
        percent = min(100, max(0, percent))
        halves = percent * width * 2 // 100
        if not self.unicode:
            done, rest = "#" * (halves // 2), "-"
        else:
            done, rest = "━" * (halves // 2) + "╸" * (halves % 2), "─"
        return Text.assemble((done, style_of("bar")), (rest * (width - len(done)), style_of("muted")))
