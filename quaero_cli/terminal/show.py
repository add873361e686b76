"""The page of `show`: everything about one job, the reason of a failure first. Pure: facts in, text out."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from quaero_cli.model import ArtifactView, ChildView, Entry, JobSummary, StepView, WorkerView
from quaero_cli.model.taking import labels_as_words
from quaero_cli.terminal import words
from quaero_cli.terminal.clean import flat
from quaero_cli.terminal.endings import error_lines, said
from quaero_cli.terminal.fields import field_value
from quaero_cli.terminal.page import Cell, Column, Page, table

# Workers are listed up to so many a step; the counts tell of the rest.
_MAX_WORKERS = 10
_MAX_ARTIFACTS = 20
_LISTED = ("failed", "interrupted", "running", "cancelled")
_ARTIFACTS = (Column("STEP"), Column("SIZE", right=True, drop=1), Column("FILE", least=20, wrap=True))
_CHILDREN = (Column("STEP"), Column("STATUS"), Column("JOB"), Column("DEFINITION", least=10))


class JobReport(TypedDict):
    """One job with everything but its entries, as the store's reader gives it."""

    job: JobSummary
    steps: list[StepView]
    workers: list[WorkerView]  # of all steps
    parent_step: str | None
    children: list[ChildView]
    parameters: dict[str, Any]  # secrets masked
    outputs: dict[str, Any]  # step -> its outputs
    definition_path: str
    documents: int  # how many the job's crawlers have kept
    artifacts: list[ArtifactView]  # files that its steps have left


_FACTS = (Column(""), Column("", least=20, wrap=True))
_STEPS = (
    Column("STEP", least=10),
    Column("STATUS"),
    Column("STARTED", drop=4),
    Column("DURATION", right=True, drop=2),
    Column("WORKERS", least=12, drop=5),
    Column("ENTRIES", right=True, drop=6),
    Column("WARN", right=True, drop=3),
    Column("ERROR", right=True, drop=1),
)
_WORKERS = (
    Column("WORKER"),
    Column("STATUS"),
    Column("DURATION", right=True, drop=1),
    Column("", least=20, wrap=True),
)


def show_page(report: JobReport, first_errors: Sequence[Entry], page: Page) -> str:
    """Return the page of one job. `first_errors`: the first entries of level error."""
    parts = [
        _header(report, page),
        _steps(report["steps"], page),
        _workers(report["workers"], page),
        _children(report["children"], page),
        _values("Parameters", report["parameters"], page),
        _values("Outputs", _flat(report["outputs"]), page),
        _artifacts(report["artifacts"], page),
        _errors(report["job"]["id"], first_errors, page),
    ]
    return "".join(parts)


def _header(report: JobReport, page: Page) -> str:
    job = report["job"]
    status = page.status(job["status"])
    name = page.cut(job["name"], indent=len(status.text) + len(job["id"]) + 4)
    title = f"{page.paint(status.style, status.text)}  {page.paint('title', name)}  {flat(job['id'])}\n"
    facts = [
        ("definition", f"{job['definition']}  {report['definition_path']}"),
        ("started", _when(job["started_at"], page) or "not yet"),
        ("waits for", job["waiting_for"] or job["untaken"] or ""),
        ("by", _cause(job, page)),
        ("parent", _parent(job["parent_id"], report["parent_step"])),
        ("worker", _where(job)),
        ("duration", words.elapsed(job["started_at"], job["finished_at"], page.now)),
        ("log", ", ".join(said(job["counts"]))),
        ("documents", f"{report['documents']:,}" if report["documents"] else ""),
        ("error", job["error"] or ""),
    ]
    rows = [[Cell(name, "muted"), Cell(text, "error" if name == "error" else "")] for name, text in facts if text]
    return title + table(page, _FACTS, rows, indent="  ")


def _cause(job: JobSummary, page: Page) -> str:
    """Return what started the job: with the job that it repeats, and with the time that its schedule named."""
    again = f" of {job['retry_of']}" if job["retry_of"] else ""
    due = f", due {_when(job['scheduled_for'], page)}" if job["scheduled_for"] else ""
    return f"{job['trigger']}{again}{due}"


def _parent(job: str | None, step: str | None) -> str:
    """Return the job that this one belongs to, with the step that runs it; a hook's job has none."""
    return f"{job}, step {step}" if job and step else job or ""


