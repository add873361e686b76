"""Reads a step's `retries` table."""

from quaero_cli.jobdef.keys import RETRIES_KEYS
from quaero_cli.jobdef.model import Retries
from quaero_cli.jobdef.table import Table

# Attempts beyond this are a loop that somebody should look at.
MAX_RETRIES = 1000
_EXAMPLE = 'write retries = { limit = 3, delay = "2s" }'


def read_retries(step: Table) -> Retries | None:
    """Return how often the step is tried again; None when it is not. Raises the place's error."""
    if not step.has("retries"):
        return None
    table = step.table("retries", hint=_EXAMPLE)
    table.refuse_unknown(RETRIES_KEYS)
    if not table.has("limit"):
        raise table.place.error("limit is missing", hint=_EXAMPLE)
    limit = table.integer("limit", 0, minimum=0)
    if limit > MAX_RETRIES:
        raise table.place.at("limit").mismatch(f"at most {MAX_RETRIES}", limit)
    defaults = Retries(limit)
    delay = table.duration("delay", positive=False)
    retries = Retries(
        limit=limit,
        delay=defaults.delay if delay is None else delay,
        backoff=table.number("backoff", defaults.backoff, minimum=1),
        max_delay=table.duration("max_delay"),
        jitter=table.boolean("jitter", defaults.jitter),
    )
    if retries.max_delay is not None and retries.max_delay < retries.delay:
        raise table.place.at("max_delay").error(
            f"{table.values['max_delay']!r} is shorter than delay", hint="take one of them out"
        )
    return retries
