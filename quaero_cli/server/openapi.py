"""The API's description (OpenAPI 3.1), made from the very rules by which query strings are read. Pure.

One line per route: a test compares them with the router's, so a route cannot be forgotten here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quaero_cli import __version__
from quaero_cli.model import DocumentDetails, DocumentView, JobSummary, LogsView, StatusView
from quaero_cli.server.filters import (
    BUNDLE_RULES,
    DOCUMENT_RULES,
    HIT_RULES,
    JOB_RULES,
    PAGE_RULES,
    SEARCH_RULES,
    STREAM_RULES,
)
from quaero_cli.server.overview_routes import ERROR_RULES, MAP_RULES
from quaero_cli.server.params import Rule
from quaero_cli.server.schemas import reference, schemas_of
from quaero_cli.store.crowd import ClusterView
from quaero_cli.store.jobs import JobDetails
from quaero_cli.store.overview import ErrorGroups, Hits, LinePlace, LogMap

_ERROR = {
    "type": "object",
    "properties": {
        "error": {"type": "string"},
        "hint": {"type": ["string", "null"]},
        "parameter": {"type": "string"},
        "allowed": {"type": "string"},
    },
    "required": ["error", "hint"],
}
_ACCEPTED = {
    "type": "object",
    "properties": {"job_id": {"type": "string"}, "status": {"type": "string"}},
    "required": ["job_id", "status"],
}
_OBJECT = {"type": "object"}
# What every route may answer: a parameter that there is not, no token, a URL that is too long.
_ERRORS = (400, 401, 414)
_OPEN_ERRORS = (414,)
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class _Operation:
    """One method of one path."""

    method: str
    path: str
    summary: str
    schema: Mapping[str, Any]
    rules: Mapping[str, Rule] | None = None
    errors: tuple[int, ...] = ()
    content: str = _JSON
    success: int = 200
    body: str | None = None  # what its body is
    open: bool = False


def _list_of(name: str, items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "array", "items": items}}, "required": [name]}


_OPERATIONS = (
    _Operation(
        "get", "/api/logs/stream", "Follow the log as server-sent events", {"type": "string"}, STREAM_RULES,
        (204, 400, 404, 503), "text/event-stream",
    ),
    _Operation(
        "get", "/api/logs/streams", "Several such streams over one connection", {"type": "string"}, BUNDLE_RULES,
        (400, 503), "text/event-stream",
    ),
    _Operation("get", "/api/logs", "A page of the log", reference(LogsView), PAGE_RULES, (400, 404, 412)),
    _Operation(
        "get", "/api/search", "Entries with a text, over all jobs", reference(LogsView), SEARCH_RULES, (400, 404, 412)
    ),
    _Operation(
        "get", "/api/jobs", "Jobs, newest first", _list_of("jobs", reference(JobSummary)), JOB_RULES, (400, 404)
    ),
    _Operation("get", "/api/jobs/{job_id}", "One job with its steps and workers", reference(JobDetails), {}, (404,)),
    _Operation(
        "get", "/api/jobs/{job_id}/logs.txt", "The whole log, for people", {"type": "string"}, {}, (404, 503),
        "text/plain",
    ),
    _Operation(
        "get", "/api/jobs/{job_id}/logs.ndjson", "The whole log, an entry a line", {"type": "string"}, {}, (404, 503),
        "application/x-ndjson",
    ),
    _Operation("get", "/api/jobs/{job_id}/map", "Where its warnings lie", reference(LogMap), MAP_RULES, (404,)),
    _Operation("get", "/api/jobs/{job_id}/errors", "Errors by kind", reference(ErrorGroups), ERROR_RULES, (404,)),
    _Operation(
        "get", "/api/jobs/{job_id}/hits", "Places of the entries that filters let through", reference(Hits),
        HIT_RULES, (400, 404),
    ),
    _Operation("get", "/api/jobs/{job_id}/lines/{line}", "The place of a line", reference(LinePlace), {}, (404,)),
    _Operation(
        "get", "/api/jobs/{job_id}/artifacts/{step}/{name}", "A file that a step has left",
        {"type": "string", "format": "binary"}, {}, (404, 503), "application/octet-stream",
    ),
    _Operation(
        "post", "/api/jobs/{job_id}/cancel", "Ask for a job to be cancelled", _ACCEPTED, {}, (404, 409), success=202
    ),
    _Operation(
        "delete", "/api/jobs/{job_id}", "Delete a job that has ended", _ACCEPTED, {}, (404, 409), success=202
    ),
    _Operation(
        "post", "/api/jobs/{job_id}/retry", "Run a job again, as a new one", _ACCEPTED, {}, (400, 404, 409, 415),
        success=202, body='`{"failed": true}` keeps what completed; may be left out',
    ),
    _Operation("get", "/api/job-definitions", "What can be run", _list_of("definitions", _OBJECT), {}),
    _Operation("get", "/api/job-definitions/{definition_id}", "One definition", _OBJECT, {}, (404,)),
    _Operation(
        "post", "/api/job-definitions/{definition_id}/execute", "Start a job", _ACCEPTED, {}, (400, 404, 409, 415),
        success=202, body="the job's parameters; may be left out",
    ),
    _Operation(
        "get", "/api/documents", "What crawlers collected: the newest first, or the best of a search",
        _list_of("documents", reference(DocumentView)), DOCUMENT_RULES, (400,),
    ),
    _Operation("get", "/api/documents/{document_id}", "One article", reference(DocumentDetails), {}, (404,)),
    _Operation("get", "/api/workers", "The workers and the queues of a cluster", reference(ClusterView), {}),
    _Operation("get", "/api/health", "Whether the server works, for probes", _OBJECT, {}, (503,), open=True),
    _Operation(
        "get", "/metrics", "Figures for Prometheus", {"type": "string"}, {}, (503,),
        "text/plain; version=0.0.4; charset=utf-8",
    ),
    _Operation("get", "/api/openapi.json", "This description", _OBJECT, {}),
)  # fmt: skip

_VIEWS = (
    ClusterView, LogsView, JobSummary, JobDetails, StatusView, DocumentView, DocumentDetails, LogMap, ErrorGroups,
    Hits, LinePlace,
)  # fmt: skip


def describe() -> dict[str, Any]:
    """Return the OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in _OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    schemas = {"Error": _ERROR} | schemas_of(_VIEWS)
    return {
        "openapi": "3.1.0",
        "info": {"title": "quaero", "version": __version__},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _described(operation: _Operation) -> dict[str, Any]:
    errors = sorted({*operation.errors, *(_OPEN_ERRORS if operation.open else _ERRORS)})
    answer = {"description": operation.summary, "content": {operation.content: {"schema": operation.schema}}}
    described: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.rules or {})],
        "responses": {str(operation.success): answer} | {str(code): _failure(code) for code in errors},
    }
    if operation.body is not None:
        described["requestBody"] = {"description": operation.body, "content": {_JSON: {"schema": _OBJECT}}}
    if operation.open:
        described["security"] = []
    return described


def _failure(code: int) -> dict[str, Any]:
    if code == 204:
        return {"description": "The jobs have ended and there is nothing left to tell"}
    return {"description": "Error", "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(rules: Mapping[str, Rule]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "description": rule.allowed,
            "required": rule.required,
            "schema": rule.schema
            if rule.most == 1
            else {"type": "array", "items": rule.schema, "maxItems": rule.most},
        }
        for name, rule in rules.items()
    ]
