"""What the server asks of the session that it is part of: the ways to change something, and where to log.

Only types live here. The routes know these and no engine: the reading half never imports the writing half.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

# (level as in `model.Level`, message, fields): one line of the service log. Must not block or raise.
ServiceLog = Callable[[int, str, Mapping[str, Any]], None]


class Actions(Protocol):
    """Definitions, and what can be done with jobs. Implemented by the session."""

    async def definitions(self) -> list[dict[str, Any]]:
        """Return every definition that is found, with the error of one that does not load."""

    async def definition(self, definition_id: str) -> dict[str, Any]:
        """Return one definition. Raises NotFoundError."""

    async def execute(self, definition_id: str, parameters: Mapping[str, object]) -> tuple[str, str]:
        """Start a job; return its ID and status.

        Raises NotFoundError, ParameterError, DefinitionError (it does not load, or is disabled) and OverlapError.
        """

    async def retry(self, job_id: str, *, failed: bool) -> tuple[str, str]:
        """Run a job again, all of it or what failed; return the new job's ID and status.

        Raises NotFoundError, StateError, OverlapError, and ParameterError or DefinitionError when it cannot be made.
        """

    async def delete(self, job_id: str) -> None:
        """Delete a job with its entries. Raises NotFoundError, and StateError when it has not ended."""

    async def cancel(self, job_id: str) -> str:
        """Ask for a job to be cancelled; return its status at this moment. Raises NotFoundError and StateError."""
