"""From a definition and given parameters to a job that can be enqueued: self-contained data."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quaero_cli.errors import DefinitionError
from quaero_cli.jobdef.model import JobDefinition
from quaero_cli.jobdef.parameters import masked_parameters, resolve_parameters
from quaero_cli.model import NewJob, StepRow, Trigger

# Letters and digits that nobody mixes up when reading an ID aloud: no 0 o 1 l i u v.
_ID_LETTERS = "23456789abcdefghjkmnpqrstwxyz"
_ID_LENGTH = 8  # 29^8: half a million million
# A derived ID cannot be drawn again when another job has it, so it is longer: 29^10.
_DERIVED_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job that may be submitted, with the checked definition behind it.

    `parameters` are the real ones; those of `job`, which is stored, have their secrets masked.
    """

    job: NewJob
    definition: JobDefinition
    parameters: Mapping[str, Any]


def new_job_id() -> str:
    """Return a random job ID; the submitter makes it."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))


def fire_job_id(definition: str, fire: int) -> str:
    """Return the ID of the job that a definition makes at a fire time (UTC microseconds): everywhere the same."""
    number = int.from_bytes(hashlib.sha256(f"{definition} {fire}".encode()).digest())
    letters = []
    for _ in range(_DERIVED_LENGTH):
        number, letter = divmod(number, len(_ID_LETTERS))
        letters.append(_ID_LETTERS[letter])
    return "".join(letters)


def prepare(
    definition: JobDefinition, given: Mapping[str, object], *, trigger: Trigger, parse_text: bool = True
) -> Prepared:
    """Check the parameters and make the job; `parse_text`: strings were typed and are given their type.

    Raises ParameterError, and DefinitionError when it is disabled.
    """
    if not definition.enabled:
        raise DefinitionError(f"{definition.path}: {definition.id} is disabled", hint="set enabled = true to run it")
    parameters = resolve_parameters(definition, given, parse_text=parse_text)
    job = NewJob(
        id=new_job_id(),
        definition=definition.id,
        name=definition.name,
        trigger=trigger,
        definition_text=definition.text,
        definition_hash=definition.content_hash,
        definition_path=str(definition.path.absolute()),
        parameters=masked_parameters(definition, parameters),
        steps=tuple(StepRow(step.name, step.type, step.depends, step.service) for step in definition.steps),
        secrets=tuple(definition.secrets),
        overlap=definition.overlap,
        labels=definition.labels,
    )
    return Prepared(job, definition, parameters)
