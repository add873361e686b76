"""A page that is drawn again and again in the same place: `jobs --watch`."""

import re
from collections.abc import Callable

from quaero_cli.terminal.cells import cells
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.page import Page, page_for
from quaero_cli.terminal.region import HIDE_CURSOR, SHOW_CURSOR, Region, Row

_SGR = re.compile(r"\x1b\[[\d;]*m")


class Watch:
    """Owns the lower part of the screen while a page is watched. Not thread-safe."""

    def __init__(self, out: Terminal) -> None:
        self._out = out
        self._region = Region(reflows=out.reflows)
        self._cursor_hidden = False

    @property
    def rows(self) -> int:
        """How many lines may be shown now: the last one of the screen is the cursor's."""
        return max(1, self._out.size()[1] - 1)

    def draw(self, render: Callable[[Page], str], now: float) -> None:
        """Show what `render` makes of a page, at the moment `now`, instead of what was shown before."""
        columns, _ = self._out.size()
        page = page_for(self._out, now)
        # A line that fills the screen leaves the cursor where terminals disagree.
        text = render(Page(max(1, columns - 1), page.paint, page.unicode, now, page.tz))
        lines = text.splitlines()[: self.rows]
        rows = [Row(line, cells(_SGR.sub("", line))) for line in lines]
        if not self._out.foreground:
            return
        start = "" if self._cursor_hidden else HIDE_CURSOR
        if not self._cursor_hidden:
            self._cursor_hidden = True
            self._out.echo.off()
        self._out.write(start + self._region.draw(rows, columns))

    def leave(self, *, keep: bool) -> None:
        """Give the terminal back; `keep`: what was drawn stays, and the shell goes on below it."""
        self._out.echo.restore()
        end = "\n" if keep and self._region.drawn else self._region.erase(self._out.size()[0])
        self._region = Region(reflows=self._out.reflows)
        self._out.write(end + (SHOW_CURSOR if self._cursor_hidden else ""))
        self._cursor_hidden = False
