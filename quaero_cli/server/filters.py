"""The parameters of each route: those of lists of jobs, and the filters that the stream and the pages share. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from quaero_cli.model import LEVELS, Level, LogQuery, Status
from quaero_cli.server.cursor import CURSOR_FORM, Cursor, parse_cursor
from quaero_cli.server.limits import Limits
from quaero_cli.server.params import BadParameter, Rule, Values, choice, integer, job_id, matching, name, read_query
from quaero_cli.store.encode import parse_timestamp

_USUAL = Limits()
DEFAULT_LIMIT = _USUAL.default_entries
MAX_LIMIT = _USUAL.most_entries
MAX_SERVICE_LIMIT = 500
DEFAULT_JOBS = 50
MAX_JOBS_LISTED = 500  # 150 KB, 20 ms
DEFAULT_DOCUMENTS = 50
MAX_DOCUMENTS = 500  # without their texts: 300 KB
MAX_OFFSET = 1_000_000
MAX_JOBS = 100  # of one stream; more would not fit in a URL
MAX_STREAMS = 100  # of one connection; more would not fit in a URL, either
MAX_HITS = 10_000  # places of a search; 150 KB

DEFAULT_FOUND = 100
MAX_FOUND = 1000  # of a search; it can be asked on

_QUERY = re.compile(r"[!-~]{1,8000}", re.ASCII)
_TEXT = re.compile(r"[^\x00]{1,200}", re.DOTALL)

_FILTERS: Mapping[str, Rule] = {
    "scope": choice({"job": "job", "service": "service"}, required=True),
    "job_id": job_id(most=MAX_JOBS),
    "step": name(most=MAX_JOBS),
    "level": choice(LEVELS),
    "limit": integer(0, MAX_LIMIT),
    "q": matching(_TEXT, "a text of 1 to 200 characters"),
    "worker": name(),
    "originator": choice({"worker": "worker", "step": "step", "runner": ""}),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, where a place may be given as well. UTC microseconds."""

    us: int


def _place(text: str) -> Cursor | int:
    # An entry says its id, not its epoch: both can be paged from.
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    return parse_cursor(text)


def _place_or_time(text: str) -> Cursor | int | Moment:
    try:
        return _place(text)
    except ValueError:
        return Moment(parse_timestamp(text))


_PLACE = Rule(CURSOR_FORM + ", or an entry's id", _place, {"type": "string"})
_PLACES = ("before", "since", "around")

STREAM_RULES: Mapping[str, Rule] = {
    **_FILTERS,
    "since": Rule(CURSOR_FORM, parse_cursor, {"type": "string"}),
    "skip": choice({"0": False, "1": True}),
}
# Query strings of streams that share a connection.
BUNDLE_RULES: Mapping[str, Rule] = {
    "stream": matching(
        _QUERY, "the query string of a GET /api/logs/stream, percent-encoded", most=MAX_STREAMS, required=True
    ),
}
JOB_RULES: Mapping[str, Rule] = {
    "status": choice({status.value: status.value for status in Status}, most=len(Status)),
    "definition": name(),
    "limit": integer(1, MAX_JOBS_LISTED),
    "before": job_id(),
}
DOCUMENT_RULES: Mapping[str, Rule] = {
    "q": matching(_TEXT, "words to search for, 1 to 200 characters"),
    "job_id": job_id(),
    "site": name(),
    "since": Rule("a time of ISO 8601 with its zone", parse_timestamp, {"type": "string", "format": "date-time"}),
    "limit": integer(1, MAX_DOCUMENTS),
    "offset": integer(0, MAX_OFFSET),
}
SEARCH_RULES: Mapping[str, Rule] = {
    "q": matching(_TEXT, "a text of 1 to 200 characters", required=True),
    "level": choice(LEVELS),
    "job_id": job_id(most=MAX_JOBS),
    "definition": name(),
    "step": name(most=MAX_JOBS),
    "limit": integer(1, MAX_FOUND),
    "before": _PLACE,
    "since": Rule(f"{_PLACE.allowed}, or a time of ISO 8601 with its zone", _place_or_time, {"type": "string"}),
}
PAGE_RULES: Mapping[str, Rule] = {**_FILTERS, **dict.fromkeys(_PLACES, _PLACE)}
# Searching one job, which the path names.
HIT_RULES: Mapping[str, Rule] = {
    **{word: rule for word, rule in _FILTERS.items() if word not in ("scope", "job_id", "limit")},
    "limit": integer(1, MAX_HITS),
}


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What a stream shall show, and from where on."""

    query: LogQuery
    limit: int
    since: Cursor | None
    skip: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page. `place` is one of `before`, `since`, `around`, or None for the newest."""

    query: LogQuery
    limit: int
    place: str | None
    cursor: Cursor | int | None


