"""What commands print of facts: lists, pages, JSON. The edge of this package: here pages are written, not made.

Each `write_…` takes the terminal and the facts, and writes one page at once; an empty list writes nothing, for that
there is nothing is words, which belong on stderr. JSON of a list is one array, of one thing an object on one line.
"""

import time
from collections.abc import Iterable, Sequence

from quaero_cli.model import Entry, JobSummary
from quaero_cli.store.dispatch import NodeView
from quaero_cli.terminal.console import Terminal
from quaero_cli.terminal.lists import (
    DefinitionRow,
    OptionHelp,
    RemovedJob,
    StepTypeHelp,
    definitions_table,
    jobs_table,
    removed_table,
    step_type_page,
    step_types_table,
)
from quaero_cli.terminal.nodes import nodes_table
from quaero_cli.terminal.page import page_for
from quaero_cli.terminal.pager import page
from quaero_cli.terminal.show import JobReport, show_page

__all__ = [
    "DefinitionRow",
    "JobReport",
    "OptionHelp",
    "RemovedJob",
    "StepTypeHelp",
    "json_array",
    "json_object",
    "write_definitions",
    "write_job",
    "write_jobs",
    "write_removed",
    "write_nodes",
    "write_step_type",
    "write_step_types",
]


def write_jobs(terminal: Terminal, jobs: Sequence[JobSummary], *, now: float | None = None) -> None:
    """Write the table of jobs. `now` (seconds since 1970) is the present unless given."""
    page(terminal, jobs_table(jobs, page_for(terminal, _present(now))))


def write_removed(terminal: Terminal, removed: Sequence[RemovedJob], *, now: float | None = None) -> None:
    """Write the table of jobs that retention has deleted, or would."""
    page(terminal, removed_table(removed, page_for(terminal, _present(now))))


def write_job(
    terminal: Terminal, report: JobReport, first_errors: Sequence[Entry] = (), *, now: float | None = None
) -> None:
    """Write the page of one job with its first errors."""
    page(terminal, show_page(report, first_errors, page_for(terminal, _present(now))))


def write_definitions(terminal: Terminal, definitions: Sequence[DefinitionRow], *, now: float | None = None) -> None:
    """Write the table of definitions, those that cannot be used with the reason."""
    page(terminal, definitions_table(definitions, page_for(terminal, _present(now))))


def write_nodes(terminal: Terminal, nodes: Sequence[NodeView], *, now: float | None = None) -> None:
    """Write the table of a cluster's workers."""
    page(terminal, nodes_table(nodes, page_for(terminal, _present(now))))


def write_step_types(terminal: Terminal, types: Sequence[StepTypeHelp]) -> None:
    """Write the table of step types."""
    page(terminal, step_types_table(types, page_for(terminal, 0)))


def write_step_type(terminal: Terminal, kind: StepTypeHelp) -> None:
    """Write the help of one step type."""
    page(terminal, step_type_page(kind, page_for(terminal, 0)))


def json_array(items: Iterable[object]) -> str:
    """Return a list as one JSON array, an item a line, with a newline at the end."""
    from quaero_cli.terminal.ndjson import to_json

    lines = [to_json(item) for item in items]
    return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"


def json_object(value: object) -> str:
    """Return one thing as a line of JSON, with its newline."""
    from quaero_cli.terminal.ndjson import to_json

    return to_json(value) + "\n"


def _present(now: float | None) -> float:
    return time.time() if now is None else now
