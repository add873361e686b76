"""How a job ended, in words: the one line at its end, what there was to read, and its errors. Pure."""

from collections.abc import Sequence

from quaero_cli.model import Counts, Entry, StatusView
from quaero_cli.terminal import words
from quaero_cli.terminal.clean import clean
from quaero_cli.terminal.lines import Clock, LineFormat
from quaero_cli.terminal.page import Page


def ending(job_id: str, status: str, view: StatusView | None, counts: Counts | None = None) -> str:
    """Return `job 7k3qm2xd (News Crawler) failed after 41s, 2 errors: the reason`.

    `view`: the job's last, if any; `counts`: of all its entries, where they are known (those of steps are in `view`).
    """
    if view is None:
        return f"job {clean(job_id)} {clean(status)}"
    job, counts = view["job"], counts or words.summed(view["steps"])
    text = f"job {clean(job_id)} ({clean(job['name'])}) {clean(status)}"
    if job["finished_at"]:
        text += f" after {words.elapsed(job['started_at'], job['finished_at'], 0)}"
    text = ", ".join([text, *said(counts)[1:]])
    return f"{text}: {clean(job['error'])}" if job["error"] else text


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
