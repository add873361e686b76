"""Answers of the routes, and how errors become answers. The web framework's side of `answers`."""

from collections.abc import AsyncIterator, Mapping

from quart import Response

from quaero_cli.errors import (
    DefinitionError,
    FilterError,
    NotFoundError,
    OverlapError,
    ParameterError,
    QuaeroError,
    StateError,
    StoreError,
    UsageError,
)
from quaero_cli.server.answers import JSON_TYPE
from quaero_cli.server.desk import OtherStore
from quaero_cli.server.encode import to_json
from quaero_cli.server.streams import Busy

# Seconds after which a client may try again when all streams are in use, or the server is about to stop.
RETRY_AFTER = 5
NO_STORE = {"Cache-Control": "no-store"}


# The first that fits; classes before their bases.
_STATUSES: tuple[tuple[type[QuaeroError], int], ...] = (
    (Busy, 503),
    (OtherStore, 412),
    (NotFoundError, 404),
    (OverlapError, 409),
    (StateError, 409),
    (UsageError, 400),
    (DefinitionError, 400),
    (StoreError, 503),
)


def json_answer(value: object, status: int = 200) -> Response:
    """Return `value` as JSON."""
    return json_bytes(to_json(value), status)


def json_bytes(body: bytes, status: int = 200) -> Response:
    """Return ready JSON."""
    return Response(body, status, headers=NO_STORE, content_type=JSON_TYPE)


def error_answer(error: QuaeroError) -> Response:
    """Return what the client is told of an error that quaero raised on purpose."""
    status, facts = error_facts(error)
    response = json_answer(facts, status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def error_facts(error: QuaeroError) -> tuple[int, dict[str, object]]:
    """Return the status of an error's answer, and what its body says."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    more = {"parameter": error.parameter, "allowed": error.allowed} if isinstance(error, FilterError) else {}
    if isinstance(error, ParameterError) and error.parameter is not None:
        more["parameter"] = error.parameter
    return status, {"error": error.message, "hint": error.hint, **more}


def plain_answer(text: str, status: int = 200) -> Response:
    """Return words for a person."""
    return Response(text, status, headers=NO_STORE, content_type="text/plain; charset=utf-8")


def empty_answer() -> Response:
    """Return 204: nothing to tell. Such an answer has neither a type nor a length (RFC 9110, 8.6)."""
    # Not None: Quart iterates over that in a thread of asyncio's, of which there is none here.
    response = Response(b"", 204, headers=NO_STORE)
    del response.headers["Content-Type"], response.headers["Content-Length"]
    return response


def stream_answer(chunks: AsyncIterator[bytes] | bytes, headers: Mapping[str, str]) -> Response:
    """Return an answer that takes as long as it takes: Quart would cut it after a minute.

    Its length is not known before its end: bytes (the answer to HEAD) are not taken for it.
    """
    response = Response(chunks, headers=dict(headers))
    response.headers.pop("Content-Length", None)
    response.timeout = None
    return response