def _where(job: JobSummary) -> str:
    """Return which machine of a cluster runs the job, or whose turn it is."""
    node, queue = job["node"], job["queue"]
    labels = "".join(f", {word}" for word in labels_as_words(job["labels"]))
    attempt = f", attempt {job['attempt']}" if job["attempt"] > 1 else ""
    return f"{node or 'none yet'}{attempt}, queue {queue}{labels}" if queue else node or ""


def _when(timestamp: str | None, page: Page) -> str:
    if timestamp is None or page.width is None:
        return timestamp or ""
    moment, age = words.local_time(timestamp, page.tz), words.ago(timestamp, page.now)
    return moment if age == timestamp[:10] else f"{moment} ({age})"


def _steps(steps: Sequence[StepView], page: Page) -> str:
    if not steps:
        return ""
    text = page.heading("Steps") + table(page, _STEPS, [_step_row(step, page) for step in steps], indent="  ")
    failed = [[Cell(step["name"], "title"), Cell(step["error"], "error")] for step in steps if step["error"]]
    return text + (page.heading("Why") + table(page, _FACTS, failed, indent="  ") if failed else "")


def _step_row(step: StepView, page: Page) -> list[Cell]:
    counts, started = step["counts"], step["started_at"]
    if started and page.width is not None:
        started = words.local_time(started, page.tz)[11:]
    return [
        Cell(step["name"], "title"),
        page.status(step["status"], step["attempt"]),
        Cell(started or "", "muted"),
        Cell(words.elapsed(step["started_at"], step["finished_at"], page.now)),
        Cell(words.workers(step["workers"])),
        Cell(f"{words.total(counts):,}"),
        Cell(f"{counts['warn']:,}", "warn" if counts["warn"] else "muted"),
        Cell(f"{counts['error']:,}", "error" if counts["error"] else "muted"),
    ]


def _workers(workers: Sequence[WorkerView], page: Page) -> str:
    steps: dict[str, list[WorkerView]] = {}
    for worker in workers:
        if worker["status"] in _LISTED:
            steps.setdefault(worker["name"].rpartition("-")[0], []).append(worker)
    rows: list[list[Cell]] = []
    for listed in steps.values():
        listed.sort(key=lambda worker: _LISTED.index(worker["status"]))
        rows += [_worker_row(worker, page) for worker in listed[:_MAX_WORKERS]]
        if len(listed) > _MAX_WORKERS:
            more = f"{len(listed) - _MAX_WORKERS:,} more"
            rows.append([Cell(more, "muted"), Cell(""), Cell(""), Cell("")])
    return page.heading("Workers") + table(page, _WORKERS, rows, indent="  ") if rows else ""


def _worker_row(worker: WorkerView, page: Page) -> list[Cell]:
    about = ": ".join([text for text in (worker["label"], worker["error"]) if text])
    took = words.elapsed(worker["started_at"], worker["finished_at"], page.now)
    return [Cell(worker["name"], "title"), page.status(worker["status"], worker["attempt"]), Cell(took), Cell(about)]


def _children(children: Sequence[ChildView], page: Page) -> str:
    rows = [
        [
            Cell(child["step"] or "(hook)", "title"),
            page.status(child["status"]),
            Cell(child["id"]),
            Cell(child["definition"]),
        ]
        for child in children
    ]
    return page.heading("Sub-jobs") + table(page, _CHILDREN, rows, indent="  ") if rows else ""


def _flat(outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {f"{step}.{key}": value for step, values in outputs.items() for key, value in values.items()}


def _values(title: str, values: Mapping[str, Any], page: Page) -> str:
    rows = [[Cell(key, "title"), Cell(field_value(value))] for key, value in values.items()]
    return page.heading(title) + table(page, _FACTS, rows, indent="  ") if rows else ""


def _artifacts(files: Sequence[ArtifactView], page: Page) -> str:
    rows = [
        [Cell(file["step"], "title"), Cell(f"{file['bytes']:,} bytes", "muted"), Cell(flat(file["name"]))]
        for file in files[:_MAX_ARTIFACTS]
    ]
    if len(files) > _MAX_ARTIFACTS:
        rows.append([Cell(f"{len(files) - _MAX_ARTIFACTS:,} more", "muted"), Cell(""), Cell("")])
    return page.heading("Artifacts") + table(page, _ARTIFACTS, rows, indent="  ") if rows else ""


def _errors(job_id: str, errors: Sequence[Entry], page: Page) -> str:
    if not errors:
        return ""
    more = page.paint("title", f"quaero tail {flat(job_id)} --level error")
    return error_lines("First errors", errors, page) + f"\nmore:  {more}\n"
