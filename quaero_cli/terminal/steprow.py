"""The lines of a job's steps: name, bar or status, words, and columns of numbers that all steps share. Pure.

    ├─ ⠹ fetch   ━━━━━━━━╸───────  52%  41 pending, 1 running, 66 completed, 0 failed   1,201 entries  1 error     41s

Which columns there are depends on the room: the richest set is taken that leaves a running step's words whole. When
none does, the words of running steps get a line of their own below the step's.
"""

from collections.abc import Sequence

from rich.text import Text

from quaero_cli.model import StepView
from quaero_cli.terminal import words
from quaero_cli.terminal.canvas import Canvas
from quaero_cli.terminal.cells import cells, fit, pad
from quaero_cli.terminal.clean import flat
from quaero_cli.terminal.palette import origin_style, style_of

_MAX_NAME = 24
_BAR_WIDTHS = (24, 16, 10)
_PERCENT = 5  # " 100%"
_GUIDE = 3
_GAP = 2
_COLUMN_SETS = (
    ("entries", "warn", "error", "elapsed"),
    ("warn", "error", "elapsed"),
    ("error", "elapsed"),
    ("elapsed",),
)
_COLUMN_STYLES = {"entries": "muted", "warn": "warn", "error": "error", "elapsed": ""}
# Words grow and shrink by a character all the time; the layout follows in steps of so many.
_WORDS_STEP = 8
_MIN_WORDS = 8


class StepRows:
    """Makes the lines of one job's steps on one canvas."""

    def __init__(self, steps: Sequence[StepView], canvas: Canvas) -> None:
        self._canvas = canvas
        longest = max(cells(flat(step["name"])) for step in steps)
        self._name_width = min(longest, _MAX_NAME, max(4, canvas.width // 3))
        self._cells = {step["name"]: _cells_of(step, canvas.now) for step in steps}
        said = max([cells(flat(step["progress_text"])) for step in steps if _has_bar(step)], default=0)
        said = -(-said // _WORDS_STEP) * _WORDS_STEP
        room = canvas.width - _GUIDE - 2 - self._name_width - _GAP
        choice = self._choose(room - said - _GAP) if said else None
        self._words_below = choice is None and said > 0
        self._columns, self._bar = choice or self._choose(room) or (("elapsed",), _BAR_WIDTHS[-1])

    def guide(self, *, last: bool) -> str:
        """Return the branch before a step."""
        if not self._canvas.unicode:
            return "`- " if last else "|- "
        return "╰─ " if last else "├─ "

    def height(self, step: StepView) -> int:
        """Return how many lines the step takes."""
        return 2 if self._words_below and _has_bar(step) and step["progress_text"] else 1

    def lines(self, step: StepView, *, last: bool) -> list[Text]:
        """Return the lines of one step."""
        canvas = self._canvas
        name = fit(flat(step["name"]), self._name_width, unicode=canvas.unicode)
        line = Text.assemble(
            (self.guide(last=last), style_of("muted")),
            canvas.sign(step["status"]),
            " ",
            (pad(name, self._name_width + _GAP), origin_style(step["name"]) if step["status"] == "running" else ""),
        )
        right = self._numbers(step)
        room = canvas.width - line.cell_len - right.cell_len - (_GAP if right.cell_len else 0)
        line.append_text(self._running(step, room) if _has_bar(step) else self._still(step, room))
        lines = [canvas.spread(line, right)]
        if self.height(step) == 2:
            branch = " " if last else ("│" if canvas.unicode else "|")
            said = fit(flat(step["progress_text"]), canvas.width - _GUIDE - 2, unicode=canvas.unicode)
            lines.append(Text.assemble((f"{branch}    ", style_of("muted")), said))
        return lines

    def _running(self, step: StepView, room: int) -> Text:
        line = self._canvas.bar(step["progress"], self._bar)
        line.append(f"{step['progress']:>4}%", style_of("title"))
        if not self._words_below:
            said = fit(flat(step["progress_text"]), max(0, room - line.cell_len - _GAP), unicode=self._canvas.unicode)
            line.append(" " * _GAP + said)
        return line

    def _still(self, step: StepView, room: int) -> Text:
        """Return status and words of a step that has no bar."""
        status = flat(step["status"])
        line = Text().append(status, style_of(step["status"]))
        said, style = (flat(step["error"]), "") if step["error"] else (_outcome(step), style_of("muted"))
        left = room - cells(status) - _GAP
        if said and left >= _MIN_WORDS:
            line.append(" " * _GAP).append(fit(said, left, unicode=self._canvas.unicode), style)
        return line

    def _numbers(self, step: StepView) -> Text:
        line = Text()
        for column in self._columns:
            width = self._column_width(column)
            if width:
                text = pad(self._cells[step["name"]][column], width, right=True)
                line.append(" " * _GAP if line else "").append(text, style_of(_COLUMN_STYLES[column]))
        return line if line.plain.strip() else Text()

    def _choose(self, room: int) -> tuple[tuple[str, ...], int] | None:
        """Return the richest columns, and the widest bar beside them, that fit into `room`."""
        for columns in _COLUMN_SETS:
            numbers = sum([width + _GAP for column in columns if (width := self._column_width(column))])
            for bar in _BAR_WIDTHS:
                if bar + _PERCENT + numbers <= room:
                    return columns, bar
        return None

    def _column_width(self, column: str) -> int:
        return max(cells(row[column]) for row in self._cells.values())


def _cells_of(step: StepView, now: float) -> dict[str, str]:
    counts = step["counts"]
    total = words.total(counts)
    return {
        "entries": words.aligned(total, "entry", "entries"),
        "warn": words.aligned(counts["warn"], "warning", "warnings"),
        "error": words.aligned(counts["error"], "error", "errors"),
        "elapsed": words.elapsed(step["started_at"], step["finished_at"], now),
    }


def _has_bar(step: StepView) -> bool:
    return step["status"] == "running" and (step["progress"] > 0 or any(step["workers"].values()))


def _outcome(step: StepView) -> str:
    """Return what there is to say of a step without a bar: its workers when it has ended, its own words before."""
    if step["finished_at"] is None:
        return flat(step["progress_text"])
    counts = step["workers"]
    number = words.worker_total(counts)
    return words.count(number, "worker") if number == counts["completed"] and number else words.workers(counts)
