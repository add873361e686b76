"""Finding runners that died, while a command lasts. Apart from the session: `tail` sweeps, too, and runs no jobs."""

from collections.abc import Callable, Sequence

import trio

from quaero_cli.errors import StoreError
from quaero_cli.settings import Settings
from quaero_cli.store import queue
from quaero_cli.store.damage import identity, replaced
from quaero_cli.store.engine import is_passing
from quaero_cli.stream.wakeups import Wakeups

# Seconds between looks for runners that died; the look costs one query of an index over open jobs.
SWEEP_INTERVAL = 1.0
# Seconds between TERM and KILL for what a dead runner left behind: whoever found it has something else to do.
_SURVIVORS_GRACE = 3.0

Tell = Callable[[str], None]


async def sweep(settings: Settings, wakeups: Wakeups, tell: Tell, *, patient: bool = False) -> None:
    """Mark jobs whose runner died as interrupted, and end what is left of them, again and again, until cancelled.

    Raises StoreError when another file has taken the database's place: what is open here is the old one; and when
    the store cannot be written, unless it is `patient`.
    """
    mine = identity(settings.database)
    while True:
        if identity(settings.database) != mine:
            raise replaced(settings.database)
        marked: Sequence[str] = ()
        try:
            marked = await trio.to_thread.run_sync(queue.mark_interrupted, settings.database, settings.locks)
        except StoreError as error:
            if not (patient and is_passing(error.__cause__)):
                raise
        if marked:
            wakeups.committed()
            await end_survivors(marked, tell)
        await trio.sleep(SWEEP_INTERVAL)


async def end_survivors(jobs: Sequence[str], tell: Tell) -> None:
    """End the processes of jobs whose runner died; `tell` is told of each. Nothing of a job outlives it."""
    from quaero_cli.engine.strays import kill_strays  # rarely needed, and a reader has no use for the engine

    for job in jobs:
        for stray in await kill_strays(job, ours=False, grace=_SURVIVORS_GRACE):
            # The program alone: among its arguments may be a secret, and what masked it died with the job.
            program = stray.command.split(" ", 1)[0]
            tell(f"Ended a process that interrupted job {job} had left behind: {stray.pid} {program}")
