"""Reads the keys for what happens when a job has ended: `on_success`, `on_failure`, `on_exit`."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from quaero_cli.jobdef.keys import HOOK_KEYS
from quaero_cli.jobdef.model import DEFAULT_HOOK_TIMEOUT, Hook, HookEvent
from quaero_cli.jobdef.place import shown
from quaero_cli.jobdef.placeholders import JOB_FACTS, Known, check_placeholders
from quaero_cli.jobdef.table import Table
from quaero_cli.jobdef.values import check_plain, check_string, check_strings

_EVENTS: tuple[HookEvent, ...] = get_args(HookEvent)
_HINT = 'write a command ("notify-send done" or ["notify-send", "done"]) or { job = "DEFINITION" }'


def read_hooks(document: Table, constants: Mapping[str, Iterable[str]]) -> tuple[Hook, ...]:
    """Return the hooks in the order in which they run. Raises DefinitionError."""
    known = Known(steps=(), before=set, facts=JOB_FACTS, **constants)
    return tuple(_read(event, document, known) for event in _EVENTS if document.has(event))


def _read(event: HookEvent, document: Table, known: Known) -> Hook:
    value, place = document.values[event], document.place.at(event)
    if not isinstance(value, dict):
        value = {"command": value}
    table = Table(value, place)
    table.refuse_unknown(HOOK_KEYS)
    if table.has("command") == table.has("job"):
        raise place.error("must have either a command or a job", hint=_HINT)
    if table.has("params") and not table.has("job"):
        raise place.at("params").error("goes with a job only", hint="a command finds what it needs in $QUAERO_JOB_…")
    hook = Hook(
        event=event,
        command=_read_command(table) if table.has("command") else None,
        job=table.string("job") if table.has("job") else None,
        params=_read_params(table),
        timeout=table.duration("timeout") or DEFAULT_HOOK_TIMEOUT,
    )
    if hook.job is not None and not hook.job.strip():
        raise place.at("job").mismatch("a definition's id or a path to a .toml file", hook.job)
    check_placeholders(value.get("command", ""), known, place, shell_line=True)
    check_placeholders(dict(hook.params), known, place.at("params"))
    return hook


def _read_command(table: Table) -> str | tuple[str, ...]:
    value = table.values["command"]
    place = table.place.at("command") if len(table.values) > 1 else table.place
    if isinstance(value, list):
        words = tuple(check_strings(value, place))
        if not words or not words[0]:
            raise place.error("names no program", hint=_HINT)
        return words
    if not isinstance(value, str) or not value.strip():
        raise place.error(f"must be a command or a table, not {shown(value)}", hint=_HINT)
    return check_string(value, place)


def _read_params(table: Table) -> dict[str, Any]:
    params = table.table("params")
    return {name: check_plain(value, params.place.at(name)) for name, value in params.values.items()}
