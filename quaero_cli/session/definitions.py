"""The definitions as a server knows them: the files as they are now, looked at in a thread, one look at a time.

A hundred files take a tenth of a second to read, and as much to ask for their next fires; the loop has streams to
feed meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import trio

from quaero_cli.errors import NotFoundError
from quaero_cli.jobdef.find import Found
from quaero_cli.jobdef.model import JobDefinition, StepType
from quaero_cli.schedule.folders import Folders
from quaero_cli.session.definition_view import definition_view
from quaero_cli.store.queue import now_us
from quaero_cli.store.reader import open_reader

T = TypeVar("T")

# Jobs of a definition that are shown with it: a strip of its last weeks, not its history.
_JOBS_SHOWN = 10


class Definitions:
    """Looks at the files for each answer, and reads them again when one has changed."""

    def __init__(self, database: Path, folders: Sequence[Path], step_types: Mapping[str, StepType]) -> None:
        self._database = database
        self._folders = Folders(folders, step_types)
        self._one = trio.CapacityLimiter(1)  # `Folders` is for one thread at a time

    async def views(self, definition_id: str | None = None) -> list[dict[str, Any]]:
        """Return all as JSON shows them, or those of one id: one or none."""
        return await self._in_thread(lambda: self._views(definition_id))

    async def find(self, definition_id: str) -> JobDefinition:
        """Return the definition of that id. Raises NotFoundError, DefinitionError when it does not load."""
        found = await self._in_thread(lambda: self._of(definition_id))
        if not found:
            raise unknown(definition_id)
        if found[0].error is not None:
            raise found[0].error.with_traceback(None)  # kept with the file, and raised again
        assert found[0].definition is not None
        return found[0].definition

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await trio.to_thread.run_sync(work, limiter=self._one)

    def _of(self, definition_id: str | None) -> list[Found]:
        found = self._folders.current()
        return found if definition_id is None else [each for each in found if each.id == definition_id]

    def _views(self, definition_id: str | None) -> list[dict[str, Any]]:
        now = now_us()
        with open_reader(self._database) as reader:
            return [
                {**definition_view(each, now), "last_jobs": reader.last_jobs(each.id, _JOBS_SHOWN)}
                for each in self._of(definition_id)
            ]


def unknown(definition_id: str) -> NotFoundError:
    """Return the error for an id that no definition has."""
    return NotFoundError(f"no job definition {definition_id}", hint="list them with: quaero defs")
