"""What came over a cluster's queue to a worker machine, made ready to be run here."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.model import JobDefinition, StepType
from quaero_cli.model import NewJob
from quaero_cli.session.prepare import Prepared
from quaero_cli.settings import Settings

_KEPT_DEFINITIONS = 32


class Arrivals:
    """Makes ready what came over the queue. Jobs and items of one definition come by the hundred: it is read once."""

    def __init__(self, settings: Settings, step_types: Mapping[str, StepType]) -> None:
        def read(text: str, path: Path) -> JobDefinition:
            return parse(text, path=path, step_types=step_types)

        self._home = settings.home
        self._read = lru_cache(maxsize=_KEPT_DEFINITIONS)(read)

    def prepared(self, job: NewJob) -> Prepared:
        """Return a job, ready to be submitted. Raises DefinitionError."""
        path = Path(job.definition_path)
        if not path.parent.is_dir():
            path = self._home / path.name  # its folder is on another machine: what it names lies elsewhere, too
        # Whether it may run beside others was decided where it was made.
        return Prepared(replace(job, overlap="allow"), self._read(job.definition_text, path), job.parameters)
