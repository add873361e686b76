"""Pages that are written once (lists, `show`, the summary): what they are made for, and their building blocks. Pure.

A table is data first (`Column`s and rows of `Cell`s), then text: fitted into a terminal's width by leaving out and
shrinking columns, or left whole for a pipe. One way of rendering serves both, with colour or without, and without
importing Rich, so that a list is there at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import NamedTuple

from quaero_cli.terminal.cells import cells, fit, fit_end, wrap
from quaero_cli.terminal.clean import flat
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.palette import STYLES, Paint, glyph

_GAP = "  "


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is made for. `width` None: a pipe, nothing is cut and times are absolute; `tz` None: local time."""

    width: int | None
    paint: Paint
    unicode: bool
    now: float
    tz: tzinfo | None = None

    def status(self, status: str, attempt: int = 1) -> "Cell":
        """Return a status as sign and word, with the attempt where it is not the first."""
        again = f", attempt {attempt}" if attempt > 1 else ""
        style = status if status in STYLES else ""  # a newer server may know more of them
        return Cell(f"{glyph(status, unicode=self.unicode)} {flat(status)}{again}", style)

    def heading(self, text: str) -> str:
        """Return the line above a part of a page, with a blank line before it."""
        return f"\n{self.paint('title', text)}\n"

    def cut(self, text: str, indent: int = 0) -> str:
        """Return flat text, cut to the page's width less `indent`."""
        text = flat(text)
        return text if self.width is None else fit(text, max(1, self.width - indent), unicode=self.unicode)


def page_for(terminal: Terminal, now: float, tz: tzinfo | None = None) -> Page:
    """Return the page for a terminal, at the moment `now` (seconds since 1970)."""
    return Page(terminal.width, terminal.paint, terminal.unicode, now, tz)


class Cell(NamedTuple):
    """A piece of text with the name of its style. Need not be flat."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, whether it is right-aligned, and what may be done to it where room is short."""

    title: str
    right: bool = False
    least: int = 0  # may be cut down to so many columns; 0: never
    wrap: bool = False  # what does not fit goes on in a new line, instead of being cut
    tail: bool = False  # what is cut is the beginning, not the end: for paths
    drop: int = 0  # may be left out: the highest number first; 0: never


def table(page: Page, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, indent: str = "") -> str:
    """Return a table with its titles, every line ending in a newline; no titles where all of them are empty."""
    safe = [[Cell(flat(cell.text), cell.style) for cell in row] for row in rows]
    titles = [Cell(column.title, "muted") for column in columns]
    lines = [titles, *safe] if any(column.title for column in columns) else safe
    natural = [max([cells(line[index].text) for line in lines], default=0) for index in range(len(columns))]
    widths = _widths(columns, natural, None if page.width is None else page.width - len(indent))
    return "".join([_line(page, columns, widths, line, indent) for line in lines])


def _widths(columns: Sequence[Column], natural: Sequence[int], room: int | None) -> dict[int, int]:
    """Return the columns to show and their widths: all that have anything in them, or what fits into `room`."""
    widths = {index: width for index, width in enumerate(natural) if width}
    if room is None:
        return widths
    least = {index: min(width, columns[index].least or width) for index, width in widths.items()}
    droppable = sorted([i for i in widths if columns[i].drop], key=lambda i: columns[i].drop, reverse=True)
    while droppable and _needed(least) > room:
        index = droppable.pop(0)
        del widths[index], least[index]
    # Who has most to give gives way first, a column at a time, so that none is cut to its least beside a wide one.
    for _ in range(_needed(widths) - room):
        index = max(widths, key=lambda i: widths[i] - least[i])
        if widths[index] == least[index]:
            break
        widths[index] -= 1
    return widths


def _needed(widths: dict[int, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _line(page: Page, columns: Sequence[Column], widths: dict[int, int], row: Sequence[Cell], indent: str) -> str:
    """Return one row: as many lines as its highest cell has, without blanks at their ends."""
    parts = {index: _parts(page, columns[index], width, row[index].text) for index, width in widths.items()}
    text = ""
    for number in range(max([len(part) for part in parts.values()], default=0)):
        pieces = {index: part[number] if number < len(part) else "" for index, part in parts.items()}
        last = max([index for index, piece in pieces.items() if piece.strip()], default=-1)
        shown = []
        for index, piece in pieces.items():
            if index > last:
                break
            blanks = " " * (widths[index] - cells(piece))
            painted = page.paint(row[index].style, piece.rstrip() if index == last else piece)
            shown.append(blanks + painted if columns[index].right else painted + (blanks if index != last else ""))
        text += (indent + _GAP.join(shown) if shown else "") + "\n"
    return text


def _parts(page: Page, column: Column, width: int, text: str) -> list[str]:
    if cells(text) <= width:
        return [text]
    if column.wrap:
        return wrap(text, width)
    return [(fit_end if column.tail else fit)(text, width, unicode=page.unicode)]
