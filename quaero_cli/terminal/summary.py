"""The summary at the end of `run`: what came of it, step by step, and where to read on. Pure: facts in, text out.

It is words, so it belongs on stderr; stdout may have the data.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quaero_cli.model import Entry, JobSummary, Status, StepView, WorkerView
from quaero_cli.terminal import words
from quaero_cli.terminal.clean import flat
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.endings import error_lines, headline, said
from quaero_cli.terminal.page import Cell, Column, Page, page_for, table
from quaero_cli.terminal.show import JobReport

_STEPS = (
    Column("", least=10),
    Column(""),
    Column("", right=True),
    Column("", least=12, drop=3),
    Column("", right=True, drop=4),
    Column("", right=True, drop=2),
    Column("", right=True, drop=1),
)
_REASONS = (Column(""), Column("", least=20, wrap=True))
# Of many workers that failed, these tell why; `quaero show` has the rest.
_WORKERS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """What the summary tells: the job, and the last entries of what failed, by the step's or the worker's name."""

    report: JobReport
    last_lines: Mapping[str, Sequence[Entry]] = field(default_factory=dict)


def what_failed(steps: Sequence[StepView], workers: Sequence[WorkerView]) -> list[tuple[str, str | None]]:
    """Return the failed steps, each with the worker that failed first: its lines say why, not those of the others."""
    return [
        (step["name"], next((worker["name"] for worker in _failed_workers(step, workers)), None))
        for step in steps
        if step["status"] == Status.FAILED
    ]


def _failed_workers(step: StepView, workers: Sequence[WorkerView]) -> list[WorkerView]:
    """Return a step's failed workers, those that failed first at the top."""
    found = [
        worker
        for worker in workers
        if worker["status"] == Status.FAILED and worker["name"].rpartition("-")[0] == step["name"]
    ]
    return sorted(found, key=lambda worker: worker["finished_at"] or "")


def write_summary(terminal: Terminal, facts: Summary, *, now: float | None = None) -> None:
    """Write the summary. `now` (seconds since 1970) is the present unless given."""
    page = page_for(terminal, time.time() if now is None else now)
    # On a screen it follows the entries: a blank line sets it apart.
    terminal.write(("\n" if terminal.tty else "") + summary_page(facts, page))


def summary_page(facts: Summary, page: Page) -> str:
    """Return the summary of a job that has ended, each line with its newline."""
    job, steps = facts.report["job"], facts.report["steps"]
    documents = facts.report["documents"]
    counted = [*said(job["counts"]), *([f"{words.count(documents, 'document')} found"] if documents else [])]
    text = headline(job, counted, page)
    text += table(page, _STEPS, [_step_row(step, page) for step in steps], indent="  ")
    if job["status"] == Status.COMPLETED:
        return text
    lines = [error_lines(f"Last lines of {flat(name)}", lines, page) for name, lines in facts.last_lines.items()]
    return text + _reasons(facts.report, page) + "".join(lines) + _more(job, page)


def _step_row(step: StepView, page: Page) -> list[Cell]:
    counts = step["counts"]
    return [
        Cell(step["name"], "title"),
        page.status(step["status"]),
        Cell(words.elapsed(step["started_at"], step["finished_at"], page.now)),
        Cell(words.workers(step["workers"]), "muted"),
        Cell(words.aligned(words.total(counts), "entry", "entries"), "muted"),
        Cell(words.aligned(counts["warn"], "warning", "warnings"), "warn"),
        Cell(words.aligned(counts["error"], "error", "errors"), "error"),
    ]


def _reasons(report: JobReport, page: Page) -> str:
    """Return why: the errors of steps and of their first failed workers, and the job's own where no step says it."""
    rows = []
    for step in report["steps"]:
        if step["error"]:
            rows.append([Cell(step["name"], "title"), Cell(step["error"], "red")])
        shown = _failed_workers(step, report["workers"])[:_WORKERS_SHOWN]
        rows += [[Cell(worker["name"], "title"), Cell(_said_of(worker), "red")] for worker in shown]
    own = report["job"]["error"]
    if own and not rows:
        rows.append([Cell("job", "title"), Cell(own, "red")])
    return page.heading("Why") + table(page, _REASONS, rows, indent="  ") if rows else ""


def _said_of(worker: WorkerView) -> str:
    """Return what a worker had, and what went wrong with it; the error may name it by itself."""
    label, error = worker["label"], worker["error"] or ""
    return error if error.startswith(label) else ": ".join(filter(None, (label, error)))


def _more(job: JobSummary, page: Page) -> str:
    """Return what to type next: to look at it, and to go on where it has failed."""
    ident = flat(job["id"])
    wanted = [("more:", f"quaero show {ident}")]
    if job["counts"]["error"]:
        wanted.append(("", f"quaero tail {ident} --level error"))
    if job["status"] != Status.WARNING:
        wanted.append(("again:", f"quaero retry {ident} --failed"))
    rows = [[Cell(word, "muted"), Cell(command, "title")] for word, command in wanted]
    return "\n" + table(page, (Column(""), Column("")), rows)
