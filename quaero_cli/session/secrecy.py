"""What a job keeps to itself: its secrets are read, and its mask is made, before anything of it is stored."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from quaero_cli.jobdef.parameters import secret_texts
from quaero_cli.jobdef.secretsources import reveal
from quaero_cli.masking.mask import Mask
from quaero_cli.model import NewJob
from quaero_cli.session.prepare import Prepared


@dataclass(frozen=True, slots=True)
class Guarded:
    """A job whose stored form holds no secret, with its secrets beside it. `mask` None: it has none."""

    job: NewJob
    secrets: Mapping[str, str]
    mask: Mask | None


def guard(prepared: Prepared, environment: Mapping[str, str], inherited: Collection[str] = ()) -> Guarded:
    """Read the job's secrets and mask what is to be stored; `inherited` are those of the job that starts this one.

    Reads files. Raises DefinitionError for a secret that is missing.
    """
    definition = prepared.definition
    secrets = reveal(definition, environment)
    texts = {*secrets.values(), *inherited}
    for parameter in definition.parameters:
        if parameter.secret:
            texts.update(secret_texts(prepared.parameters[parameter.name]), secret_texts(parameter.default))
    texts.discard("")
    if not texts:
        return Guarded(prepared.job, secrets, None)
    mask = Mask(texts)
    job = prepared.job
    # The text of the definition holds the default of a secret parameter, if somebody wrote one.
    job = replace(job, parameters=mask.value(job.parameters), definition_text=mask.text(job.definition_text))
    return Guarded(job, secrets, mask)