def read_stream_request(raw: bytes, last_event_id: str | None, limits: Limits = _USUAL) -> StreamRequest:
    """Return what `GET /api/logs/stream` was asked; a Last-Event-ID header wins over `since`. Raises BadParameter."""
    values = read_query(raw, {**STREAM_RULES, "limit": _entries(limits.most_entries)})
    since = values.one("since", None)
    if last_event_id:
        try:
            since = parse_cursor(last_event_id)
        except ValueError:
            raise BadParameter("Last-Event-ID", "is not a cursor", CURSOR_FORM) from None
    return StreamRequest(_query(values), _limit(values, limits), since, values.one("skip", False))


def read_bundle_request(raw: bytes) -> tuple[bytes, ...]:
    """Return the query strings of the streams that `GET /api/logs/streams` was asked for. Raises BadParameter."""
    values = read_query(raw, BUNDLE_RULES)
    # Not `all`: the same stream twice is two streams.
    return tuple(query.encode("ascii") for query in values.given["stream"])


def read_page_request(raw: bytes, limits: Limits = _USUAL) -> PageRequest:
    """Return what `GET /api/logs` was asked. Raises BadParameter."""
    values = read_query(raw, {**PAGE_RULES, "limit": _entries(limits.most_entries)})
    places = [place for place in _PLACES if place in values]
    if len(places) > 1:
        raise BadParameter(
            places[1], f"cannot be given together with {places[0]}", "turns: one of before, since, around"
        )
    place = places[0] if places else None
    return PageRequest(_query(values), _limit(values, limits), place, values.one(place, None) if place else None)


def read_hit_request(raw: bytes, job_id: str) -> tuple[LogQuery, int]:
    """Return what a search in one job was asked, and for how many places. Raises BadParameter."""
    values = read_query(raw, HIT_RULES)
    query = LogQuery(
        (job_id,), values.all("step"), values.one("level", Level.DEBUG), values.one("worker", None),
        values.one("q", None), values.one("originator", None),
    )  # fmt: skip
    return query, values.one("limit", MAX_HITS)


def _query(values: Values) -> LogQuery:
    jobs = values.all("job_id")
    if values.one("scope", "") == "job":
        if not jobs:
            raise BadParameter("job_id", "is missing", "a job's ID; scope=job needs at least one")
    else:
        for word in ("job_id", "step", "worker", "originator"):
            if word in values:
                raise BadParameter(word, "cannot be given with scope=service", "a value only with scope=job")
    return LogQuery(
        jobs=jobs, steps=values.all("step"), level=values.one("level", Level.INFO), worker=values.one("worker", None),
        text=values.one("q", None), originator=values.one("originator", None),
    )  # fmt: skip


@lru_cache(maxsize=4)
def _entries(most: int) -> Rule:
    return integer(0, most)


def _limit(values: Values, limits: Limits) -> int:
    service = values.one("scope", "") == "service"
    most = MAX_SERVICE_LIMIT if service else limits.most_entries
    limit: int = values.one("limit", min(limits.default_entries, most))
    if service and limit > MAX_SERVICE_LIMIT:
        allowed = f"an integer from 0 to {MAX_SERVICE_LIMIT} with scope=service"
        raise BadParameter("limit", f"'{limit}' is not allowed", allowed)
    return limit
