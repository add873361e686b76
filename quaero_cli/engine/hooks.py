"""What happens when a job has ended: the hooks of its definition, after its last step and before its last entry.

They belong to the job: their lines are in its log, what they leave running is ended with it, and whoever waits for
the job waits for them. Its status is decided before, and nothing that a hook does changes it; a hook that fails is
told at level error. A job whose process died has no hooks, since nobody is left to run them.
"""

import json
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from quaero_cli.engine.failures import describe
from quaero_cli.engine.output import line_logger
from quaero_cli.engine.process import run_process
from quaero_cli.engine.shared import JobCall, Running
from quaero_cli.errors import QuaeroError, StepFailed
from quaero_cli.jobdef.model import Hook
from quaero_cli.jobdef.place import Place
from quaero_cli.jobdef.placeholders import Scope, resolve
from quaero_cli.model import Status

_FACTS_FILE = ".job.json"
_MAX_ERROR = 4096  # characters in the environment, which is bounded; the file has it whole


@dataclass(frozen=True, slots=True)
class Ended:
    """How the job ended; `steps`: the last status of each."""

    status: Status
    error: str | None
    steps: Mapping[str, Status]


async def run_hooks(job: Running, ended: Ended) -> None:
    """Run what the definition asks for at such an end, one after the other. Raises nothing but Cancelled."""
    hooks = [hook for hook in job.definition.hooks if _fits(hook, ended.status)]
    if not hooks:
        return
    facts = _facts(job, ended)
    for hook in hooks:
        await _run(hook, job, facts)


def _fits(hook: Hook, status: Status) -> bool:
    return {"on_success": status.good, "on_failure": status is Status.FAILED, "on_exit": True}[hook.event]


def _facts(job: Running, ended: Ended) -> dict[str, Any]:
    """What hooks are told, without the job's secrets."""
    definition = job.definition
    facts = {
        "id": job.id,
        "definition": definition.id,
        "name": definition.name,
        "status": str(ended.status),
        "error": ended.error,
        "steps": {name: str(status) for name, status in ended.steps.items()},
        "parameters": dict(job.parameters),
        "outputs": {name: dict(values) for name, values in job.outputs.items()},
    }
    masked: dict[str, Any] = facts if job.mask is None else job.mask.value(facts)
    return masked


async def _run(hook: Hook, job: Running, facts: Mapping[str, Any]) -> None:
    job.log.info(f"Hook {hook.event} begins", hook=hook.event)
    try:
        with trio.fail_after(hook.timeout):
            if hook.job is None:
                await _run_command(hook, job, facts)
            else:
                await _run_job(hook, hook.job, job, facts)
    except trio.TooSlowError:
        job.log.error(f"Hook {hook.event} failed: it took longer than {hook.timeout:g} s", hook=hook.event)
    except Exception as error:
        hint = {"hint": error.hint} if isinstance(error, QuaeroError) and error.hint else {}
        job.log.error(f"Hook {hook.event} failed: {describe(error)}", hook=hook.event, **hint)
    else:
        job.log.info(f"Hook {hook.event} ended", hook=hook.event)


async def _run_command(hook: Hook, job: Running, facts: Mapping[str, Any]) -> None:
    scope = _scope(job, facts)
    if isinstance(hook.command, str):
        line = resolve(hook.command, scope, quote=shlex.quote, place=Place(hook.event))
        words = ["sh", "-c", line]
    else:
        words = [str(word) for word in resolve(list(hook.command or ()), scope)]
    job.ran_processes = True
    job.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = job.directory / _FACTS_FILE
    file.write_text(json.dumps(facts, ensure_ascii=False, default=str))
    try:
        code = await run_process(
            words,
            env={**job.environment, **_names(facts, file)},
            cwd=job.definition.path.absolute().parent,
            on_pieces=line_logger(job.log),
            room=job.ground.room,
            grace=job.ground.grace,
            kill_now=job.ground.kill_now,
            mask=job.mask,
        )
    finally:
        with suppress(OSError):  # a file too many harms nobody
            file.unlink()
    if code != 0:
        raise StepFailed(f"exit code {code}" if code > 0 else f"killed by signal {-code}")


async def _run_job(hook: Hook, definition: str, job: Running, facts: Mapping[str, Any]) -> None:
    """Run another definition, which has this job as its parent, and fail when it does."""
    run_job = job.ground.run_job
    if run_job is None:
        raise StepFailed("jobs cannot be started here")

    def started(job_id: str) -> None:
        job.log.info(f"Started job {job_id}", job_id=job_id, definition=definition, hook=hook.event)

    params = resolve(dict(hook.params), _scope(job, facts))
    ended = await run_job(JobCall(job, hook.event, definition, params, started, trigger="hook"))
    if not ended.status.good:
        raise StepFailed(f"job {ended.id} is {ended.status}" + (f": {ended.error}" if ended.error else ""))


def _scope(job: Running, facts: Mapping[str, Any]) -> Scope:
    return Scope(job.id, params=job.parameters, config=job.definition.config, env=job.environment, facts=facts)


def _names(facts: Mapping[str, Any], file: Path) -> dict[str, str]:
    return {
        "QUAERO_JOB_ID": facts["id"],
        "QUAERO_JOB_STATUS": facts["status"],
        "QUAERO_JOB_NAME": facts["name"],
        "QUAERO_JOB_ERROR": (facts["error"] or "").replace("\0", "")[:_MAX_ERROR],
        "QUAERO_JOB_FILE": str(file),
        "QUAERO_DEFINITION": facts["definition"],
    }
