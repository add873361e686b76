"""One item of a step with `spread`, done here for a job that another machine holds.

What it says goes into that job's log, as the worker's of its number. Its states are told by the machine that holds
the job, which learns how it ended from what is returned; so of each state there is one who tells it.
"""

from collections.abc import Mapping
from typing import Any

from quaero_cli.engine.context import Context
from quaero_cli.engine.failures import describe, is_cancellation, traceback_fields
from quaero_cli.engine.fanout import FanOut
from quaero_cli.engine.keptitems import KeptItems
from quaero_cli.engine.shared import PartEnd, Running
from quaero_cli.engine.strays import kill_strays
from quaero_cli.engine.workers import Worker
from quaero_cli.jobdef.model import StepDefinition
from quaero_cli.jobdef.placeholders import Scope


async def run_part(job: Running, step: StepDefinition, number: int, item: object, node: str) -> PartEnd:
    """Do an item as the worker `number` of a step, and return how it ended. Raises nothing of the step's."""
    scope = Scope(
        job.id,
        params=job.parameters,
        config=job.definition.config,
        env=job.environment,
        outputs=job.outputs,
        skipped=job.skipped,
    )
    type_ = job.ground.step_types[step.type]
    context = Context(job, step, type_, attempt=1)
    worker = Worker(number, f"{step.name}-{number}", context.worker_log(number), _tell_nobody)
    worker.log.debug(f"Run by {node}", node=node)
    outputs: list[Mapping[str, Any]] = [{}]
    try:
        await FanOut(step, type_, scope, KeptItems((), step.name)).work(context, item, outputs, 0, worker)
    except BaseException as failure:
        if is_cancellation(failure):
            raise
        return PartEnd(describe(failure), worker.attempt, {}, traceback_fields(failure))
    finally:
        for log in list(job.logs):
            log.close()
    return PartEnd(None, worker.attempt, outputs[0], {})


async def end_strays(job: Running, part: str) -> None:
    """End processes of an item that left their group: nothing of it outlives it."""
    ground = job.ground
    for stray in await kill_strays(job.id, part=part, grace=ground.grace, kill_now=ground.kill_now):
        job.log.warn("Ended a process that had outlived its step", pid=stray.pid, command=stray.command)


def _tell_nobody(worker: Worker) -> None:
    """Its states are the holder's to tell."""
