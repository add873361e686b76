"""Finding definitions, for the commands that take one."""

from pathlib import Path
from typing import TYPE_CHECKING

from quaero_cli.resources import shipped
from quaero_cli.settings import Settings

if TYPE_CHECKING:
    from quaero_cli.jobdef.model import JobDefinition, StepType


def folders(settings: Settings) -> list[Path]:
    """Return the folders with definitions, the first wins: here, the data directory's, the shipped ones."""
    return [*settings.definitions, shipped("jobdefs")]


def require_definition(reference: str, settings: Settings) -> None:
    """Raise NotFoundError for an id that no definition has: an empty list would hide that it is misspelt."""
    from quaero_cli.jobdef.find import require_known

    require_known(reference, folders(settings))


def load_definition(reference: str, settings: Settings) -> "tuple[JobDefinition, dict[str, StepType]]":
    """Return the checked definition that `reference` means, and the step types. Raises DefinitionError."""
    from quaero_cli.jobdef.find import find
    from quaero_cli.steps.registry import load_step_types

    types = load_step_types()
    return find(reference, folders(settings), types), types
