"""What the server may ask of the session (`server.actions.Actions`): definitions, execute, cancel."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import trio

from quaero_cli.errors import NotFoundError
from quaero_cli.jobdef.find import Found, find
from quaero_cli.jobdef.model import StepType
from quaero_cli.schedule.folders import Folders
from quaero_cli.session.core import Session
from quaero_cli.session.definition_view import definition_view
from quaero_cli.session.prepare import prepare
from quaero_cli.session.sweep import end_survivors
from quaero_cli.store import queue
from quaero_cli.store.reader import Reader, open_reader
from quaero_cli.stream.nudge import nudge

# Jobs of a definition that are shown with it: a strip of its last weeks, not its history.
_JOBS_SHOWN = 10


class SessionActions:
    """Looks at the files for each answer, and reads them again when one has changed."""

    def __init__(self, session: Session, folders: Sequence[Path], step_types: Mapping[str, StepType]) -> None:
        self._session = session
        self._folders = folders
        self._types = step_types
        self._current = Folders(folders, step_types)

    def definitions(self) -> list[dict[str, Any]]:
        """Return every definition that can be run, and those that do not load with their error."""
        with open_reader(self._session.settings.database) as reader:
            return [_view(each, reader) for each in self._current.current()]

    def definition(self, definition_id: str) -> dict[str, Any]:
        """Return one definition. Raises NotFoundError."""
        for each in self._current.current():
            if each.id == definition_id:
                with open_reader(self._session.settings.database) as reader:
                    return _view(each, reader)
        raise NotFoundError(f"no job definition {definition_id}", hint="list them with: quaero defs")

    async def execute(self, definition_id: str, parameters: Mapping[str, object]) -> tuple[str, str]:
        """Start a job in this process; return its ID and status."""
        if definition_id.endswith(".toml"):
            # Over HTTP an id is an id: no file is run by its path.
            raise NotFoundError(f"no job definition {definition_id}", hint="list them with: quaero defs")
        definition = find(definition_id, self._folders, self._types)
        prepared = prepare(definition, parameters, trigger="api", parse_text=False)
        handle = await self._session.submit(prepared)
        return handle.id, str(handle.status)

    async def cancel(self, job_id: str) -> str:
        """Ask for a job to be cancelled, wherever it runs."""
        settings = self._session.settings
        dead = await trio.to_thread.run_sync(queue.mark_interrupted, settings.database, settings.locks)
        await end_survivors(dead, self._session.log.warn)
        status = await trio.to_thread.run_sync(queue.request_cancel, settings.database, job_id)
        self._session.wakeups.set()
        nudge(settings.wake)
        return str(status)


def _view(found: Found, reader: Reader) -> dict[str, Any]:
    view = definition_view(found, queue.now_us())
    return {**view, "last_jobs": reader.last_jobs(found.id, _JOBS_SHOWN)}
