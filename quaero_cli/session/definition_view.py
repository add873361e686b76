"""A job definition as JSON shows it: over HTTP and in `quaero defs`, which needs no event loop for it. Pure."""

from typing import Any

from quaero_cli.jobdef.find import Found
from quaero_cli.jobdef.model import JobDefinition
from quaero_cli.schedule.times import next_fires
from quaero_cli.store.encode import timestamp

# Fires that are shown ahead: enough to see whether the expression says what was meant.
_FIRES_SHOWN = 5


def definition_view(found: Found, now: int) -> dict[str, Any]:
    """Return a definition as JSON shows it, its next fires after `now` (UTC microseconds)."""
    error = found.error
    view: dict[str, Any] = {
        "id": found.id,
        "name": found.id,
        "description": "",
        "path": str(found.path),
        "enabled": False,
        "error": None if error is None else error.message,
        "hint": None if error is None else error.hint,
        "shadowed_by": None if found.shadowed_by is None else str(found.shadowed_by),
        "tags": [],
        "schedule": [],
        "timezone": None,
        "catchup": "none",
        "auto_start": False,
        "next_fire_at": None,
        "next_fires": [],
        "parameters": [],
        "steps": [],
    }
    if found.definition is not None:
        view.update(_loaded(found.definition) | _scheduled(found.definition, now))
    return view


def _scheduled(definition: JobDefinition, now: int) -> dict[str, Any]:
    schedule = definition.schedule
    coming = next_fires(schedule, now, _FIRES_SHOWN) if definition.enabled else []
    return {
        "schedule": list(schedule.expressions),
        "timezone": schedule.timezone,
        "catchup": schedule.catchup,
        "auto_start": schedule.auto_start,
        "next_fire_at": timestamp(coming[0]) if coming else None,
        "next_fires": [timestamp(fire) for fire in coming],
    }


def _loaded(definition: JobDefinition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "description": definition.description,
        "enabled": definition.enabled,
        "tags": list(definition.tags),
        "parameters": [
            {
                "name": each.name,
                "type": each.type,
                "default": None if each.secret else each.default,
                "required": each.required,
                "description": each.description,
                "choices": list(each.choices),
                "pattern": each.pattern,
                "min": each.min,
                "max": each.max,
                "secret": each.secret,
            }
            for each in definition.parameters
        ],
        "steps": [
            {
                "name": step.name,
                "type": step.type,
                "description": step.description,
                "depends": list(step.depends),
                "service": step.service,
            }
            for step in definition.steps
        ],
    }
