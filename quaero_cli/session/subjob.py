"""Sub-jobs: a step runs another definition as a job of its own, linked to the one it belongs to.

The session is the only one who can: it knows where definitions are, and it submits. The sub-job is a job like any
other, with its own ID, lock, log and end; only its trigger and its parent tell. It lives in the session's nursery,
not in the step's: its end is stored whatever becomes of the step.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from quaero_cli.engine.shared import JobCall, Running
from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.find import find
from quaero_cli.jobdef.model import JobDefinition, StepType
from quaero_cli.resources import shipped
from quaero_cli.session.prepare import prepare
from quaero_cli.steps.contract import SubJob

if TYPE_CHECKING:
    from quaero_cli.session.core import Session

# Jobs within jobs. Real pipelines need two or three; a definition that runs itself must end somewhere.
MAX_DEPTH = 8


async def run_sub_job(session: "Session", step_types: Mapping[str, StepType], call: JobCall) -> SubJob:
    """Run what `call` asks for and return how it ended.

    Cancelled, it cancels the sub-job and waits for its end, which takes no longer than that of any cancelled job.
    Raises QuaeroError when it cannot be started.
    """
    parent = call.parent
    reference = call.definition
    if reference.endswith(".toml"):
        reference = str(parent.definition.path.absolute().parent / reference)
    folders = (*session.settings.definitions, shipped("jobdefs"))
    definition = await trio.to_thread.run_sync(find, reference, folders, step_types)
    _check_line(parent, definition)
    prepared = prepare(definition, call.params, trigger=call.trigger)  # texts are given their type
    step = call.step if call.trigger == "job" else None
    prepared = replace(prepared, job=replace(prepared.job, parent=parent.id, parent_step=step))
    handle = await session.submit(prepared, parent=parent)
    call.started(handle.id)
    try:
        await handle.done.wait()
    finally:
        if not handle.done.is_set():
            who = "hook" if call.trigger == "hook" else "step"
            handle.cancel(f"{who} {call.step} of job {parent.id}, which ran it, was ended")
            with trio.CancelScope(shield=True):  # bounded by the sub-job's own end; a second Ctrl-C hastens it
                await handle.done.wait()
    return SubJob(handle.id, definition.id, handle.status, handle.error, handle.outputs)


def _check_line(parent: Running, definition: JobDefinition) -> None:
    """Raise StepFailed for a job that would wait for itself, or nest without end."""
    line = (*parent.ancestors, parent.definition.id)
    names = " -> ".join((*line, definition.id))
    if definition.id in line and definition.overlap in ("queue", "cancel"):
        waits = "wait for" if definition.overlap == "queue" else "cancel"
        problem = f"{definition.id} would {waits} itself: {names}"
        raise StepFailed(problem, hint=f'it has overlap = "{definition.overlap}"')
    if len(line) >= MAX_DEPTH:
        raise StepFailed(f"jobs are nested {MAX_DEPTH} deep: {names}", hint="does a definition run itself?")
