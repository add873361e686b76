"""The file format as a JSON Schema (draft 2020-12), for editors. Pure.

Made of the very keys and step types by which files are checked; a test holds it to them. It is looser than the check,
never stricter: what one part of a file says about another (a name that does not exist, a cycle) only `quaero check`
knows.
"""

from collections.abc import Iterable, Mapping
from typing import Any, assert_never, get_args

from quaero_cli.jobdef.keys import FOR_EACH_KEYS, HOOK_KEYS, PARAMETER_KEYS, READY_KEYS, RETRIES_KEYS, TOLERANCE_KEYS
from quaero_cli.jobdef.load import SHORTHAND_STEP_KEYS, SHORTHAND_TYPE
from quaero_cli.jobdef.model import Catchup, FailureAction, Kind, OnError, Option, ParameterType, StepType
from quaero_cli.model import Overlap
from quaero_cli.model.taking import MAX_LABELS

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TRUTH: Schema = {"type": "boolean"}
_WHOLE: Schema = {"type": "integer"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": "number"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_TEXT_OR_TEXTS: Schema = {"anyOf": [_TEXT, _TEXTS]}
_FREE: Schema = {"type": "object"}
_DURATION: Schema = {"$ref": "#/$defs/duration"}
_SIZE: Schema = {"anyOf": [_COUNT, {"$ref": "#/$defs/size"}]}
_PLACEHOLDER: Schema = {"$ref": "#/$defs/placeholder"}

_DEFINITIONS: Mapping[str, Schema] = {
    "duration": {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$"},
    "size": {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)? ?([kKmMgGtT][iI]?)?[bB]?\s*$"},
    "placeholder": {"type": "string", "pattern": r"\{(params|config|env|job|steps|item)[.}]"},
    "cron": {"type": "string", "pattern": r"^\s*\S+(\s+\S+){4}\s*$"},
}


def definition_schema(step_types: Mapping[str, StepType]) -> Schema:
    """Return the schema of a definition file with these step types."""
    root = _root_keys(step_types)
    with_steps = _closed(root, required=("step",))
    crawler = step_types.get(SHORTHAND_TYPE)
    shorthand: list[Schema] = []
    if crawler is not None:
        options = {option.name: _option(option) for option in crawler.options}
        options |= {key: _step_keys()[key] for key in SHORTHAND_STEP_KEYS}
        rest = {key: value for key, value in root.items() if key != "step"}
        shorthand = [_closed({**options, **rest})]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "quaero job definition",
        "type": "object",
        "$defs": {**_DEFINITIONS, **{f"step-{name}": _step(each) for name, each in step_types.items()}},
        "anyOf": [with_steps, *shorthand],
    }


def _closed(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """A table with these keys and no others."""
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return schema | ({"required": sorted(required)} if required else {})


def _root_keys(step_types: Mapping[str, StepType]) -> dict[str, Schema]:
    return {
        "id": {"type": "string", "pattern": r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}$"},
        "name": _TEXT,
        "description": _TEXT,
        "tags": _TEXTS,
        "timeout": _DURATION,
        "enabled": _TRUTH,
        "overlap": _choice(Overlap),
        "max_parallel_steps": {"type": "integer", "minimum": 1},
        "queue": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$"},
        "labels": {
            "type": "object",
            "maxProperties": MAX_LABELS,
            "propertyNames": {"pattern": "^[a-z0-9][a-z0-9_.-]{0,62}$"},
            "additionalProperties": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.:+-]{0,62}$"},
        },
        "schedule": {"anyOf": [_cron(), {"type": "array", "items": _cron(), "minItems": 1}]},
        "timezone": _TEXT,
        "catchup": _choice(Catchup),
        "auto_start": _TRUTH,
        **dict.fromkeys(("on_success", "on_failure", "on_exit"), _hook()),
        "params": {"type": "object", "additionalProperties": _parameter()},
        "config": _FREE,
        "env": {"type": "object", "additionalProperties": _TEXT},
        "secrets": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^(env|file):."}},
        "error_tolerance": _keys(
            TOLERANCE_KEYS, {"max_child_failures": _COUNT, "failure_action": _choice(FailureAction)}
        ),
        "step": _steps(step_types),
        "meta": _FREE,
    }  # fmt: skip


def _cron() -> Schema:
    return {"$ref": "#/$defs/cron"}


def _choice(alias: object) -> Schema:
    return {"enum": list(get_args(alias))}


def _keys(names: Iterable[str], schemas: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """A table with exactly the keys of `names`: a key without a schema, or one too many, is a fault of ours."""
    if set(names) != set(schemas):
        raise AssertionError(sorted(set(names) ^ set(schemas)))
    return _closed(schemas, required)


def _parameter() -> Schema:
    return _keys(
        PARAMETER_KEYS,
        {
            "type": _choice(ParameterType),
            "default": {},
            "required": _TRUTH,
            "description": _TEXT,
            "choices": {"type": "array", "minItems": 1},
            "pattern": _TEXT,
            "min": _NUMBER,
            "max": _NUMBER,
            "secret": _TRUTH,
        },
    )


def _hook() -> Schema:
    command: Schema = {"anyOf": [{"type": "string", "minLength": 1}, {**_TEXTS, "minItems": 1}]}
    table = _keys(HOOK_KEYS, {"command": command, "job": _TEXT, "params": _FREE, "timeout": _DURATION})
    table |= {"oneOf": [{"required": ["command"]}, {"required": ["job"]}]}
    return {"anyOf": [*command["anyOf"], table]}


# ------------------------------------------------------------------ steps


def _steps(step_types: Mapping[str, StepType]) -> Schema:
    """Steps by name, each with the keys of its type."""
    by_type = [
        {
            "if": {"required": ["type"], "properties": {"type": {"const": name}}},
            "then": {"$ref": f"#/$defs/step-{name}"},
        }
        for name in step_types
    ]
    return {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"},
        "additionalProperties": {
            "type": "object",
            "properties": {"type": {"enum": list(step_types)}},
            "required": ["type"],
            "allOf": by_type,
        },
    }


def _step(step_type: StepType) -> Schema:
    options = {option.name: _option(option) for option in step_type.options}
    required = [option.name for option in step_type.options if option.required]
    about = step_type.summary
    return {"description": about} | _closed({**options, **_step_keys()}, ["type", *required])


def _step_keys() -> dict[str, Schema]:
    return {
        "type": _TEXT,
        "description": _TEXT,
        "depends": _TEXT_OR_TEXTS,
        "on_error": _choice(OnError),
        "timeout": _DURATION,
        "idle_timeout": _DURATION,
        "concurrency": _COUNT,
        "always_run": _TRUTH,
        "condition": _TEXT,
        "service": _TRUTH,
        "ready": _keys(
            READY_KEYS,
            {
                "port": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, _PLACEHOLDER]},
                "url": _TEXT,
                "log": _TEXT,
                "call": {"anyOf": [_TRUTH, _PLACEHOLDER]},
                "timeout": _DURATION,
            },
        ),
        "retries": _keys(
            RETRIES_KEYS,
            {
                "limit": _COUNT,
                "delay": _DURATION,
                "backoff": {"type": "number", "minimum": 1},
                "max_delay": _DURATION,
                "jitter": _TRUTH,
            },
            required=("limit",),
        ),
        "for_each": {
            "anyOf": [{"type": "array"}, _PLACEHOLDER, _keys(FOR_EACH_KEYS, {"glob": _TEXT, "file": _TEXT})]
        },
        "spread": _TRUTH,
        "worker_timeout": _DURATION,
    }


