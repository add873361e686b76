"""Reads the keys that start a job without anybody asking: `schedule`, `timezone`, `catchup`, `auto_start`."""

from collections.abc import Sequence
from typing import get_args

from quaero_cli.jobdef.model import Catchup, Parameter, Schedule
from quaero_cli.jobdef.table import Table

_CATCHUPS: tuple[Catchup, ...] = get_args(Catchup)
# Expressions in one schedule: each is asked for its next fire whenever one is due.
_MAX_EXPRESSIONS = 50


def read_schedule(document: Table, parameters: Sequence[Parameter]) -> Schedule:
    """Return the schedule; an empty one when the keys are not there. Raises DefinitionError."""
    schedule = Schedule(
        expressions=_read_expressions(document),
        timezone=_read_timezone(document),
        catchup=document.choice("catchup", _CATCHUPS),
        auto_start=document.boolean("auto_start", False),
    )
    for key, used in (("schedule", bool(schedule.expressions)), ("auto_start", schedule.auto_start)):
        missing = next((each.name for each in parameters if each.required), None) if used else None
        if missing is not None:
            problem = f"parameter {missing} is required, and nobody gives it"
            raise document.place.at(key).error(problem, hint=f"give [params.{missing}] a default")
    return schedule


def _read_expressions(document: Table) -> tuple[str, ...]:
    if not document.has("schedule"):
        return ()
    from quaero_cli.jobdef.cron import check_expression  # most definitions have no schedule

    place, value = document.place.at("schedule"), document.values["schedule"]
    if not isinstance(value, list):
        return (check_expression(value, place),)
    if not 0 < len(value) <= _MAX_EXPRESSIONS:
        raise place.error(f"must be one cron expression or a list of 1 to {_MAX_EXPRESSIONS}, not of {len(value)}")
    found = [check_expression(each, place.at(f"item {number}")) for number, each in enumerate(value, 1)]
    return tuple(dict.fromkeys(found))


def _read_timezone(document: Table) -> str | None:
    if not document.has("timezone"):
        return None
    from quaero_cli.jobdef.cron import check_timezone

    return check_timezone(document.values["timezone"], document.place.at("timezone"))
