"""Finding runners that died, while a command lasts. Apart from the session: `tail` sweeps, too, and runs no jobs."""

import trio

from quaero_cli.settings import Settings
from quaero_cli.store import queue
from quaero_cli.stream.nudge import nudge
from quaero_cli.stream.wakeups import Wakeups

# Seconds between looks for runners that died; the look costs one query of an index over open jobs.
SWEEP_INTERVAL = 1.0


async def sweep(settings: Settings, wakeups: Wakeups) -> None:
    """Mark jobs whose runner died as interrupted, again and again, until cancelled."""
    while True:
        marked = await trio.to_thread.run_sync(queue.mark_interrupted, settings.database, settings.locks)
        if marked:
            wakeups.set()
            nudge(settings.wake)
        await trio.sleep(SWEEP_INTERVAL)
