"""Retention, carried out: deletes what is chosen, one job after the other, and clears away behind itself."""

from dataclasses import asdict, dataclass
from typing import Any

import trio

from quaero_cli.errors import NotFoundError, StateError
from quaero_cli.session.clearing import clear_deleted
from quaero_cli.settings import Settings
from quaero_cli.store.deletion import discard
from quaero_cli.store.encode import timestamp
from quaero_cli.store.memos import count_memos, forget_memos
from quaero_cli.store.queue import now_us
from quaero_cli.store.retention import Bounds, Ended, choose, list_ended, used_bytes, within
from quaero_cli.stream.nudge import nudge


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted (or would be), and the bytes in use before and after."""

    removed: tuple[Ended, ...]
    bytes_before: int
    bytes_after: int
    memos: int = 0  # what crawls knew of pages, and had not used for as long

    def view(self, *, dry_run: bool) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        jobs = [{**asdict(job), "finished_at": timestamp(job.finished_at)} for job in self.removed]
        removed = [{"job_id": job.pop("id"), **job} for job in jobs]
        return {
            "removed": removed, "memos": self.memos, "dry_run": dry_run,
            "bytes_before": self.bytes_before, "bytes_after": self.bytes_after,
        }  # fmt: skip


async def prune(settings: Settings, bounds: Bounds, *, dry_run: bool) -> Pruned:
    """Delete the jobs that are not within the bounds. `dry_run`: only say which, about."""
    path = settings.database
    jobs = await trio.to_thread.run_sync(list_ended, path)
    before = await trio.to_thread.run_sync(used_bytes, path)
    taken = choose(jobs, bounds, now_us())
    oldest = None if bounds.older_than is None else now_us() - int(bounds.older_than * 1_000_000)
    if dry_run:
        left = before - sum(job.bytes for job in taken.always)
        more = within(taken.while_too_large, left, bounds.max_size or 0)
        memos = 0 if oldest is None else await trio.to_thread.run_sync(count_memos, path, oldest)
        return Pruned((*taken.always, *more), before, left - sum(job.bytes for job in more), memos)
    memos = 0 if oldest is None else await trio.to_thread.run_sync(forget_memos, path, oldest)
    removed = [job for job in taken.always if await _discard(settings, job)]
    await clear_deleted(settings)
    for job in taken.while_too_large:
        if await trio.to_thread.run_sync(used_bytes, path) <= (bounds.max_size or 0):
            break
        if await _discard(settings, job):
            removed.append(job)
            await clear_deleted(settings)
    return Pruned(tuple(removed), before, await trio.to_thread.run_sync(used_bytes, path), memos)


async def _discard(settings: Settings, job: Ended) -> bool:
    """Delete one job; False when somebody was first, or a job that runs needs it."""
    try:
        await trio.to_thread.run_sync(discard, settings.database, job.id)
    except (NotFoundError, StateError):
        return False
    nudge(settings.wake)
    return True
