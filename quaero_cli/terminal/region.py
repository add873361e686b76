"""The live region: a few lines at the bottom of the terminal that are drawn again and again. Pure: makes strings.

Rules:

* What is printed above the region goes into the terminal's real scrollback, as if there were no region.
* The cursor rests at the end of the region's last line. A drawing starts by going up to its first.
* A drawing is one string, to be written at once, marked as one synchronized update for terminals that know that.
  With nothing to print above, lines are overwritten in place and only their ends are erased: nothing flickers.
* The screen is never erased from its very first place on: tmux takes that for a `clear`, and keeps what was there.
* A line is always narrower than the terminal, so none is wrapped when it is drawn. When the terminal has become
  narrower since, it has wrapped our lines by itself; their widths are remembered, so that the way up is known.

Rich's `Live` is not used because it does none of the last three, redraws with every print, and replaces
`sys.stdout` while it runs.
"""

from collections.abc import Sequence
from typing import NamedTuple

HIDE_CURSOR = "\x1b[?25l"
SHOW_CURSOR = "\x1b[?25h"
_SYNC_ON = "\x1b[?2026h"
_SYNC_OFF = "\x1b[?2026l"
_ERASE_BELOW = "\x1b[J"
_ERASE_TO_END = "\x1b[K"


class Row(NamedTuple):
    """A ready line of the region and its width in columns."""

    text: str
    width: int


class Region:
    """Knows what is drawn now. The strings it returns must all be written, in order."""

    def __init__(self, *, reflows: bool = True) -> None:
        """`reflows`: whether the terminal wraps lines anew when it gets narrower, instead of cutting them."""
        self._reflows = reflows
        self._widths: list[int] = []

    @property
    def drawn(self) -> bool:
        """Whether there is anything on the screen."""
        return bool(self._widths)

    def draw(self, rows: Sequence[Row], columns: int, above: str = "") -> str:
        """Return what prints `above` (whole lines, or nothing) and shows `rows` below it, on so many columns."""
        if above or not rows:
            start = self._erase(columns)
            body = above + "\n".join([row.text for row in rows])
        else:
            start = self._to_top(columns)
            body = "\n".join([row.text + _ERASE_TO_END for row in rows]) + _ERASE_BELOW
        self._widths = [row.width for row in rows]
        return f"{_SYNC_ON}{start}{body}{_SYNC_OFF}"

    def erase(self, columns: int) -> str:
        """Return what takes the region off the screen, the cursor where its first line began."""
        sequence = self._erase(columns)
        self._widths = []
        return sequence

    def _erase(self, columns: int) -> str:
        if not self._widths:
            return ""
        below = f"\x1b[B{_ERASE_BELOW}\x1b[A" if self._rows(columns) > 1 else ""
        return self._to_top(columns) + _ERASE_TO_END + below

    def _to_top(self, columns: int) -> str:
        if not self._widths:
            return ""
        up = self._rows(columns) - 1
        return f"\r\x1b[{up}A" if up else "\r"

    def _rows(self, columns: int) -> int:
        """Return how many rows of the screen the region takes now."""
        if not self._reflows:
            return len(self._widths)
        return sum(max(1, -(-width // columns)) for width in self._widths)
