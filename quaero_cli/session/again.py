"""From a job that has ended to one that runs it again: all of it, or what did not complete."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from quaero_cli.errors import StateError
from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.model import StepType
from quaero_cli.model import Kept, Status
from quaero_cli.plan.again import steps_to_keep
from quaero_cli.session.prepare import Prepared, prepare
from quaero_cli.settings import Settings
from quaero_cli.store.retry import read_origin


def prepare_retry(
    settings: Settings,
    job_id: str,
    step_types: Mapping[str, StepType],
    *,
    failed: bool,
    given: Mapping[str, object] | None = None,
) -> Prepared:
    """Make a job of what was stored of another: its definition as it was then, its parameters; `given` ones win.

    Its `queue` is that of the cluster whose workers ran the other one, None if it ran where it was made.
    `failed`: completed steps and workers are kept. Reads the store. Raises NotFoundError; StateError when the job has
    not ended, or nothing of it failed; DefinitionError when its definition cannot be used any more; ParameterError,
    also for a secret that was not given, since secrets are not stored.
    """
    origin = read_origin(settings.database, job_id)
    if not origin.status.final:
        raise StateError(
            f"job {job_id} is still {origin.status}",
            hint=f"wait for its end with quaero tail {job_id}, or end it with quaero cancel {job_id}",
        )
    if failed and origin.status is Status.COMPLETED:
        raise StateError(
            f"nothing failed in job {job_id}: it is {origin.status}",
            hint=f"run all of it again: quaero retry {job_id}",
        )
    definition = parse(origin.definition_text, path=Path(origin.definition_path), step_types=step_types)
    stored = {name: value for name, value in origin.parameters.items() if value is not None}
    prepared = prepare(definition, {**stored, **(given or {})}, trigger="retry")
    kept = None
    if failed:
        steps = steps_to_keep(definition.steps, origin.steps)
        kept = Kept(origin.kept_steps(steps), origin.kept_items(steps))
    job = replace(prepared.job, retry_of=job_id, resumes=failed, kept=kept, queue=origin.queue)
    return replace(prepared, job=job)
