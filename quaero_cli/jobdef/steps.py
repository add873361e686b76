"""Reads `[step.NAME]` tables and checks them: their own keys, their options, and how they hang together."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from quaero_cli.jobdef.foreach import check_items, literal_items, read_for_each
from quaero_cli.jobdef.graph import dependents, find_cycle, reachable
from quaero_cli.jobdef.keys import STEP_KEYS
from quaero_cli.jobdef.model import OnError, StepDefinition, StepType
from quaero_cli.jobdef.place import Place, plain_name, shown, suggestion
from quaero_cli.jobdef.placeholders import SHELL_LINES, Known, check_placeholders, has_placeholder, strings_in
from quaero_cli.jobdef.ready import read_ready
from quaero_cli.jobdef.retries import read_retries
from quaero_cli.jobdef.table import Table, check_name
from quaero_cli.jobdef.values import check_option, check_string, check_strings

_ON_ERROR: tuple[OnError, ...] = get_args(OnError)
_WRITE_TABLES = "write each step as a [step.NAME] table"


def read_steps(
    document: Table, step_types: Mapping[str, StepType], constants: Mapping[str, tuple[str, ...]]
) -> tuple[StepDefinition, ...]:
    """Return the steps in the order of the file.

    `constants` are the names that placeholders may use: `params` and `config`. Raises DefinitionError.
    """
    tables = document.table("step", hint=_WRITE_TABLES)
    if not tables.values:
        raise document.place.error("has no step", hint=_WRITE_TABLES)
    steps = []
    for name in tables.values:
        check_name(name, "a step", document.place)
        table = Table({name: tables.values[name]}, document.place.at("step")).table(name, hint=_WRITE_TABLES)
        steps.append(_read(name, Table(table.values, _place(document, name)), step_types))
    _check_graph(steps, document)
    _check_references(steps, document, constants)
    return tuple(steps)


def _place(document: Table, name: str) -> Place:
    return document.place.at(f"step {plain_name(name)}")


def _read(name: str, table: Table, step_types: Mapping[str, StepType]) -> StepDefinition:
    step_type = _read_type(table, step_types)
    options = tuple(option.name for option in step_type.options)
    table.refuse_unknown((*options, *STEP_KEYS))
    service = table.boolean("service", False)
    if service and not step_type.service:
        raise table.place.at("service").error(f"type {shown(step_type.name)} cannot be a service")
    return StepDefinition(
        name=name,
        type=step_type.name,
        description=table.string("description"),
        depends=_read_depends(table),
        on_error=table.choice("on_error", _ON_ERROR) if table.has("on_error") else "fail",
        timeout=table.duration("timeout"),
        idle_timeout=table.duration("idle_timeout"),
        concurrency=table.integer("concurrency", 0, minimum=0) if table.has("concurrency") else None,
        always_run=table.boolean("always_run", False),
        condition=table.string("condition") if table.has("condition") else None,
        service=service,
        ready=read_ready(table, step_type),
        retries=read_retries(table),
        for_each=read_for_each(table, step_type),
        spread=_read_spread(table),
        worker_timeout=_read_worker_timeout(table),
        options=_read_options(table, step_type),
    )


def _read_spread(table: Table) -> bool:
    spread = table.boolean("spread", False)
    if table.has("spread") and not table.has("for_each"):
        raise table.place.at("spread").error("goes with for_each only", hint="it divides the items over machines")
    if spread and table.has("idle_timeout"):
        problem = "does not go with idle_timeout: what its workers say elsewhere is not heard here"
        raise table.place.at("spread").error(problem, hint="worker_timeout bounds each worker, wherever it runs")
    return spread


def _read_worker_timeout(table: Table) -> float | None:
    if table.has("worker_timeout") and not table.has("for_each"):
        raise table.place.at("worker_timeout").error("goes with for_each only", hint="timeout is the whole step's")
    return table.duration("worker_timeout")


def _read_type(table: Table, step_types: Mapping[str, StepType]) -> StepType:
    if not table.has("type"):
        raise table.place.error("type is missing", hint=f"types: {', '.join(sorted(step_types))}")
    name = table.string("type")
    if name not in step_types:
        hint = suggestion(name, sorted(step_types))
        raise table.place.at("type").error(f"unknown step type {shown(name)}", hint=hint)
    return step_types[name]


def _read_depends(table: Table) -> tuple[str, ...]:
    """A list, or names with commas between them; naming a step twice means nothing."""
    value = table.values.get("depends", [])
    place = table.place.at("depends")
    if isinstance(value, str):
        names = [name.strip() for name in check_string(value, place).split(",") if name.strip()]
    elif isinstance(value, list):
        names = check_strings(value, place)
    else:
        raise place.mismatch("a list of step names", value, hint='write ["a", "b"] or "a, b"')
    return tuple(dict.fromkeys(names))


def _read_options(table: Table, step_type: StepType) -> Mapping[str, Any]:
    """Return the options as written; a text with a placeholder has its type checked when it is filled."""
    found = {}
    for option in step_type.options:
        if option.name in table.values:
            value = table.values[option.name]
            if not (isinstance(value, str) and has_placeholder(value)):
                final = not any(has_placeholder(text) for text in strings_in(value))
                check_option(option, value, table.place.at(option.name), final=final)
            found[option.name] = value
        elif option.required:
            hint = f"{option.expects}: {option.help}" if option.help else option.expects
            problem = f"{option.name} is missing (type {step_type.name} needs it)"
            raise table.place.error(problem, hint=hint)
    for option in step_type.options:
        if option.name in found and option.excludes in found:
            problem = f"{option.excludes} and {option.name} cannot stand together"
            raise table.place.error(problem, hint="take one of them out")
    return found


def _check_graph(steps: list[StepDefinition], document: Table) -> None:
    depends = {step.name: step.depends for step in steps}
    for step in steps:
        for name in step.depends:
            if name not in depends:
                others = [other for other in depends if other != step.name]
                place = _place(document, step.name).at("depends")
                raise place.error(f"no step named {shown(name)}", hint=suggestion(name, others))
    cycle = find_cycle(depends)
    if cycle:
        names = " -> ".join(cycle)
        place = _place(document, cycle[0]).at("depends")
        raise place.error(f"the steps wait for each other: {names}", hint="take one of these out of depends")
    needed = dependents(depends)
    for step in steps:
        if step.service and not needed[step.name]:
            hint = f"add {step.name!r} to depends of the steps that use it"
            raise _place(document, step.name).at("service").error("no step depends on it", hint=hint)


def _check_references(steps: list[StepDefinition], document: Table, constants: Mapping[str, tuple[str, ...]]) -> None:
    depends = {step.name: step.depends for step in steps}
    for step in steps:

        def before(name: str = step.name) -> set[str]:
            return reachable([name], depends)

        known = Known(steps=depends, before=before, **constants)
        place = _place(document, step.name)
        if step.condition is not None:
            check_placeholders(step.condition, known, place.at("condition"))
        if step.ready is not None:
            check_placeholders(step.ready.value, known, place.at("ready"))
        if step.for_each is not None:
            check_items(step.for_each, known, place.at("for_each"))
            known = replace(known, items=literal_items(step.for_each))
        for key, value in step.options.items():
            shell_line = (step.type, key) in SHELL_LINES
            check_placeholders(value, known, place.at(key), shell_line=shell_line)