def _option(option: Option) -> Schema:
    """What an option takes, or a placeholder for it."""
    schema = _of_kind(option)
    if option.bounds is not None:
        most = {} if option.bounds.most is None else {"maximum": option.bounds.most}
        schema = {**schema, "minimum": option.bounds.least, **most}
    if schema not in (_TEXT, _TEXT_OR_TEXTS, {}):
        schema = {"anyOf": [schema, _PLACEHOLDER]}
    return {"description": option.help, **schema} if option.help else schema


def _of_kind(option: Option) -> Schema:
    match option.kind:
        case Kind.CHOICE:
            return {"enum": list(option.choices)}
        case Kind.STRING | Kind.PATH:
            return _TEXT
        case Kind.INT:
            return _WHOLE
        case Kind.FLOAT:
            return _NUMBER
        case Kind.BOOL:
            return _TRUTH
        case Kind.DURATION:
            return _DURATION
        case Kind.SIZE:
            return _SIZE
        case Kind.STRINGS:
            return _TEXTS
        case Kind.STRING_OR_STRINGS:
            return _TEXT_OR_TEXTS
        case Kind.INT_OR_INTS:
            return {"anyOf": [_WHOLE, {"type": "array", "items": _WHOLE}]}
        case Kind.STRING_TABLE:
            return {"type": "object", "additionalProperties": _TEXT}
        case Kind.TABLE:
            return _FREE
        case Kind.VALUE:
            return {}
    assert_never(option.kind)  # a new kind has its schema, says mypy
