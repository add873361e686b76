"""A job definition as JSON shows it: over HTTP and in `quaero defs`, which needs no event loop for it. Pure."""

from typing import Any

from quaero_cli.jobdef.find import Found
from quaero_cli.jobdef.model import JobDefinition


def definition_view(found: Found) -> dict[str, Any]:
    """Return a definition as JSON shows it; also what `quaero defs --json` prints."""
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
        "parameters": [],
        "steps": [],
    }
    if found.definition is not None:
        view.update(_loaded(found.definition))
    return view


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
