"""Values on their way into a column and out of it: text that SQLite can keep, JSON, times. Pure."""

import json
from datetime import datetime, timedelta
from typing import Any

import orjson

from quaero_cli.plaindata import text_of, walked

_EPOCH = datetime(1970, 1, 1)


def clean_text(text: str) -> str:
    """Return `text` as SQLite can store it without losing any of it.

    NUL ends a text early for many SQLite functions, and a lone surrogate (from undecodable bytes) cannot be
    encoded at all: both become visible escapes.
    """
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode(errors="backslashreplace").decode()
    return text


def encode_json(value: Any) -> str:  # noqa: ANN401 - whatever a job logs
    """Return JSON for a value of any kind; what JSON does not know becomes its text."""
    try:
        return orjson.dumps(value, default=text_of, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):
        # Integers beyond 64 bits, lone surrogates, more than 254 levels: rare, so the slow way may take them.
        return clean_text(json.dumps(walked(value), ensure_ascii=True))


def decode_json(text: str) -> Any:  # noqa: ANN401
    """Return the value behind a JSON column."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)  # integers beyond 64 bits


def timestamp(time_us: int) -> str:
    """Return microseconds since 1970 as the wire's time: ISO 8601, UTC, milliseconds, `Z`."""
    # For each entry, and twice for each step in each status: half of what strftime takes.
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="milliseconds") + "Z"


def parse_timestamp(text: str) -> int:
    """Return microseconds since 1970 of a time of ISO 8601 with its zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return round(moment.timestamp() * 1_000_000)


def timestamp_or_none(time_us: int | None) -> str | None:
    """Return the wire's time, or None where there is none yet."""
    return None if time_us is None else timestamp(time_us)
