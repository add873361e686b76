"""Waiting until a queued job may start, and the end of one that never does."""

from collections.abc import Callable

import trio

from quaero_cli.engine.log import JobLog
from quaero_cli.engine.shared import now_us
from quaero_cli.model import Fact, JobChanged, Level, NewJob, Status, StepChanged
from quaero_cli.session.handle import Handle
from quaero_cli.settings import Settings
from quaero_cli.store import queue
from quaero_cli.store.turns import Turn, look_for_turn
from quaero_cli.stream.wakeups import Wakeups

# Seconds between looks, at most: a job that logs wakes everybody at each of its commits. The wait for a turn is over
# this long after the end of the job before it.
_LOOK_INTERVAL = 0.05
# Seconds after which a circle of waiting jobs must still be there: a job that needs no turn is pending for a moment.
_CIRCLE_STANDS = 1.0


async def claim_in_turn(
    settings: Settings, wakeups: Wakeups, emit: Callable[[Fact], None], job: NewJob, handle: Handle
) -> int | None:
    """Claim the job, when its turn has come if it is one that waits; return the attempt.

    None: it was cancelled before (then its end is emitted here), or is no longer pending.
    """
    if job.overlap in ("queue", "cancel") and not await _wait(settings, wakeups, emit, job, handle):
        if handle.cancelled is not None:
            end_unstarted(emit, job, handle.cancelled)
        return None
    return await trio.to_thread.run_sync(queue.claim, settings.database, job.id)


async def _wait(
    settings: Settings, wakeups: Wakeups, emit: Callable[[Fact], None], job: NewJob, handle: Handle
) -> bool:
    """Wait for the job's turn and say what for; return whether it has come."""
    log, told = JobLog(emit, job.id, source="runner"), ""
    circle: tuple[str, ...] = ()
    with handle.waiting:
        while True:
            waiter = wakeups.waiter()
            turn = await trio.to_thread.run_sync(look_for_turn, settings.database, job.id)
            if not turn.ahead:
                return turn.pending
            if turn.ahead[0] != told:
                told = turn.ahead[0]
                log.info(_waiting_for(turn), waiting_for=told, ahead=len(turn.ahead))
            if turn.circle and turn.circle == circle:
                handle.cancel(f"it would wait for itself: {' -> '.join(circle)}")
            circle = turn.circle
            if circle:
                await trio.sleep(_CIRCLE_STANDS)
                continue
            await trio.sleep(_LOOK_INTERVAL)
            await waiter.wait()
    return False


def _waiting_for(turn: Turn) -> str:
    between = len(turn.ahead) - 1
    others = f", and {between} more before this one" if between else ""
    return f"Waiting for job {turn.ahead[0]} to end{others}"


def end_unstarted(emit: Callable[[Fact], None], job: NewJob, reason: str, *, failed: bool = False) -> None:
    """Emit the end of a job that was cancelled, or `failed`, before any of its steps began."""
    status, level = (Status.FAILED, Level.ERROR) if failed else (Status.CANCELLED, Level.WARN)
    log = JobLog(emit, job.id, source="runner")
    for step in job.steps:
        emit(StepChanged(job.id, step.name, Status.SKIPPED, now_us(), f"the job was {status} before it began"))
    log.write(level, f"Status changed: {status} (job: {job.name})", fields={"error": reason})
    emit(JobChanged(job.id, status, now_us(), attempt=0, error=reason))
