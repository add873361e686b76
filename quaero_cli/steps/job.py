"""The step type `job`: runs another definition as a job of its own. How that is done is the engine's affair."""

from collections.abc import Mapping
from typing import Any

from quaero_cli.steps.contract import StepContext, StepFailed, SubJob


async def job(ctx: StepContext, *, definition: str, params: dict[str, Any] | None = None) -> Mapping[str, Any]:
    """Run another definition as a job of its own, and end as it ends.

    The sub-job has its own ID, log and page; both name each other. It ends well when it is `completed` or `warning`,
    and fails the step otherwise. Its `overlap` holds as for any job. When the step is cancelled, so is the sub-job.

    Outputs: `job_id`, `status`, `outputs` (a table for each of its steps), and each output of a step by its own name
    as well, the later step's where two have the same.

    definition: the id of a definition, or a path that ends in .toml, from this definition's folder
    params: its parameters, by name
    """
    ended = await ctx.run_job(definition, params or {})
    if not ended.status.good:
        reason = f": {ended.error}" if ended.error else ""
        raise StepFailed(f"job {ended.id} ({ended.definition}) {_fate(ended)}{reason}")
    return outputs_of(ended)


def outputs_of(ended: SubJob) -> dict[str, Any]:
    """Return the sub-job's outputs as those of one step."""
    flat = {key: value for outputs in ended.outputs.values() for key, value in outputs.items()}
    by_step = {name: dict(outputs) for name, outputs in ended.outputs.items()}
    return {**flat, "job_id": ended.id, "status": str(ended.status), "outputs": by_step}


def _fate(ended: SubJob) -> str:
    return str(ended.status) if ended.status == "failed" else f"was {ended.status}"
