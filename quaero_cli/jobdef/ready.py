"""Reads a service's `ready` table, and fills it when the service starts."""

from dataclasses import replace
from typing import Any

from quaero_cli.jobdef.keys import READY_KEYS
from quaero_cli.jobdef.model import DEFAULT_READY_TIMEOUT, Ready, ReadyKind, StepDefinition, StepType
from quaero_cli.jobdef.place import Place
from quaero_cli.jobdef.placeholders import Scope, has_placeholder, resolve
from quaero_cli.jobdef.table import Table
from quaero_cli.jobdef.values import check_string, text_of

_WAYS: tuple[ReadyKind, ...] = ("port", "url", "log", "call")
_MOST_PORTS = 65_535
_HINT = 'write { port = 8080 }, { url = "http://127.0.0.1:8080/" } or { log = "listening" }, with timeout = "1m"'


def read_ready(step: Table, step_type: StepType) -> Ready | None:
    """Return when the service is ready; None for a step that is no service. Raises the place's error."""
    place = step.place.at("ready")
    if not step.boolean("service", False):
        if step.has("ready"):
            raise place.error("goes with service = true only", hint="take it out, or add service = true")
        return None
    table = step.table("ready", hint=_HINT)
    table.refuse_unknown(READY_KEYS)
    ways = [key for key in _WAYS if table.has(key)]
    if len(ways) > 1:
        raise place.error(f"has both {ways[0]} and {ways[1]}", hint="take one of them out")
    kind: ReadyKind = ways[0] if ways else "call" if step_type.announces else "started"
    ready = Ready(kind, timeout=table.duration("timeout") or DEFAULT_READY_TIMEOUT)
    if not ways:
        return ready
    value = table.values[kind]
    written = isinstance(value, str) and has_placeholder(value)
    return replace(ready, value=value if written else _check(kind, value, place.at(kind)))


def resolve_ready(step: StepDefinition, scope: Scope) -> Ready | None:
    """Return the step's `ready` with its placeholders filled and checked again. Raises QuaeroError."""
    if step.ready is None or step.ready.value is None:
        return step.ready
    place = Place(f"step {step.name}").at("ready", step.ready.kind)
    value = resolve(step.ready.value, scope)
    if step.ready.kind == "port" and isinstance(value, str) and value.isdecimal():
        value = int(value)  # what a shell step left is text
    elif step.ready.kind == "log" and isinstance(value, int | float):
        value = text_of(value)
    return replace(step.ready, value=_check(step.ready.kind, value, place))


def _check(kind: ReadyKind, value: object, place: Place) -> Any:  # noqa: ANN401 - what the kind takes
    match kind:
        case "port":
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_PORTS:
                raise place.mismatch(f"a port, 1 to {_MOST_PORTS}", value)
        case "url":
            if not isinstance(value, str) or not value.lower().startswith(("http://", "https://")):
                raise place.mismatch("an http:// or https:// URL", value)
        case "log":
            if not check_string(value, place):
                raise place.error("is empty", hint=_HINT)
        case "call":
            if value is not True:
                raise place.mismatch("true", value)
    return value
