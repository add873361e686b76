"""Attempts: after which pause a failed step or worker is tried again, and how that is told. Pure.

Who tries again (a step in `step`, a worker in `workers`) decides whether; what ended because somebody stopped it is
never tried again.
"""

from collections.abc import Mapping
from typing import Any

from quaero_cli.jobdef.model import DEFAULT_MAX_DELAY, Retries

# With jitter a pause is at least this share of the whole: those that failed together do not come back together, and
# none comes back at once.
_LEAST_SHARE = 0.5


def pause_after(retries: Retries | None, attempt: int, draw: float) -> float | None:
    """Return the seconds to wait after the failure of `attempt` (from 1); None: it was the last one.

    `draw` is a random number from 0 to 1, for the jitter.
    """
    if retries is None or attempt > retries.limit:
        return None
    longest = max(retries.delay, DEFAULT_MAX_DELAY) if retries.max_delay is None else retries.max_delay
    try:
        pause = min(retries.delay * retries.backoff ** (attempt - 1), longest)
    except OverflowError:  # a backoff of 10 after 400 attempts
        pause = longest if retries.delay else 0.0
    return pause * (_LEAST_SHARE + (1 - _LEAST_SHARE) * draw) if retries.jitter else pause


def failed_attempt(
    retries: Retries, attempt: int, error: str, pause: float, more: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the message and the fields of the entry about an attempt after which there is another."""
    message = f"Attempt {attempt} of {retries.limit + 1} failed: {error}; next in {pause:.1f} s"
    return message, {"attempt": attempt, "delay_s": round(pause, 3), "error": error, **more}


def last_reason(reason: str, attempt: int) -> str:
    """Return why it failed in the end, with the number of attempts where there were several."""
    return f"{reason}, after {attempt} attempts" if attempt > 1 else reason
