"""The list of a cluster's worker machines. Pure: facts in, text out."""

from collections.abc import Sequence

from quaero_cli.model.taking import labels_as_words
from quaero_cli.store.dispatch import NodeView
from quaero_cli.terminal.lists import moment
from quaero_cli.terminal.page import Cell, Column, Page, table

_COLUMNS = [
    Column("WORKER"), Column("STATE"), Column("SEEN"), Column("QUEUES"),
    Column("LABELS", wrap=True), Column("SLOTS"),
    Column("RUNNING", wrap=True),
    Column("OUTBOX"),
]  # fmt: skip


def nodes_table(nodes: Sequence[NodeView], page: Page) -> str:
    """Return the worker machines as a table."""
    return table(page, _COLUMNS, [_row(node, page) for node in nodes]) if nodes else ""


def _row(node: NodeView, page: Page) -> list[Cell]:
    state = node["state"]
    return [
        Cell(node["name"], "title"),
        Cell(state, "error" if state == "lost" else "warn" if state == "draining" else ""),
        Cell(moment(node["seen_at"], page), "muted"),
        Cell(", ".join(node["queues"])),
        Cell(" ".join(labels_as_words(node["labels"]))),
        Cell(f"{len(node['jobs']) + node['items']}/{node['slots']}"),
        Cell(", ".join(node["jobs"]) + _items(node["items"], node["jobs"])),
        Cell(f"{node['outbox_bytes']:,} B", "muted"),
    ]


def _items(count: int, jobs: Sequence[str]) -> str:
    """Return how many items of steps with `spread` run, after the jobs."""
    return f"{', ' if jobs else ''}{count} item{'' if count == 1 else 's'}" if count else ""
