"""Cron expressions and time zones: what one may say, and when it fires. Pure; the library is imported when needed.

The library is cronsim, which is tested against Debian's cron, minute by minute, also where clocks are put forward or
back: a job at a fixed time (`30 2 * * *`) runs once on each day, right after the gap when its time is left out; a job
by the hour or minute (`*/30 * * * *`) goes by what the clock on the wall shows.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from heapq import merge
from zoneinfo import ZoneInfo, available_timezones

from quaero_cli.jobdef.place import Place, shown, suggestion
from quaero_cli.jobdef.values import check_string

_FIELDS = 5
_HINT = 'write "minute hour day month weekday", such as "30 7 * * 1-5" for 7:30 on working days'
_MAX_LENGTH = 200  # of an expression; one that lists every second minute has 90 characters
# From here an expression is asked for its first fire when it is checked: always the same, so that a file is good or
# bad whatever the day. The library looks 50 years ahead.
_START = datetime(2024, 1, 1, tzinfo=UTC)


def check_expression(value: object, place: Place) -> str:
    """Return a cron expression of five fields that fires at all. Raises the place's error."""
    from cronsim import CronSim, CronSimError

    text = check_string(value, place)
    if len(text) > _MAX_LENGTH or len(text.split()) != _FIELDS:
        raise place.error(f"not a cron expression of five fields: {shown(text)}", hint=_HINT)
    try:
        next(CronSim(text, _START))
    except StopIteration:
        raise place.error(f"never fires: {shown(text)}", hint=_HINT) from None
    except (CronSimError, ValueError, AssertionError, TypeError) as error:
        problem = f"not a cron expression: {shown(text)}: {str(error)[:40].lower() or 'wrong'}"
        raise place.error(problem, hint=_HINT) from error
    return text


def check_timezone(value: object, place: Place) -> str:
    """Return the name of a time zone that this machine knows. Raises the place's error."""
    name = check_string(value, place)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        # Names are compared without case: `europe/berlin` is the usual slip.
        by_lower = {known.lower(): known for known in available_timezones()}
        hint = suggestion(by_lower.get(name.lower(), name), by_lower.values()) if name else None
        hint = hint if hint and hint.startswith("did") else 'names are such as "Europe/Berlin" or "UTC"'
        raise place.error(f"unknown time zone {shown(name)}", hint=hint) from error
    return name


def zone_of(name: str | None) -> tzinfo:
    """Return the time zone of that (checked) name; the machine's own one for None, UTC where that is not set up."""
    if name is not None:
        return ZoneInfo(name)
    import warnings

    import tzlocal

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two settings that differ: the library's choice is as good as ours
            return tzlocal.get_localzone()
    except (KeyError, ValueError, OSError):
        return UTC


def fires(expressions: Sequence[str], zone: tzinfo, after: datetime) -> Iterator[datetime]:
    """Yield the moments (UTC, each once, ascending) at which any of the checked expressions fires after `after`."""
    last = after.astimezone(UTC)
    for moment in merge(*(_fires(each, zone, after) for each in expressions)):
        if moment > last:
            last = moment
            yield moment


def _fires(expression: str, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    from cronsim import CronSim

    for moment in CronSim(expression, after.astimezone(zone)):
        yield moment.astimezone(UTC)
