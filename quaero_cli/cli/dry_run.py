"""`quaero run --dry-run`: what would run."""

from typing import TYPE_CHECKING

from quaero_cli.cli import common

if TYPE_CHECKING:
    from quaero_cli.session.prepare import Prepared


def show_plan(prepared: "Prepared", *, json: bool) -> None:
    """Print the steps in the order of the file, with what each depends on, and the parameters."""
    from quaero_cli.masking.mask import MASK
    from quaero_cli.terminal.clean import clean
    from quaero_cli.terminal.ndjson import to_json

    definition, out = prepared.definition, common.out()
    parameters, secrets = dict(prepared.job.parameters), dict.fromkeys(definition.secrets, MASK)
    steps = [
        {
            "name": step.name,
            "type": step.type,
            "depends": list(step.depends),
            "service": step.service,
            "condition": step.condition,
        }
        for step in definition.steps
    ]
    if json:
        plan = {"definition": definition.id, "path": str(definition.path), "parameters": parameters}
        out.write(to_json({**plan, "secrets": secrets, "steps": steps}) + "\n")
        return
    out.write(f"{clean(definition.name)} ({clean(str(definition.path))})\n")
    for name, value in parameters.items():
        out.write(f"  parameter {name} = {to_json(value)}\n")
    for name, source in definition.secrets.items():
        out.write(f"  secret {name} = {MASK} (from {clean(source)})\n")
    for step in definition.steps:
        after = f", after {', '.join(step.depends)}" if step.depends else ""
        out.write(f"  step {step.name} ({step.type}{after})\n")
