"""Facts for the tests of the terminal: one job that failed, as the store would give it, with fixed times."""

NOW = 1768473200.0  # 2026-01-15T10:33:20Z


def at(clock):
    return f"2026-01-15T{clock}Z"


def counts(debug=0, info=0, warn=0, error=0):
    return {"debug": debug, "info": info, "warn": warn, "error": error}


def workers(pending=0, running=0, completed=0, failed=0, cancelled=0):
    return {
        "pending": pending, "running": running, "completed": completed, "failed": failed, "cancelled": cancelled,
    }  # fmt: skip


def step(name, status="pending", started=None, finished=None, *, progress=0, text="", error=None, **more):
    return {
        "id": f"7k3qm2xd.{name}", "name": name, "type": "crawler", "status": status, "progress": progress,
        "attempt": 1, "workers": more.get("workers", workers()), "progress_text": text,
        "counts": more.get("counts", counts()),
        "started_at": started, "finished_at": finished, "error": error,
    }  # fmt: skip


def job(status="running", *, ident="7k3qm2xd", name="News Crawler", finished=None, error=None, progress=45):
    return {
        "id": ident, "definition": "news-crawler", "name": name, "status": status, "progress": progress,
        "started_at": at("10:30:45.123"), "finished_at": finished, "error": error,
    }  # fmt: skip


def summary(status="running", *, total=0, level_counts=None, **more):
    created = {
        "trigger": "cli", "parent_id": None, "retry_of": None, "scheduled_for": None, "waiting_for": None,
        "queue": None, "labels": {}, "node": None, "attempt": 1, "untaken": None,
        "created_at": at("10:30:45.000"), "duration_ms": None,
    }  # fmt: skip
    return {**job(status, **more), **created, "total_count": total, "counts": level_counts or counts()}


def entry(number, message="Fetched", level="info", *, worker=None, step_name="fetch", originator="step", **more):
    found = {
        "id": number, "timestamp": at(f"10:31:{number // 1000 % 60:02d}.{number % 1000:03d}"), "level": level,
        "message": message, "job_id": more.pop("job_id", "7k3qm2xd"), "originator": originator, "source": "crawler",
        "line_number": number, "job_line": number,
    }  # fmt: skip
    if step_name:
        found |= {"step_name": step_name, "step_id": f"7k3qm2xd.{step_name}"}
    if worker:
        found |= {"worker": f"{step_name}-{worker}", "originator": "worker"}
    return found | more


def logs(entries):
    meta = {
        "total_count": None, "displayed_count": None, "has_more": False, "oldest_id": None, "newest_id": None,
        "counts": None,
    }  # fmt: skip
    return {"logs": list(entries), "meta": meta}


def running():
    """A job half-way: one step done, one with workers, one that waits."""
    fetch = step(
        "fetch", "running", at("10:30:46.000"), progress=38, text="66 pending, 1 running, 41 completed, 0 failed",
        workers=workers(66, 1, 41), counts=counts(info=1201, warn=3, error=1),
    )  # fmt: skip
    site = step("site", "completed", at("10:30:45.123"), at("10:30:45.523"), progress=100, counts=counts(info=12))
    return {"job": job(), "steps": [site, fetch, step("index")]}


ERRORS = (
    entry(1500, "Connection refused", "error", worker=7, fields={"url": "http://127.0.0.1:1/a b", "attempt": 3}),
    entry(2500, "Boom\nTraceback (most recent call last):\n  File x", "error", worker=14),
    entry(3500, "3 of 108 workers failed", "error", originator="step"),
)


def failed():
    """A job that failed, with everything `show` knows of it."""
    why = "3 of 108 workers failed, none is tolerated: ConnectError: all attempts to connect to 127.0.0.1:1 failed"
    steps = [
        step("site", "completed", at("10:30:45.123"), at("10:30:45.523"), progress=100, counts=counts(info=12)),
        step(
            "fetch", "failed", at("10:30:45.600"), at("10:31:56.000"), error=why,
            workers=workers(completed=105, failed=3), counts=counts(info=1280, warn=30, error=9),
        ),
        step("index", "skipped"),
    ]  # fmt: skip
    listed = [
        {
            "name": f"fetch-{number}", "status": "failed" if number % 36 == 0 else "completed",
            "label": f"http://127.0.0.1:1/{number}.html", "attempt": 1, "item": None,
            "started_at": at("10:30:46.000"),
            "finished_at": at("10:30:47.500"), "error": "ConnectError: refused" if number % 36 == 0 else None,
        }
        for number in range(1, 109)
    ]  # fmt: skip
    return {
        "job": summary(
            "failed", finished=at("10:31:57.000"), error="step fetch failed", total=1331,
            level_counts=counts(info=1292, warn=30, error=9),
        ),
        "steps": steps, "workers": listed,
        "parameters": {"start_urls": ["http://127.0.0.1:1/"], "max_pages": 200, "token": "***"},
        "outputs": {"site": {"url": "http://127.0.0.1:1"}},
        "definition_path": "jobdefs/news-crawler.toml", "documents": 105,
        "parent_step": None, "children": [], "artifacts": [],
    }  # fmt: skip
