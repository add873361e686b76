"""What a retry of what failed runs again, and what it keeps. Pure."""

from collections.abc import Mapping, Sequence

from quaero_cli.jobdef.graph import dependents, reachable
from quaero_cli.jobdef.model import StepDefinition
from quaero_cli.model import Status


def steps_to_keep(steps: Sequence[StepDefinition], states: Mapping[str, str]) -> tuple[str, ...]:
    """Return the steps that are not run again: the completed ones, in the order of the file.

    Not a service, which must be there for the others and is skipped when none of them runs; and not clean-up of
    something that is run again.
    """
    done = [step for step in steps if states.get(step.name) == Status.COMPLETED and not step.service]
    again = [step.name for step in steps if step not in done and not step.service]
    after = reachable(again, dependents({step.name: step.depends for step in steps}))
    return tuple(step.name for step in done if not (step.always_run and step.name in after))
