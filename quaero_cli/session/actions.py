"""What the server may ask of the session (`server.actions.Actions`): definitions, execute, cancel."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import trio

from quaero_cli.jobdef.model import StepType
from quaero_cli.model import Status
from quaero_cli.session.again import prepare_retry
from quaero_cli.session.clearing import clear_quietly
from quaero_cli.session.core import Session
from quaero_cli.session.definitions import Definitions, unknown
from quaero_cli.session.failing import unwrapped
from quaero_cli.session.prepare import Prepared, prepare
from quaero_cli.session.sweep import end_survivors
from quaero_cli.store import queue
from quaero_cli.store.deletion import discard
from quaero_cli.store.logsync import make_durable
from quaero_cli.stream.nudge import nudge


class SessionActions:
    """Answers the routes."""

    def __init__(self, session: Session, folders: Sequence[Path], step_types: Mapping[str, StepType]) -> None:
        self._session = session
        self._types = step_types
        self._definitions = Definitions(session.settings.database, folders, step_types)

    async def definitions(self) -> list[dict[str, Any]]:
        """Return every definition that can be run, and those that do not load with their error."""
        return await self._definitions.views()

    async def definition(self, definition_id: str) -> dict[str, Any]:
        """Return one definition. Raises NotFoundError."""
        views = await self._definitions.views(definition_id)
        if not views:
            raise unknown(definition_id)
        return views[0]

    async def execute(self, definition_id: str, parameters: Mapping[str, object]) -> tuple[str, str]:
        """Start a job; return its ID and status."""
        definition = await self._definitions.find(definition_id)
        prepared = prepare(definition, parameters, trigger="api", parse_text=False)
        return await start(self._session, prepared)

    async def delete(self, job_id: str) -> None:
        """Delete a job that has ended; what it has left is cleared away in the background."""
        settings = self._session.settings
        await trio.to_thread.run_sync(queue.mark_interrupted, settings.database, settings.locks)
        await trio.to_thread.run_sync(discard, settings.database, job_id)
        self._session.log.info(f"Job deleted: {job_id}", job_id=job_id)
        self._session.wakeups.committed()
        self._session.background.start_soon(clear_quietly, settings, self._session.log.warn)

    async def cancel(self, job_id: str) -> str:
        """Ask for a job to be cancelled, wherever it runs."""
        settings = self._session.settings
        dead = await trio.to_thread.run_sync(queue.mark_interrupted, settings.database, settings.locks)
        await end_survivors(dead, self._session.log.warn)
        status = await trio.to_thread.run_sync(queue.request_cancel, settings.database, job_id)
        nudge(settings.wake, errand=True)  # this process, too
        self._session.wakeups.set()
        return str(status)

    async def retry(self, job_id: str, *, failed: bool) -> tuple[str, str]:
        """Run a job again; return the new one's ID and status."""
        settings = self._session.settings
        make = partial(prepare_retry, settings, job_id, self._types, failed=failed)
        return await start(self._session, await trio.to_thread.run_sync(make))


async def start(session: Session, prepared: Prepared) -> tuple[str, str]:
    """Start a job, here or in the cluster that this process is a part of; return its ID and status.

    Raises what `Session.submit` and `submit_elsewhere` raise.
    """
    if not session.settings.cluster.engine:
        handle = await session.submit(prepared)
        return handle.id, str(handle.status)
    from quaero_cli.session.elsewhere import submit_elsewhere

    submit = partial(submit_elsewhere, session.settings, prepared, lazy=True)
    waiting = await trio.to_thread.run_sync(submit)
    # It is handed over while the disk takes it, and whoever asked is answered when both are done. A power cut between
    # the two may leave a job that nobody was told of; what its worker says brings it back.
    with unwrapped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, make_durable, session.settings.database)
            if session.hand_over is not None:
                await session.hand_over(waiting)
    nudge(session.settings.wake)
    session.wakeups.set()
    return waiting.job, str(Status.PENDING)
