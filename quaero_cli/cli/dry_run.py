"""`quaero run --dry-run`: what would run."""

from typing import TYPE_CHECKING, Any

from quaero_cli.cli import common

if TYPE_CHECKING:
    from quaero_cli.session.prepare import Prepared


def show_plan(prepared: "Prepared", *, json: bool) -> None:
    """Print the steps in the order in which they can run, with what is known of them, and the parameters."""
    from quaero_cli.session.plan_view import plan_view
    from quaero_cli.store.queue import now_us
    from quaero_cli.terminal.clean import clean
    from quaero_cli.terminal.ndjson import to_json

    plan, out = plan_view(prepared, now_us()), common.out()
    if json:
        out.write(to_json(plan) + "\n")
        return
    out.write(f"{clean(prepared.definition.name)} ({clean(plan['path'])})\n")
    for name, value in plan["parameters"].items():
        out.write(f"  parameter {name} = {to_json(value)}\n")
    for name, source in prepared.definition.secrets.items():
        out.write(f"  secret {name} = {plan['secrets'][name]} (from {clean(source)})\n")
    steps = {step["name"]: step for step in plan["steps"]}
    for name in plan["order"]:
        out.write(_step(steps[name]))
        for option, value in steps[name]["options"].items():
            out.write(f"       {option} ={_value(value)}\n")
    if plan["schedule"]:
        out.write(f"  schedule {'; '.join(plan['schedule'])}: next {', '.join(plan['next_fires'])}\n")
    for event, hook in plan["hooks"].items():
        out.write(f"  {event}:{_hook(hook)}\n")


def _value(value: object) -> str:
    """Return a text as it is, its lines below one another; anything else as JSON."""
    from quaero_cli.terminal.clean import clean
    from quaero_cli.terminal.ndjson import to_json

    if not isinstance(value, str):
        return " " + to_json(value)
    lines = [clean(line) for line in value.strip("\n").split("\n")]
    return f" {lines[0]}" if len(lines) == 1 else "".join(f"\n         | {line}" for line in lines)


def _hook(hook: dict[str, Any]) -> str:
    """Return what a hook runs: its command as an option is shown, or its job with the parameters."""
    from quaero_cli.terminal.clean import clean
    from quaero_cli.terminal.ndjson import to_json

    if "job" not in hook:
        return _value(hook["command"])
    given = "".join(f" -p {clean(name)}={to_json(value)}" for name, value in hook.get("params", {}).items())
    return f" job {clean(hook['job'])}{given}"


def _step(step: dict[str, Any]) -> str:
    from quaero_cli.terminal.clean import clean

    about = [step["type"], *(["service"] if step["service"] else [])]
    if step["depends"]:
        about.append(f"after {', '.join(step['depends'])}")
    if step["condition"] is not None:
        about.append(f"if {clean(step['condition'])}")
    return f"  {step['stage']}. step {step['name']} ({', '.join(about)})\n"
