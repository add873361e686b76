"""The picture of a running job: a line for the job, and below it the tree of its steps. Pure: views to Rich text.

Lines are laid out by hand (here and in `steprow`) instead of with Rich's tables: columns stand still while numbers
change, no line is ever wider than the canvas, and a line costs a tenth of a millisecond.
"""

from collections.abc import Sequence

from rich.text import Text

from quaero_cli.model import StatusView, StepView
from quaero_cli.terminal import words
from quaero_cli.terminal.canvas import Canvas
from quaero_cli.terminal.cells import cells, fit
from quaero_cli.terminal.clean import flat
from quaero_cli.terminal.palette import style_of
from quaero_cli.terminal.steprow import StepRows

# Who is shown first when there is no room for all steps: what moves, what went wrong, what comes next, what is done.
_RANK = {"running": 0, "failed": 1, "warning": 1, "cancelled": 1, "interrupted": 1, "pending": 2}
_LAST_RANK = 3
# A job's line has its number of entries only where there is room for a wide one.
_ENTRIES_FROM_WIDTH = 90
# Room that is left for the job's name, whatever else there is to say.
_MIN_LEFT = 16
_MIN_NAME = 8


def job_lines(view: StatusView, canvas: Canvas) -> list[Text]:
    """Return the picture of one job, at most `canvas.rows` lines: its own, then those of its steps."""
    lines = [job_line(view, canvas)]
    if canvas.rows > 1 and view["steps"]:
        lines += _step_lines(view["steps"], canvas)
    return lines[: canvas.rows]


def jobs_lines(views: Sequence[StatusView], canvas: Canvas) -> list[Text]:
    """Return the picture of several jobs. Each has its line; steps are shown while there is room for them."""
    if len(views) > canvas.rows:
        shown = canvas.rows - 1
        more = words.count(len(views) - shown, "more job")
        rest = Text(f"{'…' if canvas.unicode else '...'} {more}", style_of("muted"))
        return [*(job_line(view, canvas) for view in views[:shown]), rest]
    lines: list[Text] = []
    for number, view in enumerate(views):
        left = len(views) - number
        share = (canvas.rows - len(lines)) // left
        lines += job_lines(view, canvas.with_rows(share))
    return lines


def job_line(view: StatusView, canvas: Canvas) -> Text:
    """Return the line of the job itself: who it is, what there was to read, how far it is, how long it runs."""
    job, counts = view["job"], words.summed(view["steps"])
    parts: list[tuple[str, str]] = []
    if canvas.width >= _ENTRIES_FROM_WIDTH:
        parts.append((words.entries(words.total(counts)), "muted"))
        if rate := canvas.rates.get(job["id"]):
            parts.append((f"{rate:,}/s", "muted"))
    if counts["warn"]:
        parts.append((words.count(counts["warn"], "warning"), "warn"))
    if counts["error"]:
        parts.append((words.count(counts["error"], "error"), "error"))
    running = job["status"] == "running"
    parts.append((f"{job['progress']}%", "title") if running else (flat(job["status"]), job["status"]))
    if took := words.elapsed(job["started_at"], job["finished_at"], canvas.now):
        parts.append((took, ""))
    while len(parts) > 1 and sum(cells(text) + 2 for text, _ in parts) > canvas.width - _MIN_LEFT:
        parts.pop(0)
    right = Text("  ").join([Text(text, style_of(style)) for text, style in parts])
    left = Text.assemble(canvas.sign(job["status"]), " ")
    room = canvas.width - left.cell_len - right.cell_len - 2
    name = flat(job["name"] or job["definition"])
    ident = flat(job["id"])
    left.append(fit(name, max(_MIN_NAME, room), unicode=canvas.unicode), "bold")
    if cells(name) + 2 + cells(ident) <= room:
        left.append("  ").append(ident, style_of("muted"))
    return canvas.spread(left, right)


def _step_lines(steps: Sequence[StepView], canvas: Canvas) -> list[Text]:
    rows = StepRows(steps, canvas)
    shown = _that_fit([rows.height(step) for step in steps], [step["status"] for step in steps], canvas.rows - 1)
    lines: list[Text] = []
    folded = len(shown) < len(steps)
    for number, index in enumerate(shown):
        lines += rows.lines(steps[index], last=number == len(shown) - 1 and not folded)
    if folded:
        hidden = [step["status"] for index, step in enumerate(steps) if index not in set(shown)]
        text = fit(_folded(hidden, canvas), canvas.width - 3, unicode=canvas.unicode)
        lines.append(Text(rows.guide(last=True) + text, style_of("muted")))
    return lines


def _that_fit(heights: Sequence[int], statuses: Sequence[str], rows: int) -> list[int]:
    """Return the indexes of the steps to show, in their order: all, or what matters most and a line for the rest."""
    if sum(heights) <= rows:
        return list(range(len(heights)))
    left = rows - 1
    shown = []
    # Of what is done, the latest is worth most; of everything else, the earliest.
    order = [(_RANK.get(status, _LAST_RANK), index) for index, status in enumerate(statuses)]
    order.sort(key=lambda item: (item[0], -item[1] if item[0] == _LAST_RANK else item[1]))
    for _, index in order:
        if heights[index] > left:
            break
        left -= heights[index]
        shown.append(index)
    return sorted(shown)


def _folded(statuses: Sequence[str], canvas: Canvas) -> str:
    kinds = dict.fromkeys(statuses)
    said = ", ".join(f"{statuses.count(kind)} {flat(kind)}" for kind in kinds)
    return f"{'…' if canvas.unicode else '...'} {words.count(len(statuses), 'more step')}: {said}"
