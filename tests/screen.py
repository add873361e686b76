"""A small terminal for tests: takes what a program writes, and knows what a person would see.

It obeys the sequences that quaero uses and fails on any other, so that feeding it hostile text is itself a check. It
has the two habits of real terminals that break live displays: a full line waits with its wrap until the next
character comes, and, when `reflows`, a change of width wraps all lines anew.
"""

import re
from functools import cache
from itertools import groupby

from rich.cells import cell_len

_TOKEN = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|[\n\r\t]|[^\x00-\x1f\x7f-\x9f]+|[\s\S]")
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_width = cache(cell_len)


class Styled(str):
    """A character with the style that it was written in: the numbers of SGR, none where it is plain."""

    __slots__ = ("style",)

    def __new__(cls, character, style):
        made = super().__new__(cls, character)
        made.style = style
        return made


class Row:
    """A row of the screen: one item a column ("" is the second half of a wide character), and whether it wrapped."""

    def __init__(self, cells=(), *, wrapped=False):
        self.cells, self.wrapped = list(cells), wrapped

    @property
    def text(self):
        return "".join(self.cells)


class Screen:
    """`rows` holds everything ever shown, scrollback included."""

    def __init__(self, columns, height, *, reflows=True):
        self.columns, self.height, self.reflows = columns, height, reflows
        self.rows = [Row()]
        self.row, self.column = 0, 0
        self.cursor_visible = True
        self.styles = set()
        self._style = ""

    def feed(self, text):
        for token in _TOKEN.finditer(text):
            piece = token.group()
            if token.group(3):
                self._sequence(*token.groups())
            elif piece == "\n":
                self._down()
                self.column = 0
            elif piece == "\r":
                self.column = 0
            elif piece == "\t":
                self._put(" " * min(8 - self.column % 8, self.columns - self.column))
            elif found := _OBEYED.search(piece):
                raise AssertionError(f"a terminal would obey {found.group()!r}")
            else:
                self._put(piece)

    def lines(self):
        """What a person reads: wrapped rows joined, blanks at the ends off, no empty lines at the end."""
        lines, joined = [], ""
        for row in self.rows:
            joined += row.text if row.wrapped else row.text.rstrip()
            if not row.wrapped:
                lines.append(joined.rstrip())
                joined = ""
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def painted(self):
        """The lines with their styles, as the sequences that would write them; each piece ends with its own reset."""
        lines, joined = [], []
        for row in self.rows:
            joined += row.cells
            if not row.wrapped:
                lines.append(_painted(joined))
                joined = []
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def painted_rows(self):
        """What stands on the screen now, row by row, with its styles."""
        return [_painted(row.cells) for row in self.rows[-self.height :]]

    def resize(self, columns):
        if self.reflows:
            self._reflow(columns)
        else:
            for row in self.rows:
                del row.cells[columns:]
            self.column = min(self.column, columns)
        self.columns = columns

    def _reflow(self, columns):
        rows, line = [], []
        for index, row in enumerate(self.rows):
            if index == self.row:
                before, offset = len(rows), len(line) + self.column
            line += row.cells
            if not row.wrapped:
                pieces = [line[start : start + columns] for start in range(0, len(line), columns)] or [[]]
                rows += [Row(piece, wrapped=number < len(pieces) - 1) for number, piece in enumerate(pieces)]
                line = []
        down = max(0, (offset - 1) // columns)
        self.rows, self.row, self.column = rows, before + down, offset - down * columns

    def _sequence(self, private, numbers, letter):
        if private:
            assert numbers in ("25", "2026"), f"unknown mode {numbers}"
            if numbers == "25":
                self.cursor_visible = letter == "h"
        elif letter == "m":
            self.styles.add(numbers)
            self._style = "" if numbers in ("", "0") else numbers
        elif letter == "A":
            self.row = max(self.row - int(numbers or 1), len(self.rows) - self.height, 0)
            self.column = min(self.column, self.columns - 1)
        elif letter == "B":
            self.row += int(numbers or 1)
            assert self.row < len(self.rows), "the cursor left what has been written"
        elif letter in "JK" and not numbers:
            home = self.column == 0 and self.row == max(0, len(self.rows) - self.height)
            assert letter == "K" or not home, "tmux takes this for a `clear`, and keeps what was there"
            # At a wrap that waits the cursor stands on the last character, and terminals erase that one.
            row = self.rows[self.row]
            del row.cells[min(self.column, self.columns - 1) :]
            row.wrapped = False
            if letter == "J":
                del self.rows[self.row + 1 :]
        else:
            raise AssertionError(f"unknown sequence {numbers}{letter}")

    def _down(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append(Row())

    def _put(self, text):
        for character in text:
            width = _width(character)
            row = self.rows[self.row]
            if not width:
                if row.cells and self.column:
                    row.cells[min(self.column, len(row.cells)) - 1] += character
                continue
            if self.column + width > self.columns:
                row.wrapped = True
                self._down()
                self.column, row = 0, self.rows[self.row]
                row.wrapped = False
            row.cells += [" "] * (self.column - len(row.cells))
            cell = Styled(character, self._style) if self._style else character
            row.cells[self.column : self.column + width] = [cell] + [""] * (width - 1)
            self.column += width


def _painted(cells):
    pieces = groupby(cells, key=lambda cell: getattr(cell, "style", ""))
    texts = [(style, "".join(piece)) for style, piece in pieces]
    if texts and not texts[-1][0]:
        texts[-1] = ("", texts[-1][1].rstrip())
    return "".join(f"\x1b[{style}m{text}\x1b[0m" if style else text for style, text in texts)
