"""Dates as sites write them, made comparable: ISO 8601 in articles and sitemaps, RFC 822 in feeds. Pure."""

import email.utils
import re
from datetime import UTC, datetime, timedelta

_DAY = timedelta(days=1)
_DATE_ONLY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def latest_moment(text: str) -> float | None:
    """The last moment that a date can mean, in seconds since 1970; None for what is none.

    A date without a time means any time of its day, and one without a zone any zone: a limit is to keep what may be
    within it.
    """
    text = text.strip()
    try:
        if _DATE_ONLY.fullmatch(text):
            return (datetime.fromisoformat(text).replace(tzinfo=UTC) + _DAY).timestamp()
        iso = text[:4].isdigit()
        moment = datetime.fromisoformat(text) if iso else email.utils.parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC) + _DAY / 2
        return moment.timestamp()
    except (ValueError, OverflowError, IndexError, TypeError):  # what the standard library makes of odd dates
        return None
