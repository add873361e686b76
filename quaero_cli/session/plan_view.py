"""What would run, as `run --dry-run` shows it: steps in their order with what is known of their options. Pure."""

import shlex
from collections.abc import Mapping
from typing import Any

from quaero_cli.errors import QuaeroError
from quaero_cli.jobdef.graph import topological_order
from quaero_cli.jobdef.model import Hook, JobDefinition, StepDefinition
from quaero_cli.jobdef.place import Place
from quaero_cli.jobdef.placeholders import PLACEHOLDER, SHELL_LINES, Scope, resolve, strings_in
from quaero_cli.masking.mask import MASK
from quaero_cli.schedule.times import next_fires
from quaero_cli.session.prepare import Prepared
from quaero_cli.store.encode import timestamp

# What is known before a job runs; outputs, items, the job's ID and variables are not.
_KNOWN_BEFORE = ("params", "config")
_FIRES_SHOWN = 3


def plan_view(prepared: Prepared, now: int) -> dict[str, Any]:
    """Return the plan of a job that is not run, at `now` (UTC microseconds). Secrets are masked."""
    definition = prepared.definition
    parameters = dict(prepared.job.parameters)  # as they would be stored: masked
    scope = Scope("", params=parameters, config=definition.config)
    stages = _stages(definition)
    return {
        "definition": definition.id,
        "path": str(definition.path),
        "parameters": parameters,
        "secrets": dict.fromkeys(definition.secrets, MASK),
        "order": sorted(stages, key=lambda name: stages[name]),
        "steps": [_step(step, stages[step.name], scope) for step in definition.steps],
        "schedule": list(definition.schedule.expressions),
        "next_fires": [timestamp(fire) for fire in next_fires(definition.schedule, now, _FIRES_SHOWN)],
        "hooks": {hook.event: _hook(hook) for hook in definition.hooks},
    }


def _stages(definition: JobDefinition) -> dict[str, int]:
    """When each step can start at the earliest: 1 for those that wait for none, then one more than the latest before.

    In the order of the file, so that a stable sort by stage is an order in which they can run.
    """
    depends = {step.name: step.depends for step in definition.steps}
    stages: dict[str, int] = {}
    for name in topological_order(depends):
        stages[name] = 1 + max((stages[other] for other in depends[name]), default=0)
    return {name: stages[name] for name in depends}


def _step(step: StepDefinition, stage: int, scope: Scope) -> dict[str, Any]:
    return {
        "name": step.name,
        "type": step.type,
        "stage": stage,
        "depends": list(step.depends),
        "service": step.service,
        "condition": step.condition,
        "options": {name: _filled(step, name, value, scope) for name, value in step.options.items()},
    }


def _filled(step: StepDefinition, name: str, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - what TOML holds
    """Return an option with its placeholders filled when all of them are known by now, else as it is written."""
    named = {match["path"].partition(".")[0] for text in strings_in(value) for match in PLACEHOLDER.finditer(text)}
    if not named or not named.issubset(_KNOWN_BEFORE):
        return value
    quote = shlex.quote if (step.type, name) in SHELL_LINES else None
    try:
        return resolve(value, scope, quote=quote, place=Place(f"step {step.name}").at(name))
    except QuaeroError:
        return value  # it may never run: the step will say so


def _hook(hook: Hook) -> Mapping[str, Any]:
    if hook.job is not None:
        return {"job": hook.job, "params": dict(hook.params)}
    return {"command": hook.command if isinstance(hook.command, str) else list(hook.command or ())}
