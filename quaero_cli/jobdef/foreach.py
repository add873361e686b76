"""Reads a step's `for_each`: a list, a placeholder for one, `{ glob = "*.csv" }` or `{ file = "items.ndjson" }`."""

from quaero_cli.jobdef.keys import FOR_EACH_KEYS
from quaero_cli.jobdef.model import ForEach, StepType, Value
from quaero_cli.jobdef.place import Place, shown
from quaero_cli.jobdef.placeholders import PLACEHOLDER, Known, check_placeholders, has_placeholder, strings_in
from quaero_cli.jobdef.table import Table
from quaero_cli.jobdef.values import check_plain, check_string

_HINT = (
    'write ["a", "b"], "{params.NAME}", "{steps.NAME.outputs.KEY}", { glob = "*.csv" } or { file = "items.ndjson" }'
)


def read_for_each(step: Table, step_type: StepType) -> ForEach | None:
    """Return where the step's items come from; None when it has no `for_each`. Raises the place's error."""
    if not step.has("for_each"):
        return None
    place = step.place.at("for_each")
    if step_type.workers:
        raise place.error(f"type {shown(step_type.name)} has workers of its own", hint="take it out")
    if step.has("service"):
        raise place.error("does not go with service", hint="take one of them out")
    value = step.values["for_each"]
    if isinstance(value, list):
        return ForEach(items=check_plain(value, place))
    if isinstance(value, dict):
        return _read_source(Table(value, place))
    if isinstance(value, str) and PLACEHOLDER.fullmatch(value):
        return ForEach(items=value)
    raise place.mismatch("a list, one placeholder, or a table with glob or file", value, hint=_HINT)


def _read_source(table: Table) -> ForEach:
    table.refuse_unknown(FOR_EACH_KEYS)
    if len(table.values) != 1:
        raise table.place.error("needs one of glob and file", hint=_HINT)
    ((key, value),) = table.values.items()
    if not check_string(value, table.place.at(key)):
        raise table.place.at(key).error("is empty", hint=_HINT)
    return ForEach(**{key: value})


def check_items(for_each: ForEach, known: Known, place: Place) -> None:
    """Raise the place's error for a placeholder that can never be filled."""
    for value in (for_each.items, for_each.glob, for_each.file):
        check_placeholders(value, known, place)


def literal_items(for_each: ForEach) -> list[Value]:
    """Return the items that the file itself names whole, so that `{item.X}` can be checked against them."""
    if not isinstance(for_each.items, list):
        return []
    return [item for item in for_each.items if not any(has_placeholder(text) for text in strings_in(item))]
