"""How a job ended, in words: the lines at its end, what there was to read, and its errors. Pure."""

from collections.abc import Sequence

from quaero_cli.model import Counts, Entry, JobView, Status, StatusView
from quaero_cli.terminal import words
from quaero_cli.terminal.clean import flat
from quaero_cli.terminal.lines import Clock, LineFormat
from quaero_cli.terminal.page import Page


def ending(job_id: str, status: str, view: StatusView | None, counts: Counts | None, page: Page) -> str:
    """Return how a job ended: its headline, and the reason where there is one.

    `view`: the job's last, if any; `counts`: of all its entries, where they are known (those of steps are in `view`).
    """
    if view is None:
        word = page.status(status)
        return f"{page.paint(word.style, word.text)}  {page.paint('muted', flat(job_id))}\n"
    job = view["job"]
    text = headline({**job, "status": status}, said(counts or words.summed(view["steps"])), page)
    if job["error"] and status != Status.COMPLETED:
        text += f"  {page.paint('red', page.cut(job['error'], indent=2))}\n"
    return text


def headline(job: JobView, counted: Sequence[str], page: Page) -> str:
    """Return `✗ failed  News Crawler  7k3qm2xd  1m 11s`, and what was counted in a line below it."""
    status = page.status(job["status"])
    took = words.elapsed(job["started_at"], job["finished_at"], page.now)
    ident = flat(job["id"])
    name = page.cut(job["name"] or job["definition"], indent=len(status.text) + len(ident) + len(took) + 6)
    parts = [page.paint(status.style, status.text), page.paint("title", name), page.paint("muted", ident), took]
    return "  ".join(filter(None, parts)) + f"\n  {page.paint('muted', ', '.join(counted))}\n"


def said(counts: Counts) -> list[str]:
    """Return `1,341 entries`, and the numbers of warnings and errors where there are any."""
    result = [words.entries(words.total(counts))]
    result += [words.count(counts["warn"], "warning")] if counts["warn"] else []
    return result + ([words.count(counts["error"], "error")] if counts["error"] else [])


def error_lines(title: str, errors: Sequence[Entry], page: Page) -> str:
    """Return entries under a heading; nothing when there are none."""
    if not errors:
        return ""
    # Local times need the date only where it changes: the page around them says when the job ran.
    today = words.local_time(errors[0]["timestamp"], page.tz)[:10]
    clock: Clock = "utc" if page.width is None else "local"
    form = LineFormat(page.paint, clock=clock, tz=page.tz, today=today, unicode=page.unicode)
    if page.width is not None:
        form.fit(page.width)
    for entry in errors:
        form.expect(entry.get("worker") or entry.get("step_name") or "", entry["originator"])
    return page.heading(title) + form.batch(errors)
