"""The JSON Schema of what `--json` prints, made from the views; `docs/cli.schema.json` is its copy."""

import json
from typing import Any

from quaero_cli.model import DocumentDetails, DocumentView, Entry, JobSummary, StatusView
from quaero_cli.server.schemas import schemas_of
from quaero_cli.store.dispatch import NodeView
from quaero_cli.store.jobs import JobDetails
from quaero_cli.terminal.lists import OptionHelp, StepTypeHelp

_ENDS = ["completed", "warning", "failed", "cancelled", "interrupted"]
_TEXT, _TEXT_OR_NULL = {"type": "string"}, {"type": ["string", "null"]}
_WHOLE, _WHOLE_OR_NULL, _TRUTH = {"type": "integer"}, {"type": ["integer", "null"]}, {"type": "boolean"}
_VIEWS = [
    Entry, JobSummary, StatusView, JobDetails, OptionHelp, StepTypeHelp, DocumentView, DocumentDetails,
    NodeView,
]  # fmt: skip


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def _event(name: str, *parts: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"allOf": [*parts, _object(event={"const": name}, **properties)]}


def schema() -> dict[str, Any]:
    """Return the schema: a command's output is `#/$defs/COMMAND` or `COMMAND-ACTION`, a line of a stream `event`."""
    views = json.dumps(schemas_of(_VIEWS))
    made: dict[str, Any] = json.loads(views.replace("#/components/schemas/", "#/$defs/"))
    made["event"] = {
        "oneOf": [
            _event("log", _ref("Entry")),
            _event("status", _ref("StatusView")),
            _event("gap", job_id=_TEXT_OR_NULL, from_id={"type": "integer"}, to_id={"type": "integer"},
                   count={"type": "integer"}, reason={"enum": ["lag", "retention"]}),
            _event("end", job_id=_TEXT, status={"enum": _ENDS},
                   exit_code={"type": "integer", "minimum": 0, "maximum": 130}),
        ]
    }  # fmt: skip
    made["jobs"] = _array(_ref("JobSummary"))
    made["show"] = {"allOf": [_ref("JobDetails"), _object(first_errors=_array(_ref("Entry")))]}
    made["defs"] = _array(
        _object(id=_TEXT, name=_TEXT, description=_TEXT, path=_TEXT, enabled={"type": "boolean"}, error=_TEXT_OR_NULL,
                hint=_TEXT_OR_NULL, shadowed_by=_TEXT_OR_NULL, steps={"type": "array"}, parameters={"type": "array"})
    )  # fmt: skip
    made["check"] = _array(
        _object(definition=_TEXT, path=_TEXT_OR_NULL, ok={"type": "boolean"}, error=_TEXT_OR_NULL, hint=_TEXT_OR_NULL)
    )
    made["steps"] = _array(_ref("StepTypeHelp"))
    made["cancel"] = _array(_object(job_id=_TEXT, status=_TEXT))
    state = {"enum": ["ok", "warning", "problem"]}
    made["doctor"] = _array(_object(check=_TEXT, state=state, message=_TEXT, hint=_TEXT_OR_NULL))
    made["workers"] = _array(_ref("NodeView"))
    made["token"] = _object(token=_TEXT, file=_TEXT)
    made["serve"] = _object(url=_TEXT, viewer_url=_TEXT, host=_TEXT, port={"type": "integer"}, token=_TEXT_OR_NULL)
    made["dry-run"] = _object(
        definition=_TEXT, path=_TEXT, parameters={"type": "object"},
        steps=_array(_object(name=_TEXT, type=_TEXT, depends=_array(_TEXT))),
    )  # fmt: skip
    made |= _of_the_store()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": dict(sorted(made.items()))}


def _of_the_store() -> dict[str, Any]:
    """Return the schemas of what the store is asked, told, and relieved of."""
    removed = _object(
        job_id=_TEXT,
        definition=_TEXT,
        status={"enum": _ENDS},
        finished_at=_TEXT_OR_NULL,
        entries=_WHOLE,
        bytes=_WHOLE,
    )
    return {
        "search": _array(_ref("Entry")),
        "logs": _ref("Entry"),  # a line of `logs export --format ndjson`
        "docs": _array(_ref("DocumentView")),
        "docs-show": _ref("DocumentDetails"),
        "docs-export": _object(directory=_TEXT, format={"enum": ["markdown", "ndjson", "warc"]}, documents=_WHOLE),
        "db-info": _object(
            path=_TEXT, bytes=_WHOLE, wal_bytes=_WHOLE, free_bytes=_WHOLE, engine=_TEXT, schema=_WHOLE, epoch=_TEXT,
            jobs=_WHOLE, jobs_open=_WHOLE, entries=_WHOLE, service_entries=_WHOLE, documents=_WHOLE,
            unfinished_deletions=_WHOLE,
        ),
        "db-check": _object(ok=_TRUTH, problems=_array(_TEXT), jobs=_WHOLE_OR_NULL, entries=_WHOLE_OR_NULL),
        "db-backup": _object(file=_TEXT, bytes=_WHOLE),
        "db-compact": _object(bytes_before=_WHOLE, bytes_after=_WHOLE, wal_emptied=_TRUTH),
        "prune": _object(removed=_array(removed), dry_run=_TRUTH, bytes_before=_WHOLE, bytes_after=_WHOLE),
        "rm": _array(_object(job_id=_TEXT, entries=_WHOLE)),
        "new": _object(definition=_TEXT, path=_TEXT, files=_array(_TEXT)),
        "detach": _object(job_id=_TEXT, status=_TEXT, pid=_WHOLE),  # of `run` and `retry`
    }  # fmt: skip
